#include "occurred.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "text.h"

namespace webhook_plugin {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

// Takes exactly so many digits; -1 if they are not there.
int takeNumber(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int number = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!isDigit(text[i])) return -1;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Digits behind a point as microseconds; what is finer is cut.
std::int64_t takeFraction(std::string_view& text) {
  std::int64_t micros = 0;
  std::int64_t unit = kSecondUs / 10;
  for (; !text.empty() && isDigit(text[0]); text.remove_prefix(1)) {
    micros += unit * (text[0] - '0');
    unit /= 10;
  }
  return micros;
}

std::optional<std::string> formatted(std::int64_t time_us) {
  const std::int64_t seconds = time_us / kSecondUs;
  if (time_us < 0 || seconds > kLastSecond) return std::nullopt;
  const auto time = static_cast<std::time_t>(seconds);
  std::tm tm{};
  ::gmtime_r(&time, &tm);
  std::array<char, 48> buffer{};
  const auto size = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &tm);
  std::string text(buffer.data(), size);
  if (const std::int64_t micros = time_us % kSecondUs; micros != 0) {
    const int written = std::snprintf(buffer.data(), buffer.size(), ".%06d", static_cast<int>(micros));
    text.append(buffer.data(), static_cast<std::size_t>(written));
  }
  return text + "Z";
}

std::optional<std::string> readNumber(std::string_view text) {
  std::int64_t whole = 0;
  std::size_t digits = 0;
  for (; !text.empty() && isDigit(text[0]); text.remove_prefix(1)) {
    if (++digits > 19 || whole > (INT64_MAX - 9) / 10) return std::nullopt;
    whole = whole * 10 + (text[0] - '0');
  }
  std::int64_t fraction_us = 0;
  if (take(text, ".")) fraction_us = takeFraction(text);
  if (!text.empty() || digits == 0) return std::nullopt;
  if (digits <= 11) return formatted(whole * kSecondUs + fraction_us);  // seconds until the year 5138
  if (digits <= 14) return formatted(whole * 1000);
  if (digits <= 17) return formatted(whole);
  return formatted(whole / 1000);
}

}  // namespace

std::optional<std::string> readOccurred(std::string_view text) {
  text = trimmed(text);
  if (text.find('-') == std::string_view::npos && text.find(':') == std::string_view::npos) return readNumber(text);
  const int year = takeNumber(text, 4);
  if (year < 1970 || !take(text, "-")) return std::nullopt;
  const int month = takeNumber(text, 2);
  if (month < 1 || month > 12 || !take(text, "-")) return std::nullopt;
  const int day = takeNumber(text, 2);
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day < 1 || day > kDays[static_cast<std::size_t>(month - 1)] + (leap ? 1 : 0)) return std::nullopt;
  if (!take(text, "Tt ")) return std::nullopt;
  const int hour = takeNumber(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ":")) return std::nullopt;
  const int minute = takeNumber(text, 2);
  if (minute < 0 || minute > 59) return std::nullopt;
  int second = 0;
  std::int64_t micros = 0;
  if (take(text, ":")) {
    second = takeNumber(text, 2);
    if (second < 0 || second > 60) return std::nullopt;
    if (take(text, ".,")) micros = takeFraction(text);
  }
  int offset_s = 0;
  text = trimmed(text);
  if (text == "UTC") text = {};
  if (!text.empty() && !take(text, "Zz")) {
    const bool west = text[0] == '-';
    if (!take(text, "+-")) return std::nullopt;
    const int hours = takeNumber(text, 2);
    take(text, ":");
    const int minutes = text.empty() ? 0 : takeNumber(text, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
    offset_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  }
  if (!text.empty()) return std::nullopt;
  std::tm tm{};
  tm.tm_year = year - 1900;
  tm.tm_mon = month - 1;
  tm.tm_mday = day;
  tm.tm_hour = hour;
  tm.tm_min = minute;
  tm.tm_sec = second;
  return formatted((static_cast<std::int64_t>(::timegm(&tm)) - offset_s) * kSecondUs + micros);
}

}  // namespace webhook_plugin
