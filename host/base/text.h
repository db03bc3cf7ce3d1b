// Small things about text that several rooms need. Any thread; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::host {

// Whole text is UTF-8 by RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF.
bool isUtf8(std::string_view text);
// The longest begin of a UTF-8 text that has at most so many bytes and ends with a whole character.
std::string_view cutAtCharacter(std::string_view text, std::size_t bytes_max);
// The same text with U+FFFD for each byte that belongs to no character.
std::string replaceNonUtf8(std::string_view text);

// Names of instances and plugins: 1–63 of a–z A–Z 0–9 . _ -, the first a letter or digit. They become file names,
// routes and process titles, so nothing else is allowed.
bool isName(std::string_view text);

// The candidate nearest to `word` by edit distance (insert, delete, replace, swap), if near enough to be meant:
// at most a third of its length, at least one. For "did you mean".
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

// "2026-11-24T03:22:02.123456Z": RFC 3339, UTC, microseconds.
std::string formatTimeUs(std::int64_t wall_us);
// RFC 3339 with any offset and up to nine digits of a second (cut to microseconds); nothing if it is not one.
std::optional<std::int64_t> parseTimeUs(std::string_view text);

// Whole text as decimal int64 without sign tricks or blanks; nothing otherwise.
std::optional<std::int64_t> parseInt(std::string_view text);

}  // namespace longhaul::host
