#include <fmt/format.h>

#include <cstddef>
#include <iterator>

#include "host/base/text.h"
#include "host/config/parsers.h"

namespace longhaul::host::config {
namespace {

// Reads the text and tells how far nlohmann has read.
class Counting {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Counting(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  Counting& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  Counting operator++(int) {
    Counting before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Counting& other) const { return at_ == other.at_; }
  bool operator!=(const Counting& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

// nlohmann tells an event when the token's last byte (of a number: the byte behind it) was read. So the next token
// begins at the first byte behind that is neither blank nor punctuation.
class Events : public nlohmann::json_sax<Json> {
 public:
  Events(std::string_view text, DocumentBuilder& builder)
      : builder_(builder), at_(text.data()), line_start_(text.data()), end_(text.data() + text.size()), reached_(at_) {}

  const char** reached() { return &reached_; }

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override { return scalar(value); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    // Whole numbers beyond 64 bits come here: their last digits would be lost without a word.
    if (text.find_first_of(".eE") == std::string::npos) {
      builder_.fail(
          place(), fmt::format("the number {} does not fit 64 bits; if it is a text, put it in quotes", shorten(text)));
    }
    return scalar(value);
  }
  bool string(string_t& value) override { return scalar(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override {
    builder_.startObject(place());
    return consumed();
  }
  bool key(string_t& name) override {
    builder_.key(place(), std::move(name));
    return consumed();
  }
  bool end_object() override {
    builder_.endObject();
    return consumed();
  }
  bool start_array(std::size_t) override {
    builder_.startArray(place());
    return consumed();
  }
  bool end_array() override {
    builder_.endArray();
    return consumed();
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    std::string_view what = error.what();
    if (const auto start = what.find(": "); start != std::string_view::npos) what.remove_prefix(start + 2);
    at_ = reached_ > line_start_ ? reached_ - 1 : reached_;
    // It ends with what was read last, which can be half a character.
    constexpr std::size_t kShownBytes = 200;
    builder_.fail(placeOf(at_), fmt::format("this is not JSON: {}", replaceNonUtf8(shorten(what, kShownBytes))));
  }

 private:
  bool scalar(Json value) {
    builder_.scalar(place(), std::move(value));
    return consumed();
  }
  bool consumed() {
    at_ = reached_;
    return true;
  }
  Place place() {
    while (at_ < end_ && std::string_view(" \t\r\n,:").find(*at_) != std::string_view::npos)
      ++at_;
    return placeOf(at_);
  }
  Place placeOf(const char* at) {
    for (; seen_ < at; ++seen_) {
      if (*seen_ == '\n') ++line_, line_start_ = seen_ + 1;
    }
    return {.line = line_, .column = static_cast<int>(at - line_start_) + 1};
  }

  DocumentBuilder& builder_;
  const char* at_;
  const char* line_start_;
  const char* end_;
  const char* reached_;
  const char* seen_ = at_;
  int line_ = 1;
};

}  // namespace

void parseJsonText(std::string_view text, DocumentBuilder& builder) {
  Events events{text, builder};
  const Counting first{text.data(), events.reached()};
  const Counting last{text.data() + text.size(), events.reached()};
  Json::sax_parse(first, last, &events);
}

}  // namespace longhaul::host::config
