// Times and spans as people write and read them. Pure: now is an argument. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace longhaul::host::cli {

// "30s", "500ms", "5min", "2h", "1d" or whole seconds.
std::optional<std::chrono::milliseconds> parseSpanText(std::string_view text);
// A span ("10min": so long ago), "today", RFC 3339, or a local time: "2026-11-24 03:22[:02]", "2026-11-24", "03:22".
std::optional<std::int64_t> parseSince(std::string_view text, std::int64_t now_us);

// The two largest units: "350 ms", "4.1 s", "2 min 3 s", "3 h 12 min", "5 d 2 h".
std::string spanText(std::int64_t span_us);
// "just now", "12 s ago", "3 min ago", "2 d ago"; in the future "in 4 s".
std::string agoText(std::int64_t at_us, std::int64_t now_us);
// Local time: "2026-11-24 03:22:02", with milliseconds "….123".
std::string localTime(std::int64_t at_us, bool milliseconds = false);
// "512 B", "3.4 MiB".
std::string bytesText(std::uint64_t bytes);

}  // namespace longhaul::host::cli
