// Which functions the addresses of a crash lie in, read from the file that they came from: .symtab where it is there,
// else .dynsym. The file is a stranger's: every offset and size is checked against the bytes before it is used, and a
// name may be anything that is not NUL. A function that covers the address, or one without a size that is the nearest
// below it; a neighbour that merely lies near would be a lie. 64-bit little-endian ELF. Pure; any thread; its time
// grows with the number of symbols times the logarithm of the number of addresses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace longhaul::host::symbols {

inline constexpr std::size_t kSymbolsMax = 4'000'000;      // of one table: the largest libraries have some 300,000
inline constexpr std::size_t kSymbolNameBytesMax = 4096;   // as it stands in the file; a longer one is no name
inline constexpr std::size_t kFunctionNameBytesMax = 300;  // as it is shown; cut

struct Function {
  std::string name;          // demangled, printable, without ABI tags' noise
  std::uint64_t offset = 0;  // of the address behind its begin
  bool runtime = false;      // of the language's run time: std::terminate and its like, never who is at fault
};

struct ModuleFunctions {
  std::string build_id;                            // hexadecimal; empty: none
  std::string_view table;                          // ".symtab", ".dynsym", or empty: no table of names
  std::vector<std::optional<Function>> functions;  // one for each offset
};

// `offsets` count from the lowest address that the file is loaded to. INVALID with a sentence for what is no whole ELF
// file.
Result<ModuleFunctions> functionsAt(std::string_view file, const std::vector<std::uint64_t>& offsets);

// The name as people write it. `mangled` as it stands in a file.
Function toFunction(std::string_view mangled, std::uint64_t offset);

}  // namespace longhaul::host::symbols
