// The outer layout of a shared object: its header, its segments, where an address lies in the file. Part of the ELF
// reader. Pure; any thread; borrows the bytes.
#pragma once

#include <elf.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "host/catalog/checked.h"
#include "host/catalog/elf_bytes.h"

namespace longhaul::host::catalog {

enum class ElfKind {
  Plugin,   // everything is asked: no interpreter, a section header table inside the file
  Library,  // of the system: may also be run (libc.so.6 has an interpreter)
};

class ElfLayout {
 public:
  // INVALID with a sentence for what is no whole shared object of this machine.
  static Checked<ElfLayout> read(std::string_view bytes, ElfKind kind);

  // Where in the file the address lies; nothing: in no loaded segment's file part.
  std::optional<std::uint64_t> offsetOf(std::uint64_t address) const;

  // In memory that may be executed, or written (`anywhere`: that is loaded at all).
  bool isExecutable(std::uint64_t address) const;
  bool isWritable(std::uint64_t address, bool anywhere) const;

  const ElfBytes& bytes() const { return bytes_; }
  // Each lies inside the bytes.
  const std::vector<Elf64_Phdr>& notes() const { return notes_; }
  const std::optional<Elf64_Phdr>& dynamic() const { return dynamic_; }
  bool executableStack() const { return executable_stack_; }

 private:
  explicit ElfLayout(std::string_view bytes) : bytes_(bytes) {}
  Checked<void> readHeader();
  Checked<void> readSegments(ElfKind kind);
  Checked<void> checkSegments() const;
  Checked<void> checkSections() const;
  Checked<void> checkHoles(const Elf64_Shdr& section) const;

  ElfBytes bytes_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> loads_;
  std::vector<Elf64_Phdr> notes_;
  std::optional<Elf64_Phdr> dynamic_;
  std::optional<Elf64_Phdr> thread_local_;
  std::optional<Elf64_Phdr> read_only_later_;
  bool executable_stack_ = false;
};

}  // namespace longhaul::host::catalog
