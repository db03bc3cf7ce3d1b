#include "host/base/json.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "host/base/limits.h"
#include "host/base/text.h"

namespace longhaul::host {
namespace {

// What stands in a message: short, since a token may be megabytes, and UTF-8, since the parser quotes what is not.
std::string quotable(std::string_view text) {
  constexpr std::size_t kBytesMax = 200;
  std::string short_text{text.substr(0, kBytesMax)};
  if (text.size() > kBytesMax) short_text += "...";
  if (isUtf8(short_text)) return short_text;
  for (char& c : short_text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return short_text;
}

// nlohmann's event interface: refuses depth and duplicate keys while the text is read, before a value exists.
class Checker : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return enter();
  }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    return fail(fmt::format("key \"{}\" stands twice in one object", quotable(name)));
  }
  bool end_object() override {
    keys_.pop_back();
    return leave();
  }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    // nlohmann's text: "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error …"
    std::string_view what = error.what();
    if (const auto end = what.find("] "); end != std::string_view::npos) what.remove_prefix(end + 2);
    return fail(fmt::format("not JSON at byte {}: {}", position, quotable(what)));
  }

  std::string message;

 private:
  bool enter() {
    if (++depth_ <= kJsonDepthMax) return true;
    return fail(fmt::format("JSON is nested deeper than {}", kJsonDepthMax));
  }
  bool leave() {
    --depth_;
    return true;
  }
  bool fail(std::string text) {
    if (message.empty()) message = std::move(text);
    return false;
  }

  int depth_ = 0;
  std::vector<std::set<std::string>> keys_;
};

// Walks over the text of a value that was checked before: where it ends.
std::size_t skipString(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

std::size_t skipValue(std::string_view text, std::size_t at) {
  int depth = 0;
  do {
    switch (text[at]) {
      case '"':
        at = skipString(text, at);
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        --depth;
        break;
      case ',':
        if (depth == 0) return at;
        break;
      default:
        break;
    }
    ++at;
  } while (depth > 0 || (text[at] != ',' && text[at] != '}'));
  return at;
}

constexpr std::string_view kSpace = " \t\r\n";

}  // namespace

Result<std::map<std::string, std::string>> splitObject(std::string_view text) {
  if (auto checked = checkJson(text); !checked) return std::move(checked).error();
  std::size_t at = text.find_first_not_of(kSpace);
  if (text[at] != '{') return Error{Code::Invalid, "wanted a JSON object, found another value"};
  std::map<std::string, std::string> members;
  at = text.find_first_not_of(kSpace, at + 1);
  while (text[at] != '}') {
    const std::size_t key_end = skipString(text, at);
    std::string key = Json::parse(text.substr(at, key_end - at)).get<std::string>();
    at = text.find_first_not_of(kSpace, text.find(':', key_end) + 1);
    const std::size_t value_end = skipValue(text, at);
    std::string_view value = text.substr(at, value_end - at);
    value = value.substr(0, value.find_last_not_of(kSpace) + 1);
    members.emplace(std::move(key), value);
    at = value_end;
    if (text[at] == ',') at = text.find_first_not_of(kSpace, at + 1);
  }
  return members;
}

Result<void> checkJson(std::string_view text) {
  Checker checker;
  try {
    if (Json::sax_parse(text, &checker)) return {};
  } catch (const std::exception& error) {
    checker.message = error.what();
  }
  return Error{Code::Invalid, checker.message.empty() ? "not JSON" : checker.message};
}

Result<Json> parseJson(std::string_view text) {
  if (auto checked = checkJson(text); !checked) return std::move(checked).error();
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string dumpJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace longhaul::host
