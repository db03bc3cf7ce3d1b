// From the sockets to incidents: both transports, bursts, stop, limits, garbage.
#include <fcntl.h>
#include <poll.h>

#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <thread>

#include "syslog_run.h"

using namespace syslog_plugin;
using longhaul::Status;
using longhaul::testing::Socket;
using Names = std::vector<std::string>;

namespace {

std::string numbered(int number) {
  return "<13>1 - host app - - - line " + std::to_string(number) + "\n";
}

// Waits until the peer has closed.
bool isClosedByPeer(const Socket& socket, int timeout_ms) {
  pollfd one{socket.fd(), POLLIN, 0};
  if (poll(&one, 1, timeout_ms) != 1) return false;
  char c = 0;
  return recv(socket.fd(), &c, 1, MSG_DONTWAIT) <= 0;
}

}  // namespace

TEST_CASE("datagrams become incidents") {
  SyslogRun run;
  run.start();
  const Socket udp = run.udp();
  udp.send("<11>Jan  1 00:00:00 host app: old form\n");
  udp.send("<11>1 2026-01-01T00:00:00Z host app 1 id [a@1 b=\"c\"] \xEF\xBB\xBFnew form");
  udp.send("no form");
  udp.send("");
  udp.send("<11>1 - h a p m - two\nlines");
  REQUIRE(run.waitForIncidents(4));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.names() == Names{"old form", "new form", "no form", "two lines"});
  const Counters counters = run.counters();
  CHECK(counters.received == 4);
  CHECK(counters.malformed == 1);
  CHECK(run.server.incidents()[0].type == "Syslog");
  CHECK(run.server.incidents()[0].severity == "3");
  CHECK(run.server.incidents()[0].json.find(R"({"type":"source","value":"127.0.0.1"})") != std::string::npos);
  CHECK(run.server.progressCount() > 0);
}

TEST_CASE("a connection may count octets and end lines by turns, and its last line needs no end") {
  SyslogRun run;
  run.start();
  {
    const Socket tcp = run.tcp();
    tcp.send("<13>1 - - - - - - one\n21 <13>1 - - - - - - two<13>1 - - - - - - three\r\n\n22 <13>1 - - - - - - f");
    tcp.send("our<13>1 - - - - - - five");
  }
  REQUIRE(run.waitForIncidents(5));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.names() == Names{"one", "two", "three", "four", "five"});
}

TEST_CASE("only lines that a rule chooses become incidents, the others are counted") {
  SyslogRun run;
  run.server.setParameterText("rules", "incident even\n  match: [02468]$\n  type: Even\n");
  run.start();
  {
    const Socket tcp = run.tcp();
    for (int i = 0; i < 1000; ++i)
      tcp.send(numbered(i));
  }
  REQUIRE(run.waitForIncidents(500));
  REQUIRE(run.server.waitUntil([&] { return run.counters().received == 1000; }));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.server.incidents().size() == 500);
  CHECK(run.server.incidents()[1].type == "Even");
}

TEST_CASE("5,000 lines over several connections and datagrams beside them are all there, once") {
  SyslogRun run;
  run.start();
  constexpr int kSenders = 8;
  constexpr int kLines = 625;
  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&run, sender] {
      const Socket tcp = run.tcp();
      std::string bytes;
      for (int i = 0; i < kLines; ++i) {
        const std::string line = "<13>1 - h a - - - " + std::to_string(sender * kLines + i);
        bytes += sender % 2 == 0 ? line + "\n" : std::to_string(line.size()) + " " + line;
      }
      // Cut where it comes, in the middle of lines too.
      for (std::size_t at = 0; at < bytes.size(); at += 1000)
        tcp.send(std::string_view(bytes).substr(at, 1000));
    });
  }
  for (std::thread& sender : senders)
    sender.join();
  run.udp().send("<13>1 - h a - - - 5000");
  REQUIRE(run.waitForIncidents(kSenders * kLines + 1));
  CHECK(run.stop().loop == Status::kOk);
  const Names names = run.names();
  CHECK(names.size() == kSenders * kLines + 1);
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  for (const auto& call : run.server.calls()) {
    if (call.name != "createIncidents") continue;
    std::vector<std::string_view> incidents;
    REQUIRE(longhaul::detail::splitJsonArray(call.text, incidents));
    CHECK(incidents.size() <= 500);
  }
  const auto counters = run.counters();
  CHECK(counters.received == kSenders * kLines + 1);
  CHECK(counters.malformed == 0);
}

TEST_CASE("stop commits the whole lines that came, and closes what was accepted") {
  SyslogRun run;
  run.start();
  const Socket tcp = run.tcp();
  tcp.send(numbered(0));
  REQUIRE(run.waitForIncidents(1));
  std::string bytes;
  for (int i = 1; i < 1200; ++i)
    bytes += numbered(i);
  tcp.send(bytes + "<13>1 - host app - - - unfinished");
  CHECK(run.stop().loop == Status::kOk);
  const Names names = run.names();
  REQUIRE(names.size() == 1200);
  for (std::size_t i = 0; i < names.size(); ++i)
    CHECK(names[i] == "line " + std::to_string(i));
  CHECK(run.counters().incidents == 1200);
  CHECK(isClosedByPeer(tcp, 10'000));
}

TEST_CASE("what a sender had sent before it ended is stored to its end, however much it is") {
  constexpr int kLines = 15'000;  // more than is stored in a second, which is how long a stop once took
  SyslogRun run;
  run.start();
  std::thread sender([&] {
    const Socket tcp = run.tcp();
    for (int i = 0; i < kLines; ++i)
      tcp.send(numbered(i));
  });
  REQUIRE(run.waitForIncidents(500));
  sender.join();  // it has ended; the last of it may be unread
  CHECK(run.stop().loop == Status::kOk);
  const Names names = run.names();
  REQUIRE(names.size() == kLines);
  CHECK(names.back() == "line " + std::to_string(kLines - 1));
}

TEST_CASE("stop in the middle of a stream leaves no gap and no double") {
  SyslogRun run;
  run.start();
  std::thread sender([&] {
    const Socket tcp = run.tcp();
    try {
      for (int i = 0;; ++i)
        tcp.send(numbered(i));
    } catch (const std::system_error&) {
      // The connection was closed: what this test waits for.
    }
  });
  REQUIRE(run.waitForIncidents(700));
  CHECK(run.stop().loop == Status::kOk);
  sender.join();
  CHECK(run.hasLogged("still sending when the time to stop was over"));
  const Names names = run.names();
  for (std::size_t i = 0; i < names.size(); ++i)
    REQUIRE(names[i] == "line " + std::to_string(i));
}

TEST_CASE("the host's sockets are left as they were, with what nobody has read") {
  SyslogRun run;
  run.start();
  run.udp().send("<13>1 - - - - - - before");
  REQUIRE(run.waitForIncidents(1));
  CHECK(run.stop().loop == Status::kOk);
  const int udp = run.server.server().listener("udp");
  const int tcp = run.server.server().listener("tcp");
  CHECK((fcntl(udp, F_GETFL) & O_NONBLOCK) == 0);
  CHECK((fcntl(tcp, F_GETFL) & O_NONBLOCK) == 0);
  run.udp().send("after");
  char bytes[16];
  CHECK(recv(udp, bytes, sizeof bytes, MSG_DONTWAIT) == 5);
  const Socket next = run.tcp();
  pollfd one{tcp, POLLIN, 0};
  CHECK(poll(&one, 1, 10'000) == 1);
  CHECK((one.revents & POLLIN) != 0);
}

TEST_CASE("garbage ends nothing, and each line of it is kept") {
  SyslogRun run;
  run.start();
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::int64_t lines = 0;
  for (int connection = 0; connection < 5; ++connection) {
    const Socket tcp = run.tcp();
    std::string bytes;
    for (int line = 0; line < 200; ++line, ++lines) {
      bytes += '#';  // neither empty nor a count
      for (std::size_t size = random() % 100; size > 0; --size) {
        const char c = static_cast<char>(random());
        bytes += c == '\n' ? ' ' : c;
      }
      bytes += '\n';
    }
    tcp.send(bytes);
  }
  const Socket udp = run.udp();
  for (int i = 0; i < 100; ++i, ++lines) {
    std::string bytes = "#";
    for (std::size_t size = random() % 1000; size > 0; --size)
      bytes += static_cast<char>(random());
    udp.send(bytes);
  }
  CHECK(run.waitForIncidents(lines));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.counters().received == lines);
  CHECK(run.counters().malformed == lines);
}

TEST_CASE("a message over lineBytesMax is cut, marked and counted") {
  SyslogRun run;
  run.server.setParameter("lineBytesMax", "480");
  run.start();
  const std::string header = "<13>1 - h a - - - ";
  {
    const Socket tcp = run.tcp();
    tcp.send(header + std::string(10'000, 'x') + "\n" + header + "short\n");
  }
  run.udp().send(header + std::string(1000, 'y'));
  REQUIRE(run.waitForIncidents(3));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.counters().truncated == 2);
  int marked = 0;
  for (const auto& incident : run.server.incidents()) {
    if (incident.json.find(R"({"type":"truncated","value":"true"})") == std::string::npos) continue;
    ++marked;
    CHECK(incident.json.find(std::string(480 - header.size() + 1, 'x')) == std::string::npos);
  }
  CHECK(marked == 2);
}

TEST_CASE("beyond connectionsMax new connections wait until one ends") {
  SyslogRun run;
  run.server.setParameter("connectionsMax", "2");
  run.start();
  const Socket first = run.tcp();
  first.send(numbered(1));
  REQUIRE(run.waitForIncidents(1));
  {
    const Socket second = run.tcp();
    second.send(numbered(2));
    REQUIRE(run.waitForIncidents(2));
    const Socket third = run.tcp();
    third.send(numbered(3));
    REQUIRE(run.server.waitUntil([&] { return run.server.health() && run.server.health()->is_error; }));
    CHECK(run.server.health()->text.find("All 2 connections are in use") == 0);
    CHECK(run.names() == Names{"line 1", "line 2"});
  }
  // The third was closed with its line in the backlog of the listener: it is still read.
  CHECK(run.waitForIncidents(3));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.names() == Names{"line 1", "line 2", "line 3"});
}

TEST_CASE("a silent connection is closed after idleTimeoutSeconds, its unfinished line kept") {
  SyslogRun run;
  run.server.setParameter("idleTimeoutSeconds", "1");
  run.start();
  const Socket tcp = run.tcp();
  tcp.send("<13>1 - - - - - - half");
  CHECK(isClosedByPeer(tcp, 10'000));
  CHECK(run.waitForIncidents(1));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.names() == Names{"half"});
}

TEST_CASE("only the transports that protocol names are asked for") {
  const std::string protocol = GENERATE("udp", "tcp");
  SyslogRun run;
  run.server.setParameterText("protocol", protocol);
  run.start();
  if (protocol == "udp") {
    run.udp().send(numbered(1));
  } else {
    run.tcp().send(numbered(1));
  }
  REQUIRE(run.waitForIncidents(1));
  CHECK(run.stop().loop == Status::kOk);
  for (const auto& call : run.server.calls()) {
    if (call.name == "listener") CHECK(call.text == protocol);
  }
}

TEST_CASE("parameters that cannot be read end create with the sentence") {
  SyslogRun run;
  run.server.setParameterText("rules", "incident A\n  severity: eror\n");
  run.start();
  const auto ended = run.run->finish();
  CHECK_FALSE(longhaul::isDone(ended.create));
  CHECK(ended.error.find("rules, line 2, rule 1 (A): \"eror\" is no syslog severity") != std::string::npos);
}

TEST_CASE("the counters go on where the last worker left them") {
  SyslogRun run;
  run.server.setContext(R"({"other":1,"counters":{"received":10,"incidents":7,"malformed":"x"}})");
  run.start();
  run.tcp().send(numbered(1));
  REQUIRE(run.waitForIncidents(8));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.counters().received == 11);
  CHECK(run.counters().malformed == 0);
  CHECK(run.server.contextValue("other") == "1");
}
