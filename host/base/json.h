// JSON at a boundary. Every text from outside (plugin, file, API) comes in here, because nlohmann::json recurses when
// it copies or dumps: depth is capped before a value is made. Any thread.
#pragma once

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

// Compact text. Strings that are not UTF-8 come out with U+FFFD: it never throws.
std::string dumpJson(const Json& value);

}  // namespace longhaul::host
