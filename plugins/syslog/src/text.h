// Bytes to text: cleaning to UTF-8, writing JSON strings, and the small word functions that settings and rules share.
//
// What comes over a network is bytes. Everything that leaves this plugin goes through here and is valid UTF-8: a
// malformed sequence becomes U+FFFD once (its longest valid beginning counts as one), and so does NUL, which C readers
// and some databases cut at. Pure functions, any thread, owns nothing.
#ifndef SYSLOG_PLUGIN_TEXT_H
#define SYSLOG_PLUGIN_TEXT_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syslog_plugin {

// Appends `bytes` as valid UTF-8 on one line: control characters become spaces, for what is shown in a list.
void appendOneLine(std::string& out, std::string_view bytes);

// Appends a JSON string with its quotes: valid UTF-8, controls escaped.
void appendJsonString(std::string& out, std::string_view bytes);

// Appends `"key":"value"` with a comma in front where the object or array so far needs one.
void appendJsonMember(std::string& out, std::string_view key, std::string_view value);

// Appends the comma that the next member or element needs, if it needs one.
void appendJsonComma(std::string& out);

// Cuts valid UTF-8 at a character so that it has at most `bytes_max` bytes, with "…" at the cut.
void cutUtf8(std::string& text, std::size_t bytes_max);

std::string_view trimmed(std::string_view text);

// The parts between separators, trimmed, without empty ones.
std::vector<std::string_view> splitList(std::string_view text, char separator);

bool equalsIgnoringCase(std::string_view a, std::string_view b);

// A decimal number of digits alone, within the bounds; nothing for anything else.
std::optional<std::uint64_t> parseNumber(std::string_view text, std::uint64_t min, std::uint64_t max);

// For an error's end: "; did you mean X?" for the nearest of the words if one is near, else "; it is one of …".
std::string suggestion(std::string_view word, const std::vector<std::string_view>& words);

// Whether `text` fits `pattern`, in which * stands for any characters; case is ignored, as in host names.
bool globMatches(std::string_view pattern, std::string_view text);

}  // namespace syslog_plugin

#endif
