// What longhaul-symbols does: confines itself by what its first bytes say, then answers which functions some offsets in
// some files lie in, and ends. It reads files of strangers, so it is started anew for each crash, has nothing but the
// descriptors that it was given, and whoever started it believes its answer as little as the files. One thread.
//
// stdin is a file: u32 size and a sandbox::Confinement; then the question, to the end of the file:
//   {"modules": [{"offsets": [4660, …]}, …]}          the n-th module is the file of descriptor kFirstModuleFd + n
// stdout: a JSON object a line, one for each module in their order:
//   {"buildId": "3f…", "table": ".symtab", "functions": [{"name": "parse(char const*)", "offset": 18, "runtime"?: true}
//    or null, …]}     or    {"fault": "not a 64-bit little-endian ELF file"}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace longhaul::host::symbols {

inline constexpr int kFirstModuleFd = 3;
inline constexpr int kArgHostPid = 1;  // decimal: who must be the parent
inline constexpr int kArgCount = 2;

// The offsets of each module.
Result<std::vector<std::vector<std::uint64_t>>> readQuestion(std::string_view text);

// One line of the answer.
std::string answerFor(std::string_view file, const std::vector<std::uint64_t>& offsets);

// The exit code. Ends the process itself where it could not be confined.
int runReader(int argc, char** argv);

}  // namespace longhaul::host::symbols
