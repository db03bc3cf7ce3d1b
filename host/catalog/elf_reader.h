// Reads from the bytes of a shared object what admission asks for, without trust: every offset and size is checked
// against the bytes, no pointer into them outlives the call's argument, and nothing is mapped or loaded. It refuses
// what the dynamic loader would die of, first of all a file cut short (whose mapping kills dlopen by SIGBUS): all
// segments and the section header table must lie inside the file, and since linkers write that table last, every cut of
// an ordinary file is refused. 64-bit little-endian ELF of this machine only. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace longhaul::host::catalog {

// Symbol versions that are wanted of one library, GLIBC_2.34 of libc.so.6 for one.
struct NeededVersions {
  std::string library;
  std::vector<std::string> versions;  // weak ones left out
};

struct ElfFile {
  bool has_note = false;
  std::uint32_t abi_version = 0;  // from the note
  std::string_view manifest;      // the note's JSON text, inside the bytes given
  std::vector<std::string> needed_libraries;
  std::vector<NeededVersions> needed_versions;
  std::vector<std::string> defined_versions;  // of a library: what it offers
  std::string runpath;
  std::string build_id;               // hexadecimal; empty: none
  std::vector<std::string> exported;  // names of defined global symbols, sorted
  bool executable_stack = false;
};

// INVALID with a sentence, first fault found.
Result<ElfFile> readElf(std::string_view bytes);

}  // namespace longhaul::host::catalog
