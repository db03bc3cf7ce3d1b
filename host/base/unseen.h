// Characters that a reader does not see, or that change how what stands beside them is shown: two texts that differ in
// one of these look the same. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace longhaul::host {

// Names that people read may hold what joins or shapes letters (U+200C, U+200D, variation selectors): some scripts and
// most emoji are not written without. What somebody is found by holds none of them, and no blank but the ASCII one.
enum class Unseen : std::uint8_t { ForReading, ForFinding };

// The first such character of a UTF-8 text. Control characters (line feed and tab too), separators of lines, marks that
// turn the direction, and the rest of Unicode's "Default_Ignorable_Code_Point" and "Cf".
std::optional<std::uint32_t> unseenCharacter(std::string_view text, Unseen rule);

}  // namespace longhaul::host
