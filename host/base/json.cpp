#include "host/base/json.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "host/base/json_fast.h"
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

// nlohmann's event interface, with what both readers below have in common: the depth, and why a text was refused.
class Events : public nlohmann::json_sax<Json> {
 public:
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    // nlohmann's text: "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error …"
    std::string_view what = error.what();
    if (const auto end = what.find("] "); end != std::string_view::npos) what.remove_prefix(end + 2);
    return fail(fmt::format("not JSON at byte {}: {}", position, quotable(what)));
  }

  std::string message;

 protected:
  bool enter() {
    if (++depth_ <= kJsonDepthMax) return true;
    return fail(fmt::format("JSON is nested deeper than {}", kJsonDepthMax));
  }
  bool leave() {
    --depth_;
    return true;
  }
  bool failTwice(const std::string& key) {
    return fail(fmt::format("key \"{}\" stands twice in one object", quotable(key)));
  }

 private:
  bool fail(std::string text) {
    if (message.empty()) message = std::move(text);
    return false;
  }

  int depth_ = 0;
};

// Refuses depth and duplicate keys, and makes nothing.
class Checker final : public Events {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return enter();
  }
  bool key(string_t& name) override { return keys_.back().insert(name).second || failTwice(name); }
  bool end_object() override {
    keys_.pop_back();
    return leave();
  }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }

 private:
  std::vector<std::set<std::string>> keys_;
};

// The same checks while the value is made: one pass over the text, and the value's own objects know their keys.
class Builder final : public Events {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool start_object(std::size_t) override { return start(Json::object()); }
  bool key(string_t& name) override {
    auto& members = open_.back()->get_ref<Json::object_t&>();
    const auto [member, is_new] = members.try_emplace(name, nullptr);
    member_ = &member->second;
    return is_new || failTwice(name);
  }
  bool end_object() override { return end(); }
  bool start_array(std::size_t) override { return start(Json::array()); }
  bool end_array() override { return end(); }

  Json root;

 private:
  bool put(Json made) {
    place(std::move(made));
    return true;
  }
  Json* place(Json made) {
    if (open_.empty()) return &(root = std::move(made));
    Json& in = *open_.back();
    if (in.is_object()) return &(*member_ = std::move(made));
    auto& elements = in.get_ref<Json::array_t&>();
    return &elements.emplace_back(std::move(made));
  }
  bool start(Json made) {
    open_.push_back(place(std::move(made)));
    return enter();
  }
  bool end() {
    open_.pop_back();
    return leave();
  }

  std::vector<Json*> open_;  // an array does not grow while one of its elements is open
  Json* member_ = nullptr;   // where the value of the last key goes
};

Error refused(const Events& events) {
  return Error{Code::Invalid, events.message.empty() ? "not JSON" : events.message};
}

// Walks over the text of a value that was checked before: where it ends.
std::size_t skipString(std::string_view text, std::size_t at) {
  for (std::size_t end = text.find('"', at + 1);; end = text.find('"', end + 1)) {
    // A quote behind an odd number of backslashes is part of the string.
    const std::size_t before = text.find_last_not_of('\\', end - 1);
    if ((end - before) % 2 == 1) return end + 1;
  }
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
  if (isFastJson(text)) return {};
  Checker checker;
  try {
    if (Json::sax_parse(text, &checker)) return {};
  } catch (const std::exception& error) {
    checker.message = error.what();
  }
  return refused(checker);
}

Result<Json> parseJson(std::string_view text) {
  if (auto value = parseFastJson(text)) return *std::move(value);
  Builder builder;
  try {
    if (Json::sax_parse(text, &builder)) return std::move(builder.root);
  } catch (const std::exception& error) {
    builder.message = error.what();
  }
  return refused(builder);
}

std::string dumpJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace longhaul::host
