// Which symbols of a plugin the dynamic loader would not find: told before anything is started. It looks where the
// loader does, in the worker, the libraries that both need and those that these need; where one of them cannot be found
// or read it says nothing, since the loader has the last word. Blocking; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "host/catalog/elf_reader.h"
#include "host/catalog/system_libraries.h"

namespace longhaul::host::catalog {

// Sorted names as the file has them. By name alone: versions are a matter of the libraries' version tables. Weak ones
// and those of sanitizers' run times, which may come by LD_PRELOAD, are left to the loader.
std::vector<std::string> unresolvedSymbols(std::string_view bytes, const ElfFile& elf, const SystemLibraries& system,
                                           const std::filesystem::path& worker);

// A C++ name as its author wrote it; the name itself where it is none, or one that could cost much to write out.
std::string demangled(const std::string& name);

}  // namespace longhaul::host::catalog
