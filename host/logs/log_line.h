// One line of an instance's log, as a value, and the names that its file has for levels and sources. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "host/base/ids.h"

namespace longhaul::host::logs {

// In order: "at least this level" is a comparison.
enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

// Who said it. Only the host itself says Host: a plugin's text never becomes a line of another source.
enum class LogSource : std::uint8_t { Plugin, Stdout, Stderr, Host };

struct LogLine {
  std::int64_t at_us = 0;  // microseconds since 1970 UTC
  LogLevel level = LogLevel::Info;
  LogSource source = LogSource::Plugin;
  Generation generation{};   // 0: no worker
  std::int32_t pid = 0;      // of the worker; 0: no worker
  std::uint32_t thread = 0;  // the worker's number of the thread; 0: unknown
  std::string_view text{};   // any bytes; cut at kLogLineBytesMax
};

std::string_view levelName(LogLevel level);     // "debug", "info", "warning", "error"
std::string_view sourceName(LogSource source);  // "plugin", "stdout", "stderr", "host"
std::optional<LogLevel> parseLevel(std::string_view name);
std::optional<LogSource> parseSource(std::string_view name);

}  // namespace longhaul::host::logs
