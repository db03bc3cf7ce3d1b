// JSON at a boundary. Every text from outside (plugin, file, API) comes in here, because nlohmann::json recurses when
// it copies or dumps: depth is capped before a value is made. Any thread.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace longhaul::host {

using Json = nlohmann::json;

// Strict JSON in UTF-8, nested at most kJsonDepthMax; duplicate keys in one object, NaN and trailing text are INVALID.
// The message says what and where (byte offset).
Result<Json> parseJson(std::string_view text);

// The same checks without making a value.
Result<void> checkJson(std::string_view text);

// The members of a JSON object as they stand in its text: key → value, the value's text without a change, so that
// numbers keep their digits. INVALID as in parseJson, or when the text is another value than an object.
Result<std::map<std::string, std::string>> splitObject(std::string_view text);

// Compact text. Strings that are not UTF-8 come out with U+FFFD: it never throws.
std::string dumpJson(const Json& value);

}  // namespace longhaul::host
