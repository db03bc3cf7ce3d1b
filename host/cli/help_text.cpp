#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/cli/command_line.h"

namespace longhaul::host::cli {
namespace {

struct GroupTitle {
  Group group;
  std::string_view title;
};
constexpr std::array kGroups{GroupTitle{Group::Look, "Look"}, GroupTitle{Group::Act, "Act"},
                             GroupTitle{Group::Use, "Use"}, GroupTitle{Group::Plugins, "Plugins"},
                             GroupTitle{Group::Keep, "Keep"}};

std::string operandText(const OperandSpec& operand) {
  const std::string name = fmt::format("{}{}", operand.name, operand.many ? "…" : "");
  return operand.required ? name : fmt::format("[{}]", name);
}

std::string usageOf(const Verb& verb) {
  std::string text(verb.name);
  for (const OperandSpec& operand : verb.operands)
    text += ' ' + operandText(operand);
  return text;
}

// "-n, --lines N": a short name stands in front, or its room stays empty.
std::string optionText(const OptionSpec& option) {
  const std::size_t comma = option.flags.find(',');
  std::string text = comma == std::string_view::npos
                         ? fmt::format("    {}", option.flags)
                         : fmt::format("{}, {}", option.flags.substr(0, comma), option.flags.substr(comma + 1));
  if (option.kind != ValueKind::Flag) text += fmt::format(" {}", option.value);
  return text;
}

std::string optionLines(const std::vector<OptionSpec>& options, const Program& program) {
  std::string text;
  for (const OptionSpec& option : options) {
    if (!program.has_daemon && option.longName() == "address") continue;
    text += fmt::format("  {:<26} {}\n", optionText(option), option.help);
  }
  return text;
}

std::string helpOfAll(const Program& program) {
  std::string text =
      fmt::format("{}: {}\n\nUsage: {} VERB [operands] [options]\n", program.name, program.summary, program.name);
  for (const GroupTitle& group : kGroups) {
    std::string lines;
    for (const Verb& verb : program.verbs) {
      if (verb.group == group.group && !verb.isHidden())
        lines += fmt::format("  {:<34} {}\n", usageOf(verb), verb.summary);
    }
    if (!lines.empty()) text += fmt::format("\n{}\n{}", group.title, lines);
  }
  text += fmt::format("\nOptions of every verb\n{}", optionLines(commonOptions(), program));
  text += fmt::format("\n{} VERB --help tells more of one verb.\n", program.name);
  if (program.has_daemon) {
    text +=
        "Exit codes: 0 done, 1 error, 2 usage, 3 not running (is-active), 4 not found, 5 daemon not reachable,\n"
        "6 denied, 7 timeout.\n";
  }
  return text;
}

}  // namespace

std::string helpText(const Program& program, const Verb* verb) {
  if (verb == nullptr) return helpOfAll(program);
  std::string text = fmt::format("Usage: {} {} [options]\n\n{}\n", program.name, usageOf(*verb), verb->summary);
  if (!verb->details.empty()) text += fmt::format("{}\n", verb->details);
  text += "\nOptions\n" + optionLines(verb->options, program) + optionLines(commonOptions(), program);
  return text;
}

}  // namespace longhaul::host::cli
