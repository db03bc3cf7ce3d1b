// The small word functions that settings and requests share. Pure, any thread.
#ifndef EDL_PLUGIN_TEXT_H
#define EDL_PLUGIN_TEXT_H

#include <string>
#include <string_view>
#include <vector>

namespace edl_plugin {

std::string_view trimmed(std::string_view text);

// The parts between any of the separators, trimmed, without empty ones.
std::vector<std::string_view> splitList(std::string_view text, std::string_view separators);

// ASCII letters in lower case.
std::string lowered(std::string_view text);

}  // namespace edl_plugin

#endif
