// The little JSON reading that arguments, contexts and answers ask for, for those who have no JSON library. Any thread;
// pure. Each takes a text that may be no JSON at all and then has nothing to give.
#ifndef LONGHAUL_SDK_JSON_HPP
#define LONGHAUL_SDK_JSON_HPP

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "longhaul/sdk/detail/json_object.hpp"

namespace longhaul {

// The text as a JSON string with its quotes. It takes any bytes; what is not UTF-8 becomes U+FFFD.
using detail::quoteJson;

// A JSON value as a text: a string's own text, anything else as it stands.
inline std::string jsonText(std::string_view value) {
  std::string text;
  return detail::decodeJsonString(value, text) ? text : std::string(value);
}

// One member of an object, as jsonText; nothing if it is absent or null, or the text is no object.
inline std::optional<std::string> jsonMember(std::string_view object, std::string_view key) {
  std::vector<detail::JsonMember> members;
  if (!detail::splitJsonObject(object, members)) return std::nullopt;
  for (const detail::JsonMember& member : members)
    if (member.key == key && member.value != "null") return jsonText(member.value);
  return std::nullopt;
}

// The elements of an array, each as JSON; none if the text is no array.
inline std::vector<std::string> jsonElements(std::string_view array) {
  std::vector<std::string_view> elements;
  if (!detail::splitJsonArray(array, elements)) return {};
  return {elements.begin(), elements.end()};
}

}  // namespace longhaul

#endif
