// completion: scripts for bash, zsh and fish, and the words that they ask for while one types. The scripts know
// nothing: each asks `longhaul __complete`, which has the table of verbs and the daemon's live names.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

constexpr std::chrono::milliseconds kAskTimeout{1000};  // one who types does not wait longer
constexpr int kIncidentsOffered = 50;

constexpr std::string_view kBash =
    R"sh(# longhaul completion bash: source <(longhaul completion bash), or put it into
# /usr/share/bash-completion/completions/longhaul
# Bash breaks words at ":" and "=": they are put together again, and what stands in front of the last break is not part
# of the answer.
_longhaul() {
  local words=() word joined= i
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ ${#words[@]} -gt 0 && ( -n $joined || $word =~ ^[:=]+$ ) ]]; then words[-1]+=$word; else words+=("$word"); fi
    if [[ $word =~ ^[:=]+$ ]]; then joined=1; else joined=; fi
  done
  word=${COMP_WORDS[COMP_CWORD]}
  if [[ $word =~ ^[:=]+$ ]]; then word=; fi
  local current=${words[-1]} front=
  front=${current%"$word"}
  local found files=
  found=$("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null) && files=1
  COMPREPLY=()
  if [[ -n $found ]]; then
    mapfile -t COMPREPLY <<< "$found"
    COMPREPLY=("${COMPREPLY[@]#"$front"}")
    if [[ ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
  elif [[ -n $files ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _longhaul longhaul
)sh";

constexpr std::string_view kZsh = R"sh(#compdef longhaul
# longhaul completion zsh: put it as _longhaul into a folder of $fpath
_longhaul() {
  local text files=
  local -a found ended
  text="$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)" && files=1
  found=("${(@f)text}")
  found=(${found:#})
  if (( ${#found} )); then
    ended=(${(M)found:#*=})
    found=(${found:#*=})
    compadd -S '' -a ended
    compadd -a found
  elif [[ -n $files ]]; then
    _files
  fi
}
if [ "$funcstack[1]" = _longhaul ]; then _longhaul "$@"; else compdef _longhaul longhaul; fi
)sh";

constexpr std::string_view kFish = R"sh(# longhaul completion fish: put it into ~/.config/fish/completions/longhaul.fish
function __longhaul_words
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] __complete $words[2..-1] 2>/dev/null)
  set -l files $status
  if test (count $found) -gt 0
    printf '%s\n' $found
  else if test $files -eq 0
    __fish_complete_path (commandline -ct)
  end
end
complete -c longhaul -f -a '(__longhaul_words)'
)sh";

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// What the words in front of the one that is typed have said.
struct Typed {
  const Verb* verb = nullptr;
  std::vector<std::string> verb_words;      // the begin of a verb, when none is whole yet
  const OptionSpec* wants_value = nullptr;  // the last word is an option that wants one
  std::vector<std::string> operands;
  std::optional<std::string> address;
};

const OptionSpec* optionOf(const Verb* verb, const std::string& word) {
  const auto named = [&](const OptionSpec& option) {
    return word == fmt::format("--{}", option.longName()) ||
           (option.flags[1] != '-' && word == option.flags.substr(0, 2));
  };
  for (const auto* options : {verb == nullptr ? nullptr : &verb->options, &commonOptions()}) {
    if (options == nullptr) continue;
    const auto found = std::find_if(options->begin(), options->end(), named);
    if (found != options->end()) return &*found;
  }
  return nullptr;
}

const Verb* verbOf(const std::vector<std::string>& words) {
  for (const Verb& verb : longhaulVerbs()) {
    if (split(verb.name) == words) return &verb;
  }
  return nullptr;
}

Typed read(const std::vector<std::string>& words) {
  Typed typed;
  for (const std::string& word : words) {
    if (typed.wants_value != nullptr) {
      if (typed.wants_value->longName() == "address") typed.address = word;
      typed.wants_value = nullptr;
    } else if (word.starts_with("-")) {
      const OptionSpec* option = optionOf(typed.verb, word);
      if (option != nullptr && option->kind != ValueKind::Flag) typed.wants_value = option;
      if (word.starts_with("--address=")) typed.address = word.substr(10);
    } else if (typed.verb != nullptr) {
      typed.operands.push_back(word);
    } else {
      typed.verb_words.push_back(word);
      typed.verb = verbOf(typed.verb_words);
    }
  }
  return typed;
}

class Words {
 public:
  Words(Session& session, const Typed& typed) : api_(session.api), typed_(typed) {}

  void offer(std::string_view current) {
    if (typed_.wants_value != nullptr) return offerValue(*typed_.wants_value);
    if (const auto equals = current.find('='); current.starts_with("--") && equals != std::string_view::npos) {
      return offerJoined(current.substr(0, equals + 1));
    }
    if (current.starts_with("-")) return offerOptions();
    if (typed_.verb == nullptr) return offerVerbs();
    offerOperand();
  }
  const std::set<std::string>& found() const { return found_; }
  // Whether what is typed may be a file's name.
  bool takesFiles() const { return takes_files_; }

 private:
  void add(std::string word) {
    if (!word.empty()) found_.insert(std::move(word));
  }

  void offerVerbs() {
    const std::size_t at = typed_.verb_words.size();
    for (const Verb& verb : longhaulVerbs()) {
      if (verb.isHidden()) continue;
      const auto words = split(verb.name);
      if (at < words.size() && std::equal(typed_.verb_words.begin(), typed_.verb_words.end(), words.begin())) {
        add(words[at]);
      }
    }
    if (at == 0) add("help");
  }

  void offerOptions() {
    for (const auto* options : {typed_.verb == nullptr ? nullptr : &typed_.verb->options, &commonOptions()}) {
      if (options == nullptr) continue;
      for (const OptionSpec& option : *options)
        add(fmt::format("--{}", option.longName()));
    }
  }

  // "--output=": its values, each behind that.
  void offerJoined(std::string_view front) {
    const OptionSpec* option = optionOf(typed_.verb, std::string(front.substr(0, front.size() - 1)));
    if (option == nullptr || option->kind == ValueKind::Flag) return;
    offerValue(*option);
    std::set<std::string> joined;
    for (const std::string& value : found_)
      joined.insert(fmt::format("{}{}", front, value));
    found_ = std::move(joined);
  }

  void offerValue(const OptionSpec& option) {
    for (const std::string& choice : option.choices)
      add(choice);
    takes_files_ = option.value == "FILE" || option.value == "DIR";
    const std::string_view name = option.longName();
    if (name == "output") {
      for (const std::string& format : formatNames())
        add(format);
    }
    if (name == "instance") names("/instances", "instances", "name");
    if (name == "to" || name == "owner" || name == "actor") names("/users", "users", "username");
  }

  void offerOperand() {
    const auto& operands = typed_.verb->operands;
    if (operands.empty()) return;
    const std::size_t at = std::min(typed_.operands.size(), operands.size() - 1);
    if (typed_.operands.size() >= operands.size() && !operands[at].many) return;
    const std::string_view operand = operands[at].name;
    takes_files_ = operand == "FILE" || operand == "TARGET";
    const std::string_view verb = typed_.verb->name;
    if (operand == "USER") return names("/users", "users", "username");
    if (operand == "COMMAND" && !typed_.operands.empty()) return commandsOf(typed_.operands.front());
    if (operand == "KEY=VALUE" && typed_.operands.size() >= 2)
      return argumentsOf(typed_.operands[0], typed_.operands[1]);
    if (operand == "SHELL") {
      for (const char* shell : {"bash", "zsh", "fish"})
        add(shell);
      return;
    }
    if (verb.starts_with("token")) return names("/tokens", "tokens", "name");
    if (verb.starts_with("user ")) return;
    if ((operand == "NAME" || operand == "TARGET") && verb != "incident create" && verb != "plugin new")
      return names("/instances", "instances", "name");
    if (operand == "ID" && verb.starts_with("plugin")) return names("/plugins", "plugins", "id");
    if (operand == "ID") return incidents();
  }

  Json ask(const Target& target) const {
    auto answer = api_.call({.target = target.text()}, kAskTimeout);
    return answer && answer->ok() ? std::move(answer->body) : Json{};
  }
  void names(std::string_view path, std::string_view rows, std::string_view member) {
    const Json answer = ask(Target{path});
    for (const Json& row : memberAt(answer, rows))
      add(textAt(row, member));
  }
  void incidents() {
    const Json answer = ask(Target{"/incidents"}.query("limit", kIncidentsOffered));
    for (const Json& row : memberAt(answer, "incidents"))
      add(textAt(row, "id"));
  }
  void commandsOf(const std::string& instance) {
    const Json answer = ask(Target{"/instances"}.step(instance).literal("/commands"));
    for (const Json& row : memberAt(answer, "commands"))
      add(textAt(row, "name"));
  }

  // "to=" for each argument that is not said yet, and "severity=high" where there is a choice.
  void argumentsOf(const std::string& instance, const std::string& command) {
    const Json answer = ask(Target{"/instances"}.step(instance).literal("/commands"));
    for (const Json& row : memberAt(answer, "commands")) {
      if (textAt(row, "name") != command) continue;
      for (const Json& argument : memberAt(row, "arguments"))
        argumentOf(argument);
    }
  }
  void argumentOf(const Json& argument) {
    const std::string front = textAt(argument, "name") + "=";
    const bool is_said = std::any_of(typed_.operands.begin() + 2, typed_.operands.end(),
                                     [&](const std::string& word) { return word.starts_with(front); });
    if (is_said) return;
    const Json& options = memberAt(argument, "options");
    if (options.empty()) add(front);
    for (const Json& option : options) {
      if (option.is_string()) add(front + option.get<std::string>());
    }
  }

  const Api& api_;
  const Typed& typed_;
  std::set<std::string> found_;
  bool takes_files_ = false;
};

Exit words(Session& session, const Arguments& arguments) {
  std::vector<std::string> given = arguments.all("WORD");
  const std::string current = given.empty() ? "" : given.back();
  if (!given.empty()) given.pop_back();
  const Typed typed = read(given);
  if (typed.address && typed.address->starts_with("unix:/")) session.api = Api{DaemonAddress{typed.address->substr(5)}};
  Words words{session, typed};
  words.offer(current);
  for (const std::string& word : words.found()) {
    // A name that a line or a blank would break is not offered.
    if (word.starts_with(current) && word.find_first_of(" \t\n") == std::string::npos)
      session.output.line(printable(word));
  }
  // Where nothing was found, the scripts offer files only if a file's name is wanted.
  return words.found().empty() && !words.takesFiles() ? Exit::Error : Exit::Done;
}

Exit script(Session& session, const Arguments& arguments) {
  const std::string shell = *arguments.text("SHELL");
  if (shell == "bash") {
    session.output.text(kBash);
  } else if (shell == "zsh") {
    session.output.text(kZsh);
  } else if (shell == "fish") {
    session.output.text(kFish);
  } else {
    return session.usage(fmt::format("there is no completion for \"{}\"", shell), "wanted bash, zsh or fish");
  }
  return Exit::Done;
}

}  // namespace

std::vector<Verb> completionVerbs() {
  return {
      {.name = "completion",
       .group = Group::Keep,
       .summary = "prints the script that completes words in bash, zsh or fish",
       .operands = {{.name = "SHELL"}},
       .options = {},
       .details = "bash: source <(longhaul completion bash). Verbs, options and the live names of instances, commands\n"
                  "and their arguments, users, plugins and incidents; files where a file is wanted.",
       .run = script},
      {.name = kCompleteVerb,
       .group = Group::Keep,
       .summary = {},  // hidden: for those scripts, which give it the words so far
       .operands = {{.name = "WORD", .required = false, .many = true}},
       .options = {},
       .details = {},
       .run = words}};
}

}  // namespace longhaul::host::cli
