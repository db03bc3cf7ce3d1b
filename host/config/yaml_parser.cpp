#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <streambuf>
#include <vector>

#include "host/base/limits.h"
#include "host/config/parsers.h"

namespace longhaul::host::config {
namespace {

Place placeAt(const YAML::Mark& mark) {
  return {.line = mark.line + 1, .column = mark.column + 1};
}

bool allOf(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr std::string_view kDigits = "0123456789";

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool isFloat(std::string_view text) {
  const auto digits = [&] {
    const std::size_t count = std::min(text.find_first_not_of(kDigits), text.size());
    text.remove_prefix(count);
    return count;
  };
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const std::size_t before = digits();
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    if (digits() == 0 && before == 0) return false;
  } else if (before == 0) {
    return false;
  }
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

Json wholeNumber(std::string_view text, std::string_view digits, int base, Place place,
                 const DocumentBuilder& builder) {
  const bool negative = text[0] == '-';
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (error != std::errc{} || (negative && number > std::uint64_t{1} << 63)) {
    builder.fail(place,
                 fmt::format("the number {} does not fit 64 bits; if it is a text, put it in quotes", shorten(text)));
  }
  if (!negative) return number;
  return static_cast<std::int64_t>(~number + 1);
}

}  // namespace

Json plainScalar(std::string_view text, Place place, const DocumentBuilder& builder) {
  constexpr std::array<std::string_view, 5> kNulls{"", "~", "null", "Null", "NULL"};
  for (const std::string_view word : kNulls) {
    if (text == word) return nullptr;
  }
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const std::string_view digits = text[0] == '-' || text[0] == '+' ? text.substr(1) : text;
  if (allOf(digits, kDigits)) {
    if (digits.size() > 1 && digits[0] == '0') {
      builder.fail(place,
                   fmt::format("{} could be a text, a decimal or an octal number; wanted one meaning: write \"{}\" "
                               "for the text, or the number without leading zeros",
                               shorten(text), shorten(text)));
    }
    return wholeNumber(text, digits, 10, place, builder);
  }
  if (text.starts_with("0x") && allOf(text.substr(2), "0123456789abcdefABCDEF")) {
    return wholeNumber(text, text.substr(2), 16, place, builder);
  }
  if (text.starts_with("0o") && allOf(text.substr(2), "01234567")) {
    return wholeNumber(text, text.substr(2), 8, place, builder);
  }
  if (isFloat(text)) {
    double number = 0;
    const std::string_view body = text[0] == '+' ? text.substr(1) : text;
    const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), number);
    if (error != std::errc{} || end != body.data() + body.size() || !std::isfinite(number)) {
      builder.fail(place, fmt::format("the number {} does not fit; if it is a text, put it in quotes", shorten(text)));
    }
    return number;
  }
  constexpr std::array<std::string_view, 6> kNotFinite{".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
  for (const std::string_view word : kNotFinite) {
    if (digits == word) {
      builder.fail(
          place,
          fmt::format("{} is no number that can be used here; if it is a text, put it in quotes: \"{}\"", text, text));
    }
  }
  return std::string(text);
}

namespace {

class Handler : public YAML::EventHandler {
 public:
  Handler(std::string_view text, DocumentBuilder& builder) : text_(text), builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    builder_.fail(placeAt(mark), from(mark).starts_with("---")
                                     ? "a second document begins here; wanted one document a file: split the file here"
                                     : "this does not belong to what stands before it; check the indentation");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (builder_.wantsKey()) noKey(mark, "nothing");
    builder_.scalar(placeAt(mark), nullptr, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (builder_.wantsKey()) noKey(mark, "an alias");
    builder_.alias(placeAt(mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Place place = placeAt(mark);
    // Keys are texts, also where they look like a number.
    if (builder_.wantsKey()) {
      if (anchor != 0) noKey(mark, "an anchor");
      checkColon(mark, value);
      return builder_.key(place, value);
    }
    if (tag != "?") checkClosed(mark);
    builder_.scalar(place, typed(tag, value, place), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (builder_.wantsKey()) noKey(mark, "a list");
    refuseTag(tag, "seq", placeAt(mark));
    open_.push_back(mark);
    builder_.startArray(placeAt(mark), anchor);
  }
  void OnSequenceEnd() override {
    open_.pop_back();
    builder_.endArray();
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (builder_.wantsKey()) noKey(mark, "a mapping");
    refuseTag(tag, "map", placeAt(mark));
    open_.push_back(mark);
    builder_.startObject(placeAt(mark), anchor);
  }
  void OnMapEnd() override {
    open_.pop_back();
    builder_.endObject();
  }

  int documents() const { return documents_; }
  // Fails if a bracket around is never closed.
  void checkBrackets() const {
    for (const YAML::Mark& around : open_)
      checkBracket(around);
  }

 private:
  static constexpr std::string_view kCore = "tag:yaml.org,2002:";

  [[noreturn]] void noKey(const YAML::Mark& mark, std::string_view what) const {
    checkBracket(mark);
    builder_.fail(placeAt(mark),
                  fmt::format("found {} as a key, wanted a text; a value that begins with {{, [, *, & or ? must "
                              "stand in quotes",
                              what));
  }
  // yaml-cpp takes brackets that are never closed for a key, and the last word in them too.
  void checkBracket(const YAML::Mark& mark) const {
    const char open = from(mark).empty() ? ' ' : from(mark)[0];
    if ((open != '[' && open != '{') || isClosed(mark)) return;
    builder_.fail(placeAt(mark), fmt::format("the {} is opened here and never closed; close it", open));
  }
  void refuseTag(const std::string& tag, std::string_view allowed, Place place) const {
    if (tag.empty() || tag == "?" || tag == "!" || tag == std::string(kCore).append(allowed)) return;
    builder_.fail(place, fmt::format("the tag {} has no meaning here; take it out", shorten(tag)));
  }
  Json typed(const std::string& tag, const std::string& value, Place place) const {
    if (tag == "?" || tag.empty()) return plainScalar(value, place, builder_);
    if (tag == "!" || tag == std::string(kCore).append("str")) return value;
    for (const std::string_view name : {"int", "float", "bool", "null"}) {
      if (tag != std::string(kCore).append(name)) continue;
      Json plain = plainScalar(value, place, builder_);
      const bool fits = name == "int"     ? plain.is_number_integer()
                        : name == "float" ? plain.is_number()
                        : name == "bool"  ? plain.is_boolean()
                                          : plain.is_null();
      if (fits) return plain;
      builder_.fail(place, fmt::format("{} does not fit its tag !!{}; take the tag out", describe(value), name));
    }
    refuseTag(tag, "str", place);
    return value;
  }

  std::string_view from(const YAML::Mark& mark) const {
    return text_.substr(std::min(static_cast<std::size_t>(mark.pos), text_.size()));
  }
  // yaml-cpp takes a word that stands alone for a key without a value; the colon is what is missing.
  void checkColon(const YAML::Mark& mark, const std::string& key) const {
    const std::string_view rest = from(mark);
    if (!rest.starts_with(key)) return;  // quoted, or over several lines: the colon was looked for
    const std::size_t next = rest.find_first_not_of(" \t", key.size());
    if (next != std::string_view::npos && rest[next] == ':') return;
    const std::string_view before = text_.substr(0, static_cast<std::size_t>(mark.pos));
    if (const std::size_t mark_at = before.find_last_not_of(" \t"); mark_at != std::string_view::npos) {
      if (before[mark_at] == '?') return;
    }
    checkBrackets();
    builder_.fail(placeAt(mark),
                  fmt::format("found {}, wanted a key with its value: the \": \" is missing", describe(Json(key))));
  }
  // yaml-cpp takes the end of the file for the end of a quoted text; half of the file would be in it.
  void checkClosed(const YAML::Mark& mark) const {
    std::string_view rest = from(mark);
    // The mark is before an anchor and a tag.
    while (!rest.empty() && (rest[0] == '&' || rest[0] == '!')) {
      rest.remove_prefix(std::min(rest.find_first_of(" \t\r\n"), rest.size()));
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    }
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return;
    const char quote = rest[0];
    for (std::size_t at = 1; at < rest.size(); ++at) {
      if (rest[at] == '\\' && quote == '"') {
        ++at;
      } else if (rest[at] == quote) {
        if (quote == '"' || at + 1 >= rest.size() || rest[at + 1] != quote) return;
        ++at;
      }
    }
    builder_.fail(placeAt(mark), fmt::format("the quote {} is opened here and never closed; close it", quote));
  }

  // Counts brackets outside of quotes; good enough to choose a sentence.
  bool isClosed(const YAML::Mark& mark) const {
    std::size_t open = 0;
    char quote = 0;
    for (const char c : from(mark)) {
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '[' || c == '{') {
        ++open;
      } else if ((c == ']' || c == '}') && --open == 0) {
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  DocumentBuilder& builder_;
  std::vector<YAML::Mark> open_;  // of the lists and mappings around
  int documents_ = 0;
};

// yaml-cpp reads a stream; this one reads the text in place.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* start = const_cast<char*>(text.data());  // NOLINT: std::streambuf's get area; never written
    setg(start, start, start + text.size());
  }
};

// yaml-cpp's words for the faults that operators make most, as what to do.
std::string explain(const std::string& message) {
  struct Known {
    std::string_view theirs, ours;
  };
  static constexpr std::array<Known, 12> kKnown{{
      {"illegal map value", "a \": \" stands where no value can be; put a text with \": \" in it in quotes"},
      {"illegal map key", "this key stands where none can be; check the indentation"},
      {"illegal block entry", "a \"- \" stands where no list can be; check the indentation"},
      {"end of map not found",
       "this does not belong to the mapping before it; give all its keys the same indentation, and each a \": \""},
      {"end of map flow not found", "the { before this has no }; add it, or a missing comma"},
      {"end of sequence not found",
       "this does not belong to the list before it; give all its items the same indentation, and each a \"- \""},
      {"end of sequence flow not found", "the [ before this has no ]; add it, or a missing comma"},
      {"illegal EOF in scalar", "a quote is opened and not closed before the end of the file; close it"},
      {"illegal tab when looking for indentation", "a tab stands in the indentation; use spaces"},
      {"the referenced anchor is not defined",
       "the alias names an anchor that is not there; define it with &, or put a "
       "text that begins with * in quotes"},
      {"illegal document indicator in scalar",
       "\"---\" or \"...\" stands inside of a quoted text; close the quote before"},
      {"unknown token", "this character cannot begin a value; put the text in quotes"},
  }};
  for (const Known& known : kKnown) {
    if (message.find(known.theirs) == std::string::npos) continue;
    return std::string(known.ours);
  }
  return fmt::format("this is not YAML ({}); check the lines up to here", message);
}

// A tab in an indentation is the usual cause of a fault that is found only later. Where the parser was content with a
// tab (in a text, in brackets) there is no fault, and this is not asked.
std::optional<Place> tabIndentation(std::string_view text, int until_line) {
  int line = 1;
  for (std::size_t at = 0; at < text.size() && line <= until_line; ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view row = text.substr(at, end - at);
    const std::size_t indented = row.find_first_not_of(" \t");
    const std::size_t tab = row.find('\t');
    if (indented != std::string_view::npos && row[indented] != '#' && tab < indented) {
      return Place{.line = line, .column = static_cast<int>(tab) + 1};
    }
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace

void parseYaml(std::string_view text, DocumentBuilder& builder) {
  // Before it tells the first value, yaml-cpp keeps 250 bytes for each bracket of a row of them.
  const auto brackets = std::count_if(text.begin(), text.end(), [](char c) { return c == '[' || c == '{'; });
  if (static_cast<std::size_t>(brackets) > kConfigNodesMax) {
    builder.fail({.line = 1, .column = 1}, fmt::format("the file has {} opening brackets; wanted at most {}: split it",
                                                       brackets, kConfigNodesMax));
  }
  TextBuffer buffer{text};
  std::istream stream{&buffer};
  Handler handler{text, builder};
  try {
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(handler)) {
    }
    if (handler.documents() == 0) builder.scalar({.line = 1, .column = 1}, nullptr);
  } catch (const YAML::Exception& error) {
    const Place place = error.mark.is_null() ? Place{.line = 1, .column = 1} : placeAt(error.mark);
    if (const auto tab = tabIndentation(text, place.line)) {
      builder.fail(*tab, "a tab stands in the indentation; use spaces");
    }
    handler.checkBrackets();
    builder.fail(place, explain(error.msg));
  } catch (const std::exception& error) {
    builder.fail({.line = 1, .column = 1}, fmt::format("this is not YAML ({})", error.what()));
  }
}

}  // namespace longhaul::host::config
