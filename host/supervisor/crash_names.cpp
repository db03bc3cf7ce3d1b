#include "host/supervisor/crash_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "host/base/crash_limits.h"
#include "host/base/sha256.h"
#include "host/base/text.h"

namespace longhaul::host::supervisor {
namespace {

constexpr std::string_view kPlugin = "plugin+";
constexpr std::size_t kPlacesInFingerprint = 2;
constexpr std::size_t kNameBytesMax = 400;

struct Place {
  std::string_view module;
  std::uint64_t offset = 0;
};

// "libc.so.6+0x9d0"; nothing: a bare address.
std::optional<Place> placeOf(std::string_view frame) {
  const std::size_t plus = frame.rfind("+0x");
  if (plus == std::string_view::npos || plus == 0) return std::nullopt;
  const std::string_view digits = frame.substr(plus + 3);
  Place place{.module = frame.substr(0, plus)};
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), place.offset, 16);
  if (end.ec != std::errc{} || end.ptr != digits.data() + digits.size()) return std::nullopt;
  return place;
}

// Each thread's stack of a card, wherever it stands.
template <class Card, class Use>
void forEachStack(Card& card, const Use& use) {
  if (card.contains("crash")) use(card["crash"]);
  if (!card.contains("stacks")) return;
  for (auto& thread : card["stacks"])
    use(thread);
}

struct Named {
  std::string name;
  std::uint64_t offset = 0;
  bool runtime = false;
};
using Names = std::map<std::pair<std::string, std::uint64_t>, Named>;

std::optional<Named> readNamed(const Json& json) {
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) return std::nullopt;
  if (!json.contains("offset") || !json["offset"].is_number_unsigned()) return std::nullopt;
  Named named{.name = json["name"].get<std::string>(),
              .offset = json["offset"].get<std::uint64_t>(),
              .runtime = json.contains("runtime")};
  std::replace_if(
      named.name.begin(), named.name.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; },
      '?');
  named.name = cutAtCharacter(named.name, kNameBytesMax);
  if (named.name.empty()) return std::nullopt;
  return named;
}

// What one line says of one module; the sentence why it says nothing, or empty.
std::string takeLine(const Json& line, const NameQuestion::Module& module, Json& about, Names& names) {
  if (!line.is_object()) return "an answer that is none";
  if (line.contains("fault") && line["fault"].is_string()) {
    return std::string{cutAtCharacter(line["fault"].get_ref<const std::string&>(), kNameBytesMax)};
  }
  const Json& functions = line.contains("functions") ? line["functions"] : line;
  if (!functions.is_array() || functions.size() != module.offsets.size()) return "an answer that is none";
  const std::string build_id = line.contains("buildId") && line["buildId"].is_string() ? line["buildId"] : "";
  const std::string head = about.is_string() ? about.get<std::string>() : "";
  // What the worker had loaded and what lies there now need not be the same file.
  if (!head.empty() && !std::string_view{build_id}.starts_with(head)) return "the file was replaced since";
  if (!build_id.empty() && build_id.size() <= 128 &&
      build_id.find_first_not_of("0123456789abcdef") == std::string::npos) {
    about = build_id;
  }
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (auto named = readNamed(functions[i])) names[{module.name, module.offsets[i]}] = std::move(*named);
  }
  const bool has_table = line.contains("table") && line["table"].is_string() && line["table"] != "";
  return has_table ? std::string{} : "the file has no table of names";
}

std::string functionText(const Named& named) {
  return fmt::format("{}+{:#x}", named.name, named.offset);
}

void putFunctions(Json& stack, const Names& names) {
  Json functions = Json::array();
  Json runtime = Json::array();
  for (const Json& frame : stack["frames"]) {
    const auto place = placeOf(frame.get_ref<const std::string&>());
    const auto found = place ? names.find({std::string{place->module}, place->offset}) : names.end();
    if (found != names.end() && found->second.runtime) runtime.push_back(functions.size());
    functions.push_back(found == names.end() ? std::string{} : functionText(found->second));
  }
  stack["functions"] = std::move(functions);
  if (!runtime.empty()) stack["runtimeFrames"] = std::move(runtime);
}

// ---- where it was

std::string frameAt(const Json& stack, std::size_t index) {
  return stack["frames"][index].get<std::string>();
}

bool isRuntime(const Json& stack, std::size_t index) {
  if (!stack.contains("runtimeFrames")) return false;
  const Json& runtime = stack["runtimeFrames"];
  return std::find(runtime.begin(), runtime.end(), index) != runtime.end();
}

// The innermost frames of what the plugin's author wrote.
std::vector<std::size_t> authorsFrames(const Json& stack) {
  std::vector<std::size_t> found;
  if (!stack.contains("frames")) return found;
  for (std::size_t i = 0; i < stack["frames"].size(); ++i) {
    if (frameAt(stack, i).starts_with(kPlugin) && !isRuntime(stack, i)) found.push_back(i);
  }
  return found;
}

std::string functionAt(const Json& stack, std::size_t index) {
  if (!stack.contains("functions")) return {};
  return stack["functions"][index].get<std::string>();
}

std::string wordsFor(const Json& stack, std::size_t index) {
  const std::string frame = frameAt(stack, index);
  const std::string function = functionAt(stack, index);
  return function.empty() ? frame : fmt::format("{} ({})", function, frame);
}

// The stack of the thread that is to blame: who crashed, else main of a worker that hung.
const Json* blamed(const Json& card) {
  if (card.contains("crash") && !card["crash"]["frames"].empty()) return &card["crash"];
  if (!card.contains("stacks")) return nullptr;
  for (const Json& thread : card["stacks"]) {
    if (!thread["frames"].empty()) return &thread;
  }
  return nullptr;
}

std::string whereWords(const Json& stack, const std::vector<std::size_t>& authors) {
  const std::size_t frames_count = stack["frames"].size();
  const std::size_t guessed = stack.contains("guessedCount") ? stack["guessedCount"].get<std::size_t>() : 0;
  if (authors.empty()) return wordsFor(stack, 0);
  std::string words = wordsFor(stack, authors[0]);
  // What it had called, where that is no part of the run time's way to an abort.
  if (authors[0] > 0 && authors[0] < frames_count - guessed) {
    const bool nowhere = authors[0] == 1 && !placeOf(frameAt(stack, 0));
    const std::string called = wordsFor(stack, authors[0] - 1);
    words += nowhere ? fmt::format(", calling {}, where no code is", frameAt(stack, 0)) : ", calling " + called;
  } else if (authors[0] > 0) {
    words = fmt::format("{}, where no code is; its stack was overwritten, perhaps below {}", frameAt(stack, 0), words);
  }
  return words;
}

std::string lastLineOf(const Json& card) {
  const std::string text = card.value("stderr", std::string{});
  std::string_view rest = text;
  while (!rest.empty() && rest.back() == '\n')
    rest.remove_suffix(1);
  return std::string{rest.substr(rest.rfind('\n') + 1)};
}

}  // namespace

std::string withoutNumbers(std::string_view text) {
  std::string out;
  bool in_number = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    const bool of_hex = in_number && std::isxdigit(static_cast<unsigned char>(c)) != 0;
    const bool x = in_number && c == 'x' && i > 0 && text[i - 1] == '0';
    if (digit || of_hex || x) {
      if (!in_number) out += '#';
      in_number = true;
    } else {
      in_number = false;
      out += c;
    }
  }
  return out;
}

NameQuestion questionOf(const Json& card) {
  NameQuestion question;
  std::set<std::pair<std::string, std::uint64_t>> asked;
  forEachStack(card, [&](const Json& stack) {
    if (!stack.contains("frames")) return;
    for (const Json& frame : stack["frames"]) {
      const auto place = placeOf(frame.get_ref<const std::string&>());
      if (!place || asked.size() >= kNamedFramesMax) continue;
      auto found = std::find_if(question.modules.begin(), question.modules.end(),
                                [&](const NameQuestion::Module& each) { return each.name == place->module; });
      if (found == question.modules.end()) {
        if (question.modules.size() >= kNamedModulesMax) continue;
        found = question.modules.insert(found, {.name = std::string{place->module}, .offsets = {}});
      }
      if (asked.emplace(place->module, place->offset).second) found->offsets.push_back(place->offset);
    }
  });
  return question;
}

std::string questionText(const NameQuestion& question, const std::vector<std::size_t>& asked) {
  Json modules = Json::array();
  for (const std::size_t index : asked)
    modules.push_back({{"offsets", question.modules[index].offsets}});
  return dumpJson({{"modules", std::move(modules)}});
}

void addNames(Json& card, const NameQuestion& question, const NameAnswer& answer) {
  Names names;
  Json& modules = card["modules"];
  if (!modules.is_object()) modules = Json::object();
  Json missing = Json::object();
  for (std::size_t i = 0; i < question.modules.size(); ++i) {
    if (answer.fault.empty() && std::find(answer.asked.begin(), answer.asked.end(), i) == answer.asked.end()) {
      missing[question.modules[i].name] = "its file was not found";
    }
  }
  std::string fault = answer.fault;
  std::string_view rest = answer.text;
  for (const std::size_t index : answer.asked) {
    if (!fault.empty()) break;
    const std::size_t end = rest.find('\n');
    const auto line = parseJson(rest.substr(0, end));
    // A line is whole, or the process ended in the middle of it: then none of the rest counts.
    if (end == std::string_view::npos || !line) {
      fault = "the process that looks for them gave no whole answer";
      break;
    }
    rest.remove_prefix(end + 1);
    const NameQuestion::Module& module = question.modules[index];
    Json about = modules.value(module.name, Json(""));
    if (std::string why = takeLine(*line, module, about, names); !why.empty()) missing[module.name] = std::move(why);
    modules[module.name] = std::move(about);
  }
  forEachStack(card, [&](Json& stack) {
    if (stack.contains("frames")) putFunctions(stack, names);
  });
  Json state{{"state", fault.empty() ? "found" : "missing"}};
  if (!fault.empty()) state["why"] = fault;
  if (!missing.empty()) state["missing"] = std::move(missing);
  card["names"] = std::move(state);
  setWhere(card);
  card["fingerprint"] = fingerprintOf(card);
}

void setWhere(Json& card) {
  const Json* const stack = blamed(card);
  if (stack == nullptr) return;
  const std::vector<std::size_t> authors = authorsFrames(*stack);
  const std::string words = whereWords(*stack, authors);
  const std::string function = authors.empty() ? std::string{} : functionAt(*stack, authors[0]);
  card["where"] = words;
  if (!function.empty()) card["function"] = function.substr(0, function.rfind("+0x"));
}

std::string fingerprintOf(const Json& card) {
  std::string places;
  // What another process sent says nothing of where the plugin was.
  if (card.contains("crash") && card["crash"].value("sentBy", std::string{"itself"}) == "itself") {
    const Json& stack = card["crash"];
    const bool overflow = stack.contains("stackOverflow");
    std::set<std::string> circle;
    std::size_t count = 0;
    for (const std::size_t index : authorsFrames(stack)) {
      // The instruction that found the stack at its end is another one each time; the calls that led there are not.
      if (overflow && index > 0) circle.insert(frameAt(stack, index));
      if (!overflow && count++ < kPlacesInFingerprint) places += frameAt(stack, index) + ",";
    }
    for (const std::string& each : circle)
      places += each + ",";
  }
  const bool signaled = card.contains("signal");
  const std::string ended =
      signaled ? card["signal"].get<std::string>() : std::to_string(card.value("exitCode", std::int64_t{0}));
  const std::string alike =
      fmt::format("{}|{}|{}|{}", card.value("class", std::string{}), ended, card.value("version", std::string{}),
                  places.empty() ? withoutNumbers(lastLineOf(card)) : places);
  return sha256Hex(alike).substr(0, 16);
}

}  // namespace longhaul::host::supervisor
