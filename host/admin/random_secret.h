// What nobody can guess: 256 bits of the system, in hexadecimal. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace longhaul::host::admin {

// `prefix` and 64 digits; nothing: the system gave no random bytes.
std::optional<std::string> randomSecret(std::string_view prefix);

}  // namespace longhaul::host::admin
