// The times of syslog: RFC 3339 as RFC 5424 wants it, and "Oct  9 22:14:15" of RFC 3164, which knows neither year nor
// zone. Reading gives fields; only a line that becomes an incident pays for turning them into a point in time.
// Pure but for `local`, which asks the C library for the zone of this process. Any thread; owns nothing.
#ifndef SYSLOG_PLUGIN_TIMESTAMP_H
#define SYSLOG_PLUGIN_TIMESTAMP_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace syslog_plugin {

// The zone of times that name none.
struct Zone {
  bool local = true;
  int offset_s = 0;  // east of UTC, where not local
};

// "local", "UTC" or "+01:30".
std::optional<Zone> parseZone(std::string_view text);

struct CivilTime {
  int year = 0;  // 0: not given
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int micros = 0;
  std::optional<int> offset_s;  // east of UTC; nothing: not given
};

// Both read a time at the beginning of `text` and take it off; nothing read: `text` stays as it was.
// 2026-03-01T12:00:00[.fraction](Z|±hh:mm), as in RFC 5424.
std::optional<CivilTime> takeIsoTime(std::string_view& text);
// Mmm [d]d [yyyy ]hh:mm:ss[.fraction]; the year and the fraction are of some senders, not of RFC 3164.
std::optional<CivilTime> takeBsdTime(std::string_view& text);

// Microseconds since 1970. A missing year is the one that puts the time nearest before a day from `now_us`: clocks of
// senders may be a day fast, and a message of 31 December that comes in January is of the old year.
std::int64_t toTimeUs(const CivilTime& civil, const Zone& zone, std::int64_t now_us);

// RFC 3339 in UTC, with a fraction if there is one; a year beyond 0…9999 is given as the nearest of these.
std::string formatTime(std::int64_t time_us);

}  // namespace syslog_plugin

#endif
