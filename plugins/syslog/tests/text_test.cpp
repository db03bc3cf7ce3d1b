// Bytes to valid UTF-8 and JSON, and the small words.
#include "text.h"

#include <catch2/catch.hpp>
#include <string>

#include "longhaul/sdk/detail/json_object.hpp"
#include "names.h"

using namespace syslog_plugin;

namespace {

std::string json(std::string_view bytes) {
  std::string out;
  appendJsonString(out, bytes);
  return out;
}

}  // namespace

TEST_CASE("any bytes become a JSON string of valid UTF-8") {
  const std::string lost = "\xEF\xBF\xBD";
  CHECK(json("plain") == R"("plain")");
  CHECK(json("") == R"("")");
  CHECK(json("a\"b\\c") == R"("a\"b\\c")");
  CHECK(json("tab\t nl\n cr\r esc\x1B") == R"("tab\t nl\n cr\r esc\u001b")");
  CHECK(json("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80") ==
        "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80\"");
  CHECK(json(std::string_view("nul\0x", 5)) == "\"nul" + lost + "x\"");
  CHECK(json("latin \xFC") == "\"latin " + lost + "\"");
  CHECK(json("overlong \xC0\xAF") == "\"overlong " + lost + lost + "\"");
  CHECK(json("surrogate \xED\xA0\x80") == "\"surrogate " + lost + lost + lost + "\"");
  CHECK(json("beyond \xF4\x90\x80\x80") == "\"beyond " + lost + lost + lost + lost + "\"");
  CHECK(json("cut \xE2\x82") == "\"cut " + lost + "\"");
  CHECK(json("cut \xE2\x82\"q") == "\"cut " + lost + "\\\"q\"");
  std::string all;
  for (int c = 0; c < 256; ++c)
    all += static_cast<char>(c);
  CHECK(longhaul::detail::checkJson(json(all)));
}

TEST_CASE("a cut text ends at a character") {
  std::string text = "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC";
  cutUtf8(text, 12);
  CHECK(text.size() == 12);
  cutUtf8(text, 10);
  CHECK(text == "\xE2\x82\xAC\xE2\x82\xAC\xE2\x80\xA6");
}

TEST_CASE("globs") {
  CHECK(globMatches("sshd", "SSHD"));
  CHECK(globMatches("ssh*", "sshd"));
  CHECK(globMatches("*", ""));
  CHECK(globMatches("a*b*c", "aXXbYYbc"));
  CHECK_FALSE(globMatches("a*b*c", "aXXbYY"));
  CHECK_FALSE(globMatches("ssh", "sshd"));
  CHECK_FALSE(globMatches("", "x"));
  // What backtracks without bound in a naive matcher.
  CHECK_FALSE(globMatches("*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST_CASE("numbers are digits within their bounds") {
  CHECK(parseNumber("0", 0, 9) == 0u);
  CHECK(parseNumber("191", 0, 191) == 191u);
  for (const char* text : {"", "-1", "+1", "1 ", "0x1", "192", "99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(parseNumber(text, 0, 191));
  }
}

TEST_CASE("severities have names, old names, numbers and a place in XSOAR's scale") {
  CHECK(severityByName("err") == 3);
  CHECK(severityByName("ERROR") == 3);
  CHECK(severityByName("warn") == 4);
  CHECK(severityByName("7") == 7);
  CHECK_FALSE(severityByName("8"));
  CHECK_FALSE(severityByName("bad"));
  CHECK(facilityByName("authpriv") == 10);
  CHECK(facilityByName("local7") == 23);
  CHECK_FALSE(facilityByName("24"));
  const char* scale[] = {"4", "4", "4", "3", "2", "1", "0.5", "0.5"};
  for (int severity = 0; severity < 8; ++severity)
    CHECK(incidentSeverityOf(severity) == scale[severity]);
}

TEST_CASE("a wrong word gets the nearest, or all") {
  CHECK(suggestion("warnin", severityNames()) == "; did you mean \"warning\"?");
  CHECK(suggestion("xyzzyx", {"udp", "tcp"}) == "; it is one of udp, tcp");
}
