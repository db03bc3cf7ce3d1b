// The small word functions that settings, mapping and requests share. Pure, any thread.
#ifndef WEBHOOK_PLUGIN_TEXT_H
#define WEBHOOK_PLUGIN_TEXT_H

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace webhook_plugin {

std::string_view trimmed(std::string_view text);

// The parts between separators, trimmed, without empty ones.
std::vector<std::string_view> splitList(std::string_view text, char separator);

// ASCII letters in lower case.
std::string lowered(std::string_view text);

// Whether `text` fits `pattern`, in which * stands for any characters; the case of ASCII letters is ignored.
bool globMatches(std::string_view pattern, std::string_view text);

// "a%20b+c" of a form or a query; what is no escape stays as it is.
std::string urlDecoded(std::string_view text);

// Cuts at a character, so that at most `bytes_max` bytes are left, with "…" at the cut.
void cutUtf8(std::string& text, std::size_t bytes_max);

// Control characters become blanks: for what is shown on one line.
std::string oneLine(std::string_view text);

}  // namespace webhook_plugin

#endif
