#include "host/daemon/own_log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <string>

namespace longhaul::host::daemon {
namespace {

spdlog::level::level_enum levelOf(logs::LogLevel level) {
  switch (level) {
    case logs::LogLevel::Debug:
      return spdlog::level::debug;
    case logs::LogLevel::Info:
      return spdlog::level::info;
    case logs::LogLevel::Warning:
      return spdlog::level::warn;
    case logs::LogLevel::Error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += c == '\n' ? std::string("\\n") : fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

void openOwnLog(std::string_view level) {
  auto logger = spdlog::stderr_logger_mt("longhauld");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  setOwnLogLevel(level);
}

void setOwnLogLevel(std::string_view level) {
  spdlog::set_level(levelOf(logs::parseLevel(level).value_or(logs::LogLevel::Info)));
}

void ownLog(logs::LogLevel level, std::string_view text) {
  spdlog::log(levelOf(level), "{}", escaped(text));
}

}  // namespace longhaul::host::daemon
