// A page of docs whose tables are printed from the code. One program a page:
//   PROGRAM --check FILE   fails when the file says something else
//   PROGRAM --write FILE   rewrites what stands between the markers
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::host::test {

// What stands between "<!-- NAME: printed by PROGRAM -->" and "<!-- end of NAME -->".
struct PrintedPart {
  std::string name;
  std::string text;
};

// The text with each part between its markers; empty when a marker is missing.
inline std::string filled(std::string text, std::string_view program, const std::vector<PrintedPart>& parts) {
  for (const PrintedPart& part : parts) {
    const std::string begin = fmt::format("<!-- {}: printed by {} -->\n", part.name, program);
    const std::string end = fmt::format("<!-- end of {} -->\n", part.name);
    const auto from = text.find(begin);
    const auto to = text.find(end);
    if (from == std::string::npos || to == std::string::npos || to < from) {
      fmt::print(stderr, "the markers of \"{}\" are missing: {}{}", part.name, begin, end);
      return {};
    }
    text.replace(from + begin.size(), to - from - begin.size(), part.text);
  }
  return text;
}

// The whole of such a program: its exit code.
inline int printDoc(int argc, char** argv, std::string_view program, const std::vector<PrintedPart>& parts) {
  const std::string verb = argc == 3 ? argv[1] : "";
  if (verb != "--check" && verb != "--write") {
    fmt::print(stderr, "usage: {} --check|--write FILE\n", program);
    return 2;
  }
  std::ifstream in(argv[2]);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string wanted = filled(text, program, parts);
  if (wanted.empty()) return 1;
  if (verb == "--check") {
    if (wanted == text) return 0;
    const auto line =
        std::count(text.begin(), std::mismatch(text.begin(), text.end(), wanted.begin(), wanted.end()).first, '\n');
    fmt::print(stderr, "{}:{}: it says something else than the code: run {} --write {}\n", argv[2], line + 1, program,
               argv[2]);
    return 1;
  }
  std::ofstream(argv[2]) << wanted;
  return 0;
}

}  // namespace longhaul::host::test
