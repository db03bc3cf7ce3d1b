// Lines to fields: the examples of both RFCs, what real senders write, and what is neither.
#include "message.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using syslog_plugin::Layout;
using syslog_plugin::Message;
using syslog_plugin::parseMessage;

namespace {

struct Case {
  std::string line;
  Layout layout;
  int facility;
  int severity;
  std::string hostname;
  std::string app;
  std::string procid;
  std::string msgid;
  std::string structured_data;
  std::string text;
};

const std::string kBom = "\xEF\xBB\xBF";

void check(const Case& one) {
  INFO(one.line);
  const Message message = parseMessage(one.line);
  CHECK(message.layout == one.layout);
  CHECK(message.facility == one.facility);
  CHECK(message.severity == one.severity);
  CHECK(message.hostname == one.hostname);
  CHECK(message.app == one.app);
  CHECK(message.procid == one.procid);
  CHECK(message.msgid == one.msgid);
  CHECK(message.structured_data == one.structured_data);
  CHECK(message.text == one.text);
}

}  // namespace

TEST_CASE("RFC 5424 lines are read") {
  const std::string data = R"([exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"])";
  const std::string two = data + R"([examplePriority@32473 class="high"])";
  const std::string escaped = R"([a@1 b="say \"hi\" \] \\ end"])";
  check(GENERATE_COPY(values<Case>({
      {"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - " + kBom + "'su root' failed", Layout::Rfc5424,
       4, 2, "mymachine.example.com", "su", "", "ID47", "", "'su root' failed"},
      {"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time", Layout::Rfc5424, 20, 5,
       "192.0.2.1", "myproc", "8710", "", "", "%% It's time"},
      {"<165>1 2003-10-11T22:14:15.003Z mymachine evntslog - ID47 " + data + " " + kBom + "An event", Layout::Rfc5424,
       20, 5, "mymachine", "evntslog", "", "ID47", data, "An event"},
      {"<165>1 2003-10-11T22:14:15.003Z mymachine evntslog - ID47 " + two, Layout::Rfc5424, 20, 5, "mymachine",
       "evntslog", "", "ID47", two, ""},
      {"<0>1 - - - - - -", Layout::Rfc5424, 0, 0, "", "", "", "", "", ""},
      {"<191>1 - - - - - - ", Layout::Rfc5424, 23, 7, "", "", "", "", "", ""},
      {"<13>1 - host app 1 id " + escaped + " text", Layout::Rfc5424, 1, 5, "host", "app", "1", "id", escaped, "text"},
      {"<13>1 - host app 1 id [a@1] text", Layout::Rfc5424, 1, 5, "host", "app", "1", "id", "[a@1]", "text"},
      {"<13>1 - h a p m -  two blanks", Layout::Rfc5424, 1, 5, "h", "a", "p", "m", "", " two blanks"},
      {"<13>1 - h a p m - lines\nof\ntext", Layout::Rfc5424, 1, 5, "h", "a", "p", "m", "", "lines\nof\ntext"},
  })));
}

TEST_CASE("RFC 3164 lines are read") {
  check(GENERATE(values<Case>({
      {"<34>Oct 11 22:14:15 mymachine su: 'su root' failed", Layout::Rfc3164, 4, 2, "mymachine", "su", "", "", "",
       "'su root' failed"},
      {"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!", Layout::Rfc3164, 1, 5, "10.0.0.99", "", "", "", "",
       "Use the BFG!"},
      {"<86>Jan  1 00:00:00 h sshd[123]: Accepted", Layout::Rfc3164, 10, 6, "h", "sshd", "123", "", "", "Accepted"},
      {"<86>Jan  1 00:00:00 h sshd[123] no colon", Layout::Rfc3164, 10, 6, "h", "sshd", "123", "", "", "no colon"},
      {"<86>Jan  1 00:00:00 h postfix/smtpd[9]: x", Layout::Rfc3164, 10, 6, "h", "postfix/smtpd", "9", "", "", "x"},
      {"<13>Jan  1 00:00:00 app: no host", Layout::Rfc3164, 1, 5, "", "app", "", "", "", "no host"},
      {"<13>Jan  1 00:00:00 app[1]: no host", Layout::Rfc3164, 1, 5, "", "app", "1", "", "", "no host"},
      {"<13>Jan  1 00:00:00 h http://x is up", Layout::Rfc3164, 1, 5, "h", "", "", "", "", "http://x is up"},
      {"<13>Jan  1 00:00:00 h at 10:15 sharp", Layout::Rfc3164, 1, 5, "h", "", "", "", "", "at 10:15 sharp"},
      {"<13>Jan  1 00:00:00 h [12] text", Layout::Rfc3164, 1, 5, "h", "", "", "", "", "[12] text"},
      {"<13>Jan  1 00:00:00 h app[1 text", Layout::Rfc3164, 1, 5, "h", "", "", "", "", "app[1 text"},
      {"<13>Jan  1 00:00:00 h app:", Layout::Rfc3164, 1, 5, "h", "app", "", "", "", ""},
      {"<13>Jan  1 00:00:00 alone", Layout::Rfc3164, 1, 5, "", "", "", "", "", "alone"},
      {"<13>Jan  1 00:00:00 ", Layout::Rfc3164, 1, 5, "", "", "", "", "", ""},
      {"<13>Jan  1 00:00:00", Layout::Rfc3164, 1, 5, "", "", "", "", "", ""},
      {"<13>Jan  1 2026 00:00:00 h app: year", Layout::Rfc3164, 1, 5, "h", "app", "", "", "", "year"},
      {"<13>Jan  1 00:00:00.123 h app: ms", Layout::Rfc3164, 1, 5, "h", "app", "", "", "", "ms"},
      {"<13>2026-03-01T12:00:00.5+01:00 h app: relayed", Layout::Rfc3164, 1, 5, "h", "app", "", "", "", "relayed"},
  })));
}

TEST_CASE("what is neither is kept whole") {
  check(GENERATE(values<Case>({
      {"", Layout::Unparsed, 1, 5, "", "", "", "", "", ""},
      {"just text", Layout::Unparsed, 1, 5, "", "", "", "", "", "just text"},
      {"<", Layout::Unparsed, 1, 5, "", "", "", "", "", "<"},
      {"<>x", Layout::Unparsed, 1, 5, "", "", "", "", "", "<>x"},
      {"<192>x", Layout::Unparsed, 1, 5, "", "", "", "", "", "<192>x"},
      {"<1234>x", Layout::Unparsed, 1, 5, "", "", "", "", "", "<1234>x"},
      {"<-1>x", Layout::Unparsed, 1, 5, "", "", "", "", "", "<-1>x"},
      {"<1a>x", Layout::Unparsed, 1, 5, "", "", "", "", "", "<1a>x"},
      {"<35>text behind a PRI", Layout::Unparsed, 4, 3, "", "", "", "", "", "text behind a PRI"},
      {"<35>", Layout::Unparsed, 4, 3, "", "", "", "", "", ""},
      {"<35>2 - - - - - - version two", Layout::Unparsed, 4, 3, "", "", "", "", "", "2 - - - - - - version two"},
      {"<35>1 2026-02-30T00:00:00Z h a p m - x", Layout::Unparsed, 4, 3, "", "", "", "", "",
       "1 2026-02-30T00:00:00Z h a p m - x"},
      {"<35>1 - h a p m", Layout::Unparsed, 4, 3, "", "", "", "", "", "1 - h a p m"},
      {"<35>1 - h a p m no data", Layout::Unparsed, 4, 3, "", "", "", "", "", "1 - h a p m no data"},
      {"<35>1 - h a p m [x", Layout::Unparsed, 4, 3, "", "", "", "", "", "1 - h a p m [x"},
      {"<35>1 - h a p m []", Layout::Unparsed, 4, 3, "", "", "", "", "", "1 - h a p m []"},
      {"<35>1 - h a p m [x y=\"\\", Layout::Unparsed, 4, 3, "", "", "", "", "", "1 - h a p m [x y=\"\\"},
      {"<35>1 - h a p m [x y=\"1\"]z", Layout::Unparsed, 4, 3, "", "", "", "", "", "1 - h a p m [x y=\"1\"]z"},
      {"<35>1 - h  p m - x", Layout::Unparsed, 4, 3, "", "", "", "", "", "1 - h  p m - x"},
      {"<35>Oct 32 22:14:15 h x", Layout::Unparsed, 4, 3, "", "", "", "", "", "Oct 32 22:14:15 h x"},
      {"<35>Okt 11 22:14:15 h x", Layout::Unparsed, 4, 3, "", "", "", "", "", "Okt 11 22:14:15 h x"},
      {"<35>Oct 11 24:14:15 h x", Layout::Unparsed, 4, 3, "", "", "", "", "", "Oct 11 24:14:15 h x"},
  })));
  CHECK_FALSE(parseMessage("x").has_priority);
  CHECK(parseMessage("<35>x").has_priority);
}

TEST_CASE("structured data is read, its escapes taken off") {
  const Message message = parseMessage(R"(<13>1 - - - - - [a@1 q="say \"hi\"" b="\]\\\n" ip="1" ip="2"][empty@1] x)");
  const auto elements = syslog_plugin::structuredData(message.structured_data);
  REQUIRE(elements.size() == 2);
  CHECK(elements[0].id == "a@1");
  using Params = std::vector<std::pair<std::string_view, std::string>>;
  CHECK(elements[0].params == Params{{"q", "say \"hi\""}, {"b", "]\\\\n"}, {"ip", "1"}, {"ip", "2"}});
  CHECK(elements[1].id == "empty@1");
  CHECK(elements[1].params.empty());
  CHECK(syslog_plugin::structuredData("").empty());
}

TEST_CASE("a line of a thousand parameters costs no more than its first 256") {
  std::string line = "<13>1 - - - - - [a@1";
  for (int i = 0; i < 1000; ++i)
    line += " n=\"v\"";
  line += "] x";
  const Message message = parseMessage(line);
  CHECK(message.text == "x");
  CHECK(syslog_plugin::structuredData(message.structured_data).at(0).params.size() == 256);
}
