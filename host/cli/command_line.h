// Turns the words of a command line into a verb and its arguments; says what is wrong with them and what was probably
// meant. The only place that knows of CLI11. Pure; any thread.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "host/cli/verb.h"

namespace longhaul::host::cli {

struct Program {
  std::string_view name;  // "longhaul"
  std::string_view summary;
  const std::vector<Verb>& verbs;
  bool has_daemon = true;  // false: no --address
};

struct Invocation {
  const Verb* verb = nullptr;
  Arguments arguments;
};
struct HelpWanted {
  std::string text;
};
struct VersionWanted {};
struct UsageError {
  std::string message;  // a sentence; further lines are hints
};
using Parsed = std::variant<Invocation, HelpWanted, VersionWanted, UsageError>;

// `words` are without the program's name.
Parsed parseCommandLine(const Program& program, const std::vector<std::string>& words);

// All verbs, or one of them; `verb` null: all.
std::string helpText(const Program& program, const Verb* verb);

}  // namespace longhaul::host::cli
