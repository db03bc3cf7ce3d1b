// Text from plugins, instances and files on its way to a person's terminal: nothing in it may move the cursor, change
// colours, turn the direction of text or begin a line that looks like ours. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace longhaul::host::cli {

// One line: control characters (C0, DEL, C1), line separators and the marks that turn the direction come out as
// "\n", "\t", "\x1b" or "\u202e"; a byte that is not UTF-8 as U+FFFD. A backslash stays, so this is for eyes only.
std::string printable(std::string_view text);

// The same for a whole JSON or YAML text that we made: there such characters only stand inside of strings, where
// "\u0085" means the same. Line feeds stay.
std::string printableJson(std::string_view text);

// Columns on a terminal, counted as characters. Wide East Asian ones count as one: the table is then a little ragged.
std::size_t widthOf(std::string_view text);
// At most so many columns; what was cut ends with "…".
std::string cutToWidth(std::string_view text, std::size_t columns);

}  // namespace longhaul::host::cli
