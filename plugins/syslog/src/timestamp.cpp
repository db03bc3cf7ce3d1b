#include "timestamp.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "text.h"

namespace syslog_plugin {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayS = 86'400;
constexpr int kYearsBack = 8;  // from one 29 February to the one before, over a century without

// A reader over a text that either gets what it wants or remembers that it did not.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  std::string_view rest() const { return text_; }
  bool sees(char c) const { return ok_ && !text_.empty() && text_[0] == c; }

  void expect(char c) {
    ok_ = sees(c);
    if (ok_) text_.remove_prefix(1);
  }

  int number(std::size_t digits, int min, int max) {
    const auto value = text_.size() < digits ? std::nullopt
                                             : parseNumber(text_.substr(0, digits), static_cast<std::uint64_t>(min),
                                                           static_cast<std::uint64_t>(max));
    if (!ok_ || !value) {
      ok_ = false;
      return min;
    }
    text_.remove_prefix(digits);
    return static_cast<int>(*value);
  }

  // ".123" as microseconds; up to nine digits, what is finer than a microsecond is cut.
  int fraction() {
    if (!sees('.')) return 0;
    text_.remove_prefix(1);
    int micros = 0;
    std::size_t digits = 0;
    while (!text_.empty() && text_[0] >= '0' && text_[0] <= '9') {
      if (digits < 6) micros = micros * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
      ++digits;
    }
    ok_ = digits > 0 && digits <= 9;
    for (std::size_t i = digits; i < 6; ++i)
      micros *= 10;
    return micros;
  }

  void clock(CivilTime& civil) {
    civil.hour = number(2, 0, 23);
    expect(':');
    civil.minute = number(2, 0, 59);
    expect(':');
    civil.second = number(2, 0, 60);  // a leap second is the second after it
    civil.micros = fraction();
  }

 private:
  std::string_view text_;
  bool ok_ = true;
};

bool isLeap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int daysOfMonth(int year, int month) {
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays.at(static_cast<std::size_t>(month - 1)) + (month == 2 && isLeap(year) ? 1 : 0);
}

// Days since 1970-01-01 in the proleptic Gregorian calendar: years are counted from March, so that the leap day is
// last.
std::int64_t daysSinceEpoch(int year, int month, int day) {
  const std::int64_t y = month > 2 ? year : year - 1;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

// Seconds east of UTC of this process's zone. localtime_r, as it asks for the zone's file once, and mktime each time.
std::int64_t localOffset(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm tm{};
  return localtime_r(&time, &tm) == nullptr ? 0 : tm.tm_gmtoff;
}

std::int64_t secondsOf(const CivilTime& civil, int year, const Zone& zone) {
  const std::int64_t utc =
      daysSinceEpoch(year, civil.month, civil.day) * kDayS + civil.hour * 3600 + civil.minute * 60 + civil.second;
  if (civil.offset_s) return utc - *civil.offset_s;
  if (!zone.local) return utc - zone.offset_s;
  // The offset at the time itself is found from that at a time near it. In the hour that a change to winter repeats,
  // either is right.
  return utc - localOffset(utc - localOffset(utc));
}

std::optional<int> monthByName(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (equalsIgnoringCase(kMonths.at(i), name)) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Zone> parseZone(std::string_view text) {
  if (equalsIgnoringCase(text, "local")) return Zone{true, 0};
  if (equalsIgnoringCase(text, "UTC") || equalsIgnoringCase(text, "Z")) return Zone{false, 0};
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  Cursor cursor(text.substr(1));
  const int hours = cursor.number(2, 0, 23);
  cursor.expect(':');
  const int minutes = cursor.number(2, 0, 59);
  if (!cursor.ok() || !cursor.rest().empty()) return std::nullopt;
  const int offset_s = hours * 3600 + minutes * 60;
  return Zone{false, text[0] == '-' ? -offset_s : offset_s};
}

std::optional<CivilTime> takeIsoTime(std::string_view& text) {
  Cursor cursor(text);
  CivilTime civil;
  civil.year = cursor.number(4, 1, 9999);
  cursor.expect('-');
  civil.month = cursor.number(2, 1, 12);
  cursor.expect('-');
  civil.day = cursor.number(2, 1, 31);
  cursor.expect('T');
  cursor.clock(civil);
  if (cursor.sees('Z')) {
    cursor.expect('Z');
    civil.offset_s = 0;
  } else {
    const bool west = cursor.sees('-');
    cursor.expect(west ? '-' : '+');
    const int hours = cursor.number(2, 0, 23);
    cursor.expect(':');
    const int offset_s = hours * 3600 + cursor.number(2, 0, 59) * 60;
    civil.offset_s = west ? -offset_s : offset_s;
  }
  if (!cursor.ok() || civil.day > daysOfMonth(civil.year, civil.month)) return std::nullopt;
  text = cursor.rest();
  return civil;
}

std::optional<CivilTime> takeBsdTime(std::string_view& text) {
  if (text.size() < 4 || text[3] != ' ') return std::nullopt;
  CivilTime civil;
  const auto month = monthByName(text.substr(0, 3));
  if (!month) return std::nullopt;
  civil.month = *month;
  Cursor cursor(text.substr(4));
  if (cursor.sees(' ')) cursor.expect(' ');
  const std::string_view rest = cursor.rest();
  civil.day = cursor.number(rest.size() > 1 && rest[1] == ' ' ? 1 : 2, 1, 31);
  cursor.expect(' ');
  if (cursor.rest().size() > 4 && cursor.rest()[4] == ' ') {
    civil.year = cursor.number(4, 1, 9999);
    cursor.expect(' ');
  }
  cursor.clock(civil);
  const int leap_year = 2000;
  if (!cursor.ok() || civil.day > daysOfMonth(civil.year == 0 ? leap_year : civil.year, civil.month)) {
    return std::nullopt;
  }
  text = cursor.rest();
  return civil;
}

std::int64_t toTimeUs(const CivilTime& civil, const Zone& zone, std::int64_t now_us) {
  if (civil.year != 0) return secondsOf(civil, civil.year, zone) * kSecondUs + civil.micros;
  const std::int64_t latest_s = now_us / kSecondUs + kDayS;
  std::tm now{};
  const auto latest = static_cast<std::time_t>(latest_s);
  gmtime_r(&latest, &now);
  // A zone may be ahead of UTC, so the first candidate is the year after.
  const int first_year = now.tm_year + 1900 + 1;
  for (int year = first_year; year > first_year - kYearsBack - 2; --year) {
    if (civil.day > daysOfMonth(year, civil.month)) continue;
    const std::int64_t seconds = secondsOf(civil, year, zone);
    if (seconds <= latest_s) return seconds * kSecondUs + civil.micros;
  }
  return now_us;
}

std::string formatTime(std::int64_t time_us) {
  constexpr std::int64_t kYearZeroS = -62'167'219'200;
  constexpr std::int64_t kYear9999EndS = 253'402'300'799;
  std::int64_t seconds = time_us / kSecondUs;
  std::int64_t micros = time_us % kSecondUs;
  if (micros < 0) {
    micros += kSecondUs;
    --seconds;
  }
  const auto time = static_cast<std::time_t>(std::clamp(seconds, kYearZeroS, kYear9999EndS));
  std::tm tm{};
  gmtime_r(&time, &tm);
  std::array<char, 48> buffer{};
  int size = std::snprintf(buffer.data(), buffer.size(), "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                           tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
  std::string text(buffer.data(), static_cast<std::size_t>(size));
  if (micros != 0) {
    size = std::snprintf(buffer.data(), buffer.size(), ".%06d", static_cast<int>(micros));
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text + "Z";
}

}  // namespace syslog_plugin
