// Reads one mapping of a Document field by field into typed places and collects every fault with its place. The keys
// that were asked for are the known ones: finish() reports every other with the nearest known key. A field that is
// absent or wrong leaves its place untouched. Lives on the stack of one reading. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/document.h"

namespace longhaul::host::config {

class ObjectReader {
 public:
  // A value that is not a mapping is reported here; then every field is absent.
  ObjectReader(const Document& document, std::string pointer, std::vector<Problem>& problems);

  void text(const char* key, std::optional<std::string>& out);
  void text(const char* key, std::string& out);
  // isName().
  void name(const char* key, std::string& out, bool required);
  void boolean(const char* key, bool& out);
  template <class Number>
  void integer(const char* key, Number& out, std::int64_t least, std::int64_t most) {
    if (const auto found = integerOf(key, least, most)) out = static_cast<Number>(*found);
  }
  void fraction(const char* key, double& out, double least, double most);
  // "90s", "500ms", "5min", "2h", or a number of seconds.
  void span(const char* key, std::chrono::milliseconds& out, std::chrono::milliseconds least,
            std::chrono::milliseconds most);
  // A number of bytes, or "64KiB", "16MiB", "1GiB".
  void bytes(const char* key, std::size_t& out, std::size_t least, std::size_t most);
  void texts(const char* key, std::vector<std::string>& out);
  // One word of a closed list; its index.
  std::optional<std::size_t> choice(const char* key, const std::vector<std::string>& words);
  // The mapping or list under the key, for a reader of its own; nullopt: absent (null counts as absent).
  std::optional<std::string> object(const char* key);
  std::optional<std::string> list(const char* key);
  // Whatever stands there; null: absent.
  const Json* value(const char* key);

  void fail(const char* key, std::string message);
  void missing(const char* key, std::string_view remedy);
  std::string pointer(std::string_view key) const { return pointerTo(pointer_, key); }
  bool has(const char* key) const;
  void finish();

 private:
  std::optional<std::int64_t> integerOf(const char* key, std::int64_t least, std::int64_t most);
  const Json* wanted(const char* key, bool (Json::*is)() const noexcept, std::string_view what);

  const Document& document_;
  std::string pointer_;
  std::vector<Problem>& problems_;
  const Json* object_ = nullptr;  // null: it is no mapping
  std::vector<std::string> known_;
};

}  // namespace longhaul::host::config
