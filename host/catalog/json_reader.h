// Reads one JSON object field by field into typed places and remembers the first fault as a sentence with its JSON
// pointer. The keys that were asked for are the known ones: finish() refuses every other with the nearest known key.
// Lives on the stack of one parse; the object outlives it. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/base/result.h"

namespace longhaul::host::catalog {

enum class Need { Optional, Required };

// `"text" (a string)`, `an object with 3 keys`: how a message shows what was found.
std::string describe(const Json& value);

// A whole number that is not negative, however its writer stored it (a parsed one is unsigned, one from YAML may not
// be).
std::optional<std::uint64_t> wholeNumber(const Json& value);

// "; did you mean "x"?" or nothing.
std::string didYouMean(std::string_view word, const std::vector<std::string>& candidates);

class ObjectReader {
 public:
  ObjectReader(const Json& object, std::string pointer);

  // One line for people: UTF-8 without control characters.
  void line(const char* key, std::string& out, Need need = Need::Optional);
  // May have line ends and tabs.
  void text(const char* key, std::string& out, Need need = Need::Optional);
  // isName(): 1–63 of a–z A–Z 0–9 . _ -, the first a letter or digit.
  void name(const char* key, std::string& out, Need need = Need::Optional);
  void boolean(const char* key, bool& out);
  void integer(const char* key, std::int64_t& out, std::int64_t least, std::int64_t most);
  void span(const char* key, std::chrono::milliseconds& out, std::chrono::milliseconds least,
            std::chrono::milliseconds most);
  // Lines, each once.
  void lines(const char* key, std::vector<std::string>& out, Need need = Need::Optional);
  // One word of a closed list; its place in the list.
  void choice(const char* key, const std::vector<std::string>& words, std::size_t& out, Need need = Need::Optional);
  // Calls `each` for the elements of an array, until one fails.
  void array(const char* key, std::size_t count_max,
             const std::function<Result<void>(const Json& element, const std::string& pointer)>& each);
  // The value as it stands; null: absent.
  const Json* value(const char* key, Need need = Need::Optional);

  // Records a fault that the caller found; the first one counts.
  void fail(std::string message);
  // The same with the pointer of `key` in front.
  void failAt(const char* key, std::string_view message);
  void check(Result<void> result);
  bool failed() const { return error_.has_value(); }
  std::string pointerTo(std::string_view key) const;

  // An unknown key is told first: a misspelt key is the cause of the missing one.
  Result<void> finish();

 private:
  const Json* textual(const char* key, Need need);

  const Json& object_;
  std::string pointer_;
  std::vector<std::string> known_;
  std::optional<std::string> error_;
};

}  // namespace longhaul::host::catalog
