#include "host/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <memory>

#include "host/base/text.h"
#include "host/cli/output.h"
#include "host/cli/times.h"

namespace longhaul::host::cli {
namespace {

// What CLI11 fills in while it parses. In deques, so that addresses stay.
struct Slots {
  struct Value {
    std::string key;
    ValueKind kind = ValueKind::Text;
    std::string shown;  // how messages name it
    std::vector<std::string> given;
    bool set = false;  // of a flag
  };
  std::deque<Value> values;
};

struct ParsedVerb {
  const Verb* verb = nullptr;
  CLI::App* app = nullptr;
  std::unique_ptr<Slots> slots = std::make_unique<Slots>();
};

std::vector<std::string> wordsOf(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

void addOption(CLI::App& app, const OptionSpec& spec, Slots& slots) {
  Slots::Value& slot = slots.values.emplace_back();
  slot.key = spec.longName();
  slot.kind = spec.kind;
  slot.shown = fmt::format("--{}", spec.longName());
  if (spec.kind == ValueKind::Flag) {
    app.add_flag(std::string(spec.flags), slot.set);
    return;
  }
  CLI::Option* option = app.add_option(std::string(spec.flags), slot.given)->type_size(1)->allow_extra_args(false);
  option->multi_option_policy(spec.repeats ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::TakeLast);
}

void addOperand(CLI::App& app, const OperandSpec& spec, Slots& slots) {
  Slots::Value& slot = slots.values.emplace_back();
  slot.key = slot.shown = spec.name;
  // Each takes what it wants before the next one gets anything; the last may go on.
  app.add_option(slot.key, slot.given)
      ->expected(1, spec.many ? CLI::detail::expected_max_vector_size : 1)
      ->allow_extra_args(spec.many);
}

// The app of a verb of one or two words; the first word of two is made once.
CLI::App* subcommandOf(CLI::App& top, const Verb& verb) {
  CLI::App* app = &top;
  for (const std::string& word : wordsOf(verb.name)) {
    const auto made = app->get_subcommands([&](CLI::App* each) { return each->get_name() == word; });
    CLI::App* next = made.empty() ? app->add_subcommand(word) : made.front();
    next->set_help_flag();
    next->allow_extras();
    next->fallthrough();
    next->require_subcommand(0, 1);
    app = next;
  }
  return app;
}

// CLI11 takes an operand in brackets for a list and splits it. With this behind it, it is a word like any other.
constexpr char kBracketGuard = '\x1f';

std::string guarded(std::string word) {
  if (word.starts_with('[') && word.ends_with(']')) word += kBracketGuard;
  return word;
}
std::string unguarded(std::string word) {
  if (word.starts_with('[') && word.ends_with(kBracketGuard)) word.pop_back();
  return word;
}

// "warn" is nearer to "warning" than letters tell.
std::string meant(std::string_view word, const std::vector<std::string>& candidates) {
  auto near = nearest(word, candidates);
  const auto begun = [&](const std::string& candidate) { return !word.empty() && candidate.starts_with(word); };
  if (!near && std::count_if(candidates.begin(), candidates.end(), begun) == 1) {
    near = *std::find_if(candidates.begin(), candidates.end(), begun);
  }
  return near ? fmt::format("did you mean \"{}\"?", *near) : std::string{};
}

UsageError usage(std::string message, std::string_view hint) {
  return UsageError{withHint({Code::Invalid, std::move(message)}, hint).message};
}

std::vector<std::string> flagsOf(const Program& program, const Verb* verb) {
  std::vector<std::string> flags;
  const auto add = [&](const std::vector<OptionSpec>& options) {
    for (const OptionSpec& option : options)
      flags.push_back(fmt::format("--{}", option.longName()));
  };
  if (verb != nullptr) add(verb->options);
  add(commonOptions());
  if (verb == nullptr) flags.emplace_back("--version");
  if (!program.has_daemon) flags.erase(std::remove(flags.begin(), flags.end(), "--address"), flags.end());
  return flags;
}

// The words that may stand after `first`; empty `first`: at the begin.
std::vector<std::string> verbWords(const Program& program, const std::string& first) {
  std::vector<std::string> words;
  for (const Verb& verb : program.verbs) {
    if (verb.isHidden()) continue;
    const auto parts = wordsOf(verb.name);
    if (first.empty()) {
      words.push_back(parts[0]);
    } else if (parts.size() == 2 && parts[0] == first) {
      words.push_back(parts[1]);
    }
  }
  if (first.empty()) words.emplace_back("help");
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 == words.size() ? " or " : ", ", words[i]);
  return text;
}

UsageError wrongVerb(const Program& program, const std::string& first, const std::string& word) {
  const auto candidates = verbWords(program, first);
  const std::string prefix = first.empty() ? "" : first + " ";
  if (word.empty()) {
    if (first.empty()) return usage("a verb is missing", fmt::format("{} --help lists them", program.name));
    return usage(fmt::format("\"{}\" wants {} after it", first, alternatives(candidates)),
                 fmt::format("{} --help lists all verbs", program.name));
  }
  if (auto near = nearest(word, candidates)) {
    return usage(fmt::format("there is no verb \"{}{}\"", prefix, word),
                 fmt::format("did you mean \"{} {}{}\"?", program.name, prefix, *near));
  }
  return usage(fmt::format("there is no verb \"{}{}\"", prefix, word),
               fmt::format("{} --help lists them", program.name));
}

// Moves what was parsed into `into`, or says which value is not of its kind.
std::optional<UsageError> take(const Slots& slots, Arguments& into) {
  for (const Slots::Value& slot : slots.values) {
    if (slot.kind == ValueKind::Flag) {
      if (slot.set) into.values[slot.key] = {};
      continue;
    }
    if (slot.given.empty()) continue;
    auto& given = into.values[slot.key] = slot.given;
    std::transform(given.begin(), given.end(), given.begin(), unguarded);
    for (const std::string& text : given) {
      if (slot.kind == ValueKind::Count) {
        if (const auto number = parseInt(text); !number || *number < 0) {
          return usage(fmt::format("{} has \"{}\", wanted a whole number from 0", slot.shown, text), "");
        }
      }
      if (slot.kind == ValueKind::Span && !parseSpanText(text)) {
        return usage(fmt::format("{} has \"{}\", wanted a span like 500ms, 30s, 5min, 2h or 1d", slot.shown, text), "");
      }
    }
  }
  return std::nullopt;
}

std::optional<UsageError> checkWords(const Program& program, const CLI::App& top, const Verb* verb,
                                     const std::string& first) {
  auto left = top.remaining(true);
  std::transform(left.begin(), left.end(), left.begin(), unguarded);
  const auto flag =
      std::find_if(left.begin(), left.end(), [](const std::string& word) { return word.size() > 1 && word[0] == '-'; });
  if (verb == nullptr && (left.empty() || flag != left.begin())) {
    return wrongVerb(program, first, left.empty() ? "" : left.front());
  }
  const std::string of = verb == nullptr ? std::string(program.name) : fmt::format("{} {}", program.name, verb->name);
  if (flag != left.end() && *flag != "--") {
    const std::string word = flag->substr(0, flag->find('='));
    const std::string near = word.starts_with("--") ? meant(word, flagsOf(program, verb)) : std::string{};
    return usage(fmt::format("{} knows no option \"{}\"", of, word),
                 near.empty() ? fmt::format("{} --help lists its options", of) : near);
  }
  for (const std::string& word : left) {
    if (word == "--") continue;
    return usage(fmt::format("\"{}\" is one word too many", word), fmt::format("{} --help shows what it takes", of));
  }
  return std::nullopt;
}

std::optional<UsageError> checkOperands(const Program& program, const Verb& verb, const Arguments& arguments) {
  for (const OperandSpec& operand : verb.operands) {
    const auto& given = arguments.all(operand.name);
    const bool is_empty = std::all_of(given.begin(), given.end(), [](const std::string& word) { return word.empty(); });
    if (!operand.required || !is_empty) continue;
    return usage(fmt::format("{} {} wants {}{}", program.name, verb.name, operand.name,
                             given.empty() ? "" : ", and it is empty"),
                 fmt::format("{} {} --help shows how", program.name, verb.name));
  }
  for (const OptionSpec& option : verb.options) {
    const auto given = arguments.text(option.longName());
    const auto& choices = option.choices;
    if (!given || choices.empty() || std::find(choices.begin(), choices.end(), *given) != choices.end()) continue;
    return usage(fmt::format("--{} has \"{}\", wanted {}", option.longName(), *given, alternatives(choices)),
                 meant(*given, choices));
  }
  const auto output = arguments.text("output");
  if (output && !parseFormat(*output)) {
    const std::string near = meant(*output, formatNames());
    return usage(fmt::format("--output has \"{}\", wanted {}", *output, alternatives(formatNames())), near);
  }
  return std::nullopt;
}

const Verb* find(const Program& program, const std::vector<std::string>& words) {
  for (const Verb& verb : program.verbs) {
    if (wordsOf(verb.name) == words) return &verb;
  }
  return nullptr;
}

// `longhaul help [VERB]`.
Parsed help(const Program& program, const std::vector<std::string>& words) {
  if (words.empty()) return HelpWanted{helpText(program, nullptr)};
  if (const Verb* verb = find(program, words)) return HelpWanted{helpText(program, verb)};
  const bool family = !verbWords(program, words[0]).empty();
  return wrongVerb(program, family ? words[0] : "", family ? (words.size() > 1 ? words[1] : "") : words[0]);
}

}  // namespace

Parsed parseCommandLine(const Program& program, const std::vector<std::string>& words) {
  if (!words.empty() && words[0] == "help") return help(program, {words.begin() + 1, words.end()});
  if (!words.empty() && words[0] == kCompleteVerb) {
    if (const Verb* verb = find(program, {words[0]})) {
      Invocation invocation{verb, {}};
      invocation.arguments.values["WORD"] = {words.begin() + 1, words.end()};
      return invocation;
    }
  }
  CLI::App top;
  top.set_help_flag();
  top.allow_extras();
  top.require_subcommand(0, 1);
  bool version = false;
  top.add_flag("--version", version);
  Slots common;
  for (const OptionSpec& option : commonOptions()) {
    if (program.has_daemon || option.longName() != "address") addOption(top, option, common);
  }
  std::vector<ParsedVerb> verbs(program.verbs.size());
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    verbs[i].verb = &program.verbs[i];
    verbs[i].app = subcommandOf(top, program.verbs[i]);
    for (const OperandSpec& operand : program.verbs[i].operands)
      addOperand(*verbs[i].app, operand, *verbs[i].slots);
    for (const OptionSpec& option : program.verbs[i].options)
      addOption(*verbs[i].app, option, *verbs[i].slots);
  }
  std::string failure;
  try {
    std::vector<std::string> last_first(words.rbegin(), words.rend());
    std::transform(last_first.begin(), last_first.end(), last_first.begin(), guarded);
    top.parse(std::move(last_first));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view what = error.what();
    failure = fmt::format("{} wants a value behind it", what.substr(0, what.find(':')));
  } catch (const CLI::ParseError& error) {
    failure = error.what();
  }
  if (version) return VersionWanted{};
  const ParsedVerb* chosen = nullptr;
  for (const ParsedVerb& verb : verbs) {
    if (verb.app->parsed()) chosen = &verb;
  }
  const auto begun = top.get_subcommands();
  const std::string first = begun.empty() ? "" : begun[0]->get_name();

  Invocation invocation;
  invocation.verb = chosen == nullptr ? nullptr : chosen->verb;
  if (auto wrong = take(common, invocation.arguments)) return *wrong;
  if (invocation.arguments.has("help")) {
    if (chosen == nullptr && !first.empty()) return wrongVerb(program, first, "");
    return HelpWanted{helpText(program, invocation.verb)};
  }
  if (!failure.empty()) return usage(failure, fmt::format("{} --help tells more", program.name));
  if (auto wrong = checkWords(program, top, invocation.verb, first)) return *wrong;
  if (auto wrong = take(*chosen->slots, invocation.arguments)) return *wrong;
  if (auto wrong = checkOperands(program, *chosen->verb, invocation.arguments)) return *wrong;
  return invocation;
}

}  // namespace longhaul::host::cli
