// Reads from the bytes of a shared object what admission asks for, without trust: every offset and size is checked
// against the bytes, and nothing is mapped or loaded. It refuses what the dynamic loader would die of, first of all a
// file cut short (whose mapping kills dlopen by SIGBUS): all segments and the section header table must lie inside the
// file, and since linkers write that table last, every cut of an ordinary file is refused. 64-bit ELF of this machine
// only. Pure; any thread; its time grows with the size of the bytes and no faster.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "host/catalog/checked.h"

namespace longhaul::host::catalog {

// Symbol versions that are wanted of one library, GLIBC_2.34 of libc.so.6 for one. Weak ones are left out.
struct NeededVersions {
  std::string library;
  std::vector<std::string> versions;
};

struct ElfFile {
  bool has_note = false;
  std::uint32_t abi_version = 0;  // from the note
  std::string_view manifest;      // the note's JSON text, inside the bytes given
  std::vector<std::string> needed_libraries;
  std::vector<NeededVersions> needed_versions;
  std::string runpath;                // DT_RUNPATH, else DT_RPATH
  std::string build_id;               // hexadecimal; empty: none
  bool exports_entry = false;         // longhaulPluginEntry is a defined, visible function
  std::size_t exported_count = 0;     // defined, visible functions and objects
  std::vector<std::string> exported;  // the names of the first kElfNamesMax of them
  bool executable_stack = false;
};

// INVALID with a sentence, the first fault found.
Checked<ElfFile> readElf(std::string_view bytes);

// The symbol versions that a library defines; empty: it has none. Takes libraries that can also be run (libc.so.6).
Checked<std::vector<std::string>> readDefinedVersions(std::string_view bytes);

// Names that the loader has to find elsewhere: undefined, not weak, and asked for by a relocation. They lie inside the
// bytes. The same faults as readElf()'s.
Checked<std::unordered_set<std::string_view>> readWantedSymbols(std::string_view bytes);

// Takes the names that a library (or a program) defines from `wanted`; what it needs itself.
struct LibraryLinks {
  std::vector<std::string> needed_libraries;
  std::string runpath;
};
Checked<LibraryLinks> removeDefined(std::string_view bytes, std::unordered_set<std::string_view>& wanted);

}  // namespace longhaul::host::catalog
