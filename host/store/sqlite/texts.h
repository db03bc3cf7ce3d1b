// A list of texts in one column: a JSON array, or nothing for an empty list. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longhaul::host::store {

std::string writeTexts(const std::vector<std::string>& texts);
std::vector<std::string> readTexts(std::string_view column);

}  // namespace longhaul::host::store
