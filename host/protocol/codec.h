// How fields stand in a payload: numbers little-endian in their size, a text as u32 length and its bytes, an absent
// text as length 0xffffffff. No allocation when reading: texts are views into the payload. One thread an object.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace longhaul::host::protocol {

inline constexpr std::uint32_t kAbsentText = 0xffffffffU;

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <class T>
  Writer& number(T value) {
    static_assert(std::is_integral_v<T>);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
    return *this;
  }
  Writer& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
    return *this;
  }
  Writer& text(const std::optional<std::string_view>& value) { return value ? text(*value) : number(kAbsentText); }

 private:
  std::string& out_;
};

// Reading past the end makes the reader bad: it then gives zeros and empty texts, and finished() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class T>
  T number() {
    static_assert(std::is_integral_v<T>);
    T value{};
    if (rest_.size() < sizeof value) {
      fail();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  // An absent text where one must stand makes the reader bad.
  std::string_view text() {
    const std::optional<std::string_view> value = optionalText();
    if (!value) fail();
    return value.value_or(std::string_view{});
  }
  std::optional<std::string_view> optionalText() {
    const auto size = number<std::uint32_t>();
    if (!ok_ || size == kAbsentText) return std::nullopt;
    if (size > rest_.size()) {
      fail();
      return std::nullopt;
    }
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  // For lists: a count that cannot fit in what is left is refused before anything is reserved for it.
  std::uint32_t count(std::size_t element_bytes_min) {
    const auto value = number<std::uint32_t>();
    if (ok_ && value > rest_.size() / element_bytes_min) fail();
    return ok_ ? value : 0;
  }
  bool ok() const { return ok_; }
  // Everything was there, and nothing was left over.
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace longhaul::host::protocol
