// A crash card as a person reads it: a sentence, where it was, the stack, the last calls, the last words, and what was
// used before. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/json.h"

namespace longhaul::host::cli {

// `death` as the API gives it. Lines for a terminal: nothing in them acts on it.
std::string crashCardText(std::string_view instance, const Json& death, std::int64_t now_us);

// What an end was, in a line: its text, and the function that it was in.
std::string endText(std::string_view text, std::string_view where);

}  // namespace longhaul::host::cli
