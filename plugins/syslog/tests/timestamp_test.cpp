// Times with and without year and zone.
#include "timestamp.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <string>

using namespace syslog_plugin;

namespace {

const Zone kUtc{false, 0};

std::int64_t at(std::string_view iso) {
  return toTimeUs(takeIsoTime(iso).value(), kUtc, 0);
}

std::string bsd(std::string_view text, std::string_view now, const Zone& zone = kUtc) {
  const auto civil = takeBsdTime(text);
  return civil ? formatTime(toTimeUs(*civil, zone, at(now))) : "none";
}

}  // namespace

TEST_CASE("RFC 3339 times become points in time") {
  struct Case {
    std::string text;
    std::string utc;  // empty: not a time
  };
  const auto one = GENERATE(values<Case>({
      {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
      {"2003-10-11T22:14:15.003Z", "2003-10-11T22:14:15.003000Z"},
      {"2003-08-24T05:14:15.000003-07:00", "2003-08-24T12:14:15.000003Z"},
      {"2024-02-29T23:59:59+00:30", "2024-02-29T23:29:59Z"},
      {"2026-01-01T00:00:00+01:00", "2025-12-31T23:00:00Z"},
      {"2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123456Z"},
      {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
      {"0001-01-01T00:00:00+10:00", "0000-12-31T14:00:00Z"},
      {"9999-12-31T23:59:59-10:00", "9999-12-31T23:59:59Z"},
      {"2023-02-29T00:00:00Z", ""},
      {"2023-13-01T00:00:00Z", ""},
      {"2023-00-01T00:00:00Z", ""},
      {"2023-01-01T24:00:00Z", ""},
      {"2023-01-01T00:00:00", ""},
      {"2023-01-01T00:00:00.Z", ""},
      {"2023-01-01T00:00:00.1234567890Z", ""},
      {"2023-01-01 00:00:00Z", ""},
      {"", ""},
  }));
  INFO(one.text);
  std::string_view text = one.text;
  const auto civil = takeIsoTime(text);
  CHECK(civil.has_value() == !one.utc.empty());
  if (civil) {
    CHECK(formatTime(toTimeUs(*civil, kUtc, 0)) == one.utc);
    CHECK(text.empty());
  } else {
    CHECK(text == one.text);
  }
}

TEST_CASE("a time without a year is of the year that makes it the latest before a day from now") {
  CHECK(bsd("Oct 11 22:14:15", "2026-10-12T00:00:00Z") == "2026-10-11T22:14:15Z");
  CHECK(bsd("Oct  1 22:14:15", "2026-10-12T00:00:00Z") == "2026-10-01T22:14:15Z");
  CHECK(bsd("Oct 1 22:14:15", "2026-10-12T00:00:00Z") == "2026-10-01T22:14:15Z");
  CHECK(bsd("oct 01 22:14:15", "2026-10-12T00:00:00Z") == "2026-10-01T22:14:15Z");
  SECTION("over New Year, both ways") {
    CHECK(bsd("Dec 31 23:59:59", "2027-01-01T00:00:01Z") == "2026-12-31T23:59:59Z");
    CHECK(bsd("Jan  1 00:00:01", "2026-12-31T23:59:59Z") == "2027-01-01T00:00:01Z");
    CHECK(bsd("Jan  2 00:00:01", "2026-12-31T00:00:00Z") == "2026-01-02T00:00:01Z");
    CHECK(bsd("Jan  1 05:00:00", "2026-12-31T23:00:00Z", {false, 6 * 3600}) == "2026-12-31T23:00:00Z");
  }
  SECTION("a clock that is a day fast") {
    CHECK(bsd("Oct 12 22:00:00", "2026-10-12T00:00:00Z") == "2026-10-12T22:00:00Z");
    CHECK(bsd("Oct 13 22:00:00", "2026-10-12T00:00:00Z") == "2025-10-13T22:00:00Z");
  }
  SECTION("a leap day is of the last leap year") {
    CHECK(bsd("Feb 29 12:00:00", "2026-10-12T00:00:00Z") == "2024-02-29T12:00:00Z");
    CHECK(bsd("Feb 29 12:00:00", "2103-10-12T00:00:00Z") == "2096-02-29T12:00:00Z");
  }
  SECTION("a year that is there counts") {
    CHECK(bsd("Oct 11 2019 22:14:15", "2026-10-12T00:00:00Z") == "2019-10-11T22:14:15Z");
    CHECK(bsd("Feb 29 2019 22:14:15", "2026-10-12T00:00:00Z") == "none");
  }
  SECTION("zone and fraction") {
    CHECK(bsd("Oct 11 22:14:15.25", "2026-10-12T00:00:00Z", {false, -7 * 3600}) == "2026-10-12T05:14:15.250000Z");
  }
  SECTION("not a time") {
    for (const char* text :
         {"", "Oct", "Oct 11", "Oct 0 22:14:15", "Oct 11 22:14", "Oct-11 22:14:15", "Oct   1 22:14:15"}) {
      INFO(text);
      CHECK(bsd(text, "2026-10-12T00:00:00Z") == "none");
    }
  }
}

TEST_CASE("local time is that of the process's zone, in summer and in winter") {
  // The rule itself, so that no file of zones has to be there.
  setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  tzset();
  const Zone local{true, 0};
  const char* now = "2026-12-01T00:00:00Z";
  CHECK(bsd("Jul 11 12:00:00", now, local) == "2026-07-11T10:00:00Z");
  CHECK(bsd("Nov 11 12:00:00", now, local) == "2026-11-11T11:00:00Z");
  CHECK(bsd("Mar 29 01:59:59", now, local) == "2026-03-29T00:59:59Z");
  CHECK(bsd("Mar 29 03:00:00", now, local) == "2026-03-29T01:00:00Z");
  CHECK(bsd("Oct 25 01:59:59", now, local) == "2026-10-24T23:59:59Z");
  CHECK(bsd("Oct 25 03:00:00", now, local) == "2026-10-25T02:00:00Z");
  CHECK(bsd("Jan  1 00:00:01", "2026-12-31T23:30:00Z", local) == "2026-12-31T23:00:01Z");
  unsetenv("TZ");
  tzset();
}

TEST_CASE("zones are read") {
  CHECK(parseZone("local")->local);
  CHECK_FALSE(parseZone("utc")->local);
  CHECK(parseZone("+05:30")->offset_s == 19'800);
  CHECK(parseZone("-01:00")->offset_s == -3600);
  for (const char* text : {"", "+5", "+24:00", "+01:60", "+01:00x", "Europe/Berlin", "01:00"}) {
    INFO(text);
    CHECK_FALSE(parseZone(text));
  }
}
