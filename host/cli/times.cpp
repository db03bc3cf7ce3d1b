#include "host/cli/times.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <ctime>

#include "host/base/text.h"
#include "host/catalog/manifest.h"

namespace longhaul::host::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

std::tm localOf(std::int64_t at_us) {
  const std::int64_t floor = at_us >= 0 ? at_us / kSecond : (at_us - kSecond + 1) / kSecond;
  const auto seconds = static_cast<std::time_t>(floor);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return local;
}

std::optional<std::int64_t> fromLocal(std::tm local) {
  local.tm_isdst = -1;
  const std::tm asked = local;
  const std::time_t seconds = ::mktime(&local);
  // mktime makes the 31st of April the 1st of May: that is a typing error here.
  if (seconds == -1 || local.tm_mday != asked.tm_mday || local.tm_mon != asked.tm_mon) return std::nullopt;
  return static_cast<std::int64_t>(seconds) * kSecond;
}

std::string twoUnits(std::int64_t large, const char* large_unit, std::int64_t small, const char* small_unit) {
  if (small == 0) return fmt::format("{} {}", large, large_unit);
  return fmt::format("{} {} {} {}", large, large_unit, small, small_unit);
}

}  // namespace

std::optional<std::chrono::milliseconds> parseSpanText(std::string_view text) {
  constexpr std::int64_t kDaysMax = 36'500;
  if (text.size() > 1 && text.ends_with('d')) {
    const auto days = parseInt(text.substr(0, text.size() - 1));
    if (!days || *days < 0 || *days > kDaysMax) return std::nullopt;
    return std::chrono::hours{24 * *days};
  }
  if (const auto seconds = parseInt(text)) return catalog::parseSpan(Json(*seconds));
  return catalog::parseSpan(Json(std::string(text)));
}

std::optional<std::int64_t> parseSince(std::string_view text, std::int64_t now_us) {
  if (const auto span = parseSpanText(text)) return now_us - span->count() * 1000;
  if (const auto time = parseTimeUs(text)) return *time;
  std::tm local = localOf(now_us);
  local.tm_sec = 0;
  if (text == "today") {
    local.tm_hour = local.tm_min = 0;
    return fromLocal(local);
  }
  const std::string whole(text);
  for (const char* form : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d",
                           "%H:%M:%S", "%H:%M"}) {
    std::tm parsed = localOf(now_us);
    parsed.tm_hour = parsed.tm_min = parsed.tm_sec = 0;
    const char* end = ::strptime(whole.c_str(), form, &parsed);
    if (end != nullptr && *end == '\0') return fromLocal(parsed);
  }
  return std::nullopt;
}

std::string spanText(std::int64_t span_us) {
  if (span_us < 0) span_us = 0;
  if (span_us < kSecond) return fmt::format("{} ms", span_us / 1000);
  if (span_us < 10 * kSecond && span_us % kSecond >= kSecond / 10) {
    return fmt::format("{}.{} s", span_us / kSecond, span_us % kSecond * 10 / kSecond);
  }
  if (span_us < kMinute) return fmt::format("{} s", span_us / kSecond);
  if (span_us < kHour) return twoUnits(span_us / kMinute, "min", span_us % kMinute / kSecond, "s");
  if (span_us < kDay) return twoUnits(span_us / kHour, "h", span_us % kHour / kMinute, "min");
  return twoUnits(span_us / kDay, "d", span_us % kDay / kHour, "h");
}

std::string agoText(std::int64_t at_us, std::int64_t now_us) {
  const std::int64_t span = now_us - at_us;
  if (span < 0) return "in " + spanText(-span);
  if (span < kSecond) return "just now";
  if (span < kMinute) return fmt::format("{} s ago", span / kSecond);
  if (span < kHour) return fmt::format("{} min ago", span / kMinute);
  if (span < 2 * kDay) return fmt::format("{} h ago", span / kHour);
  return fmt::format("{} d ago", span / kDay);
}

std::string localTime(std::int64_t at_us, bool milliseconds) {
  const std::tm local = localOf(at_us);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
  std::string out(text.data(), size);
  if (milliseconds) out += fmt::format(".{:03}", ((at_us % kSecond) + kSecond) % kSecond / 1000);
  return out;
}

std::string bytesText(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace longhaul::host::cli
