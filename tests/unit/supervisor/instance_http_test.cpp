// Requests of an instance on their way to a worker and back.
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "host/supervisor/http_check.h"
#include "tests/unit/supervisor/http_rig.h"

namespace longhaul::host {

using protocol::HttpKind;
using services::HttpFailure;
using namespace test;

TEST_CASE("a request goes to the worker and its answer comes back", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& client = rig.ask({.method = "GET", .path = "/a", .query = "b=c", .user = "ann", .fields = {{"x-a", "1"}}});
  const std::uint32_t number = rig.opened(worker, 1);
  CHECK(worker.heard.size() == 1);
  CHECK(worker.heard[0].flags == protocol::kHttpNoBody);
  protocol::HttpOpen open;
  REQUIRE(decode(worker.heard[0].payload, open));
  CHECK(open.path == "/a");
  CHECK(open.query == "b=c");
  CHECK(open.user == "ann");
  CHECK(open.fields.at(0).value == "1");
  worker.answer(number, "hello");
  rig.untilOver(client);
  CHECK(client.whole);
  CHECK(client.status == 200);
  CHECK(client.content_length == 5);
  CHECK(client.body == "hello");
  CHECK(rig.requests->underWayCount() == 0);
  CHECK(rig.violations.empty());
}

TEST_CASE("requests of one turn are one packet, and at most 64 are in a worker", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  for (int i = 0; i < 70; ++i)
    rig.ask();
  rig.opened(worker, kHttpAtOnce);
  CHECK(worker.packets == 1);
  rig.turn();
  CHECK(worker.count(HttpKind::Open) == kHttpAtOnce);
  CHECK(rig.requests->waitingCount() == 6);
  worker.answer(worker.heard[3].request, "x");
  rig.opened(worker, kHttpAtOnce + 1);
  CHECK(rig.requests->waitingCount() == 5);
}

TEST_CASE("what waits is bounded in number and in time", "[http]") {
  Rig rig;
  for (std::size_t i = 0; i < kHttpWaitMax; ++i)
    rig.ask();
  Client& one_too_many = rig.ask();
  rig.untilOver(one_too_many);
  CHECK(one_too_many.failure->status == 503);
  CHECK(one_too_many.failure->retry_after_s > 0);
  CHECK(rig.requests->waitingCount() == kHttpWaitMax);
  rig.passed(kHttpWaitTimeout - std::chrono::seconds{2});
  CHECK_FALSE(rig.clients[0]->over);
  rig.passed(std::chrono::seconds{2});
  rig.passed(std::chrono::seconds{1});
  CHECK(rig.clients[0]->failure->status == 503);
  CHECK(rig.requests->waitingCount() == 0);
}

TEST_CASE("what nobody will take is refused in a turn of its own", "[http]") {
  Rig rig;
  rig.serving.refusal = HttpFailure{404, "there is none", 0};
  Client& client = rig.ask();
  rig.untilOver(client);
  CHECK(client.failure->status == 404);
}

TEST_CASE("a body goes by windows and its last byte is told", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& client = rig.ask({.method = "POST", .path = "/", .content_length = -1});
  const std::uint32_t number = rig.opened(worker, 1);
  CHECK(worker.heard[0].flags == 0);
  std::string window;
  protocol::appendHttpWindow(window, number, 100'000);
  worker.say(window);
  rig.until([&] { return client.window == 100'000; });
  client.exchange->sendBody(std::string(100'000, 'b'));
  client.exchange->endBody();
  rig.until([&] { return worker.count(HttpKind::BodyEnd) == 1; });
  std::size_t bytes = 0;
  for (const Record& each : worker.heard)
    bytes += each.kind == HttpKind::Body ? each.payload.size() : 0;
  CHECK(bytes == 100'000);
  worker.answer(number, "");
  rig.untilOver(client);
  CHECK(client.whole);
}

TEST_CASE("an answer is given room back as it leaves, and no more is taken than there is", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& client = rig.ask();
  const std::uint32_t number = rig.opened(worker, 1);
  worker.say(Worker::head(number, 200));
  const std::string piece(32'768, 'p');
  for (std::size_t sent = 0; sent < kHttpWindowBytes; sent += piece.size()) {
    worker.say(HttpKind::Body, number, piece);
    rig.until([&] { return client.body.size() == sent + piece.size(); });
  }
  client.exchange->consumed(kHttpWindowBytes / 4);
  rig.until([&] { return worker.count(HttpKind::Window) == 1; });
  CHECK(protocol::decodeHttpWindow(worker.heard.back().payload) == kHttpWindowBytes / 4);
  worker.say(HttpKind::Body, number, piece);
  worker.say(HttpKind::Body, number, piece);
  rig.turn();
  CHECK(rig.violations.empty());
  worker.say(HttpKind::Body, number, "x");
  rig.until([&] { return rig.violations.size() == 1; });
}

TEST_CASE("a client that goes is told to the worker, and its place is free once that has ended it", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& client = rig.ask();
  const std::uint32_t number = rig.opened(worker, 1);
  client.exchange.reset();
  rig.until([&] { return worker.count(HttpKind::Cancel) == 1; });
  CHECK(rig.requests->underWayCount() == 1);
  worker.say(HttpKind::End, number);
  rig.until([&] { return rig.requests->underWayCount() == 0; });
  CHECK_FALSE(client.over);
  CHECK(rig.violations.empty());
  Client& waits = rig.ask();
  waits.exchange.reset();
  CHECK(rig.requests->waitingCount() == 0);
}

TEST_CASE("a plugin that never answers: 504, a line, and the thread stays taken", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& client = rig.ask();
  const std::uint32_t number = rig.opened(worker, 1);
  for (int i = 0; i < 61; ++i)
    rig.passed(std::chrono::seconds{1});
  REQUIRE(client.over);
  CHECK(client.failure->status == 504);
  CHECK(rig.warnings.size() == 1);
  rig.until([&] { return worker.count(HttpKind::Cancel) == 1; });
  CHECK(rig.requests->underWayCount() == 1);
  worker.answer(number, "too late");
  rig.until([&] { return rig.requests->underWayCount() == 0; });
  CHECK(rig.violations.empty());
}

TEST_CASE("an answer that has begun may take as long as it likes", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& client = rig.ask();
  const std::uint32_t number = rig.opened(worker, 1);
  worker.say(Worker::head(number, 200));
  rig.until([&] { return client.status == 200; });
  rig.passed(std::chrono::hours{1});
  rig.passed(std::chrono::hours{1});
  CHECK_FALSE(client.over);
}

TEST_CASE("a worker that dies takes what it had, and what waits goes to the next", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& in_flight = rig.ask();
  Client& answered = rig.ask();
  const std::uint32_t last = rig.opened(worker, 2);
  rig.serving = {};
  Client& waits = rig.ask();
  rig.turn();
  worker.answer(last, "just in time");  // lies in the socket of the dead worker
  rig.requests->ended(Rig::kFirst, false);
  CHECK(in_flight.failure->status == 502);
  CHECK(answered.body == "just in time");
  CHECK_FALSE(waits.over);
  Worker& next = rig.attach(Rig::kSecond);
  next.answer(rig.opened(next, 1), "hello");
  rig.untilOver(waits);
  CHECK(waits.body == "hello");
}

TEST_CASE("what an ending worker had not begun goes to the next one, in its order", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& first = rig.ask({.method = "GET", .path = "/1"});
  Client& second = rig.ask({.method = "GET", .path = "/2"});
  Client& third = rig.ask({.method = "GET", .path = "/3"});
  rig.opened(worker, 3);
  // It gives one back, says nothing of the others and says BYE.
  worker.say(HttpKind::Failed, worker.heard[0].request, {}, protocol::kHttpNotBegun);
  rig.until([&] { return rig.requests->waitingCount() == 1; });
  rig.turn();
  CHECK(worker.count(HttpKind::Open) == 3);  // not back to the same one
  rig.requests->ended(Rig::kFirst, true);
  CHECK(rig.requests->waitingCount() == 3);
  Worker& next = rig.attach(Rig::kSecond);
  rig.opened(next, 3);
  for (const Record& each : std::vector<Record>{next.heard}) {
    protocol::HttpOpen open;
    REQUIRE(decode(each.payload, open));
    next.answer(each.request, open.path);
  }
  rig.untilOver(third);
  CHECK(first.body == "/1");
  CHECK(second.body == "/2");
  CHECK(third.body == "/3");
}

TEST_CASE("the plugin's failures: what came is cut, the text goes to the log", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& client = rig.ask();
  const std::uint32_t number = rig.opened(worker, 1);
  worker.say(Worker::head(number, 200, 10));
  worker.say(HttpKind::Failed, number, "fewer bytes than it said");
  rig.untilOver(client);
  CHECK(client.status == 200);
  CHECK(client.failure->status == 502);
  CHECK(client.failure->detail.find("fewer") == std::string::npos);
  REQUIRE(rig.warnings.size() == 1);
  CHECK(rig.warnings[0].find("fewer bytes than it said") != std::string::npos);
}

TEST_CASE("a WebSocket: taken up, messages both ways, closed", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& client = rig.ask({.method = "GET", .path = "/", .is_web_socket = true});
  const std::uint32_t number = rig.opened(worker, 1);
  std::string records = Worker::head(number, 101, -1, {{"sec-websocket-protocol", "chat"}});
  protocol::appendHttpWindow(records, number, 1000);
  protocol::appendHttpMessage(records, number, false, "hello");
  worker.say(records);
  rig.until([&] { return client.messages.size() == 1; });
  CHECK(client.status == 101);
  CHECK(client.window == 1000);
  client.exchange->sendMessage(services::HttpMessageKind::Binary, std::string(100'000, 'm'));
  client.exchange->close(1000, "done");
  rig.until([&] { return worker.count(HttpKind::Close) == 1; });
  std::string message;
  for (const Record& each : worker.heard)
    message += each.kind == HttpKind::Message ? each.payload : std::string{};
  CHECK(message.size() == 100'000);
  records.clear();
  protocol::appendHttpClose(records, number, 1000, "");
  protocol::appendHttpRecord(records, {HttpKind::End, 0, number, {}});
  worker.say(records);
  rig.untilOver(client);
  CHECK(client.close_code == 1000);
  CHECK(rig.requests->underWayCount() == 0);
  CHECK(rig.violations.empty());
}

TEST_CASE("a worker that breaks the rules is reported once, and nothing more is read from it", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& client = rig.ask();
  const std::uint32_t number = rig.opened(worker, 1);
  const std::string head = Worker::head(number, 200, 2);
  std::string records;
  SECTION("another request's number") {
    records = Worker::head(number + 1, 200);
  }
  SECTION("a body before its head") {
    protocol::appendHttpBody(records, number, "x");
  }
  SECTION("two heads") {
    records = head + head;
  }
  SECTION("more than it said") {
    protocol::appendHttpBody(records = head, number, "xyz");
  }
  SECTION("the end of half an answer") {
    protocol::appendHttpRecord(records = head, {HttpKind::End, 0, number, {}});
  }
  SECTION("no answer at all") {
    protocol::appendHttpRecord(records, {HttpKind::End, 0, number, {}});
  }
  SECTION("answers twice") {
    protocol::appendHttpBody(records = head, number, "xy");
    protocol::appendHttpRecord(records, {HttpKind::End, 0, number, {}});
    records += records;
  }
  SECTION("a field of the host") {
    records = Worker::head(number, 200, 2, {{"transfer-encoding", "chunked"}});
  }
  SECTION("a second field in one") {
    records = Worker::head(number, 200, 2, {{"x-a", "b\r\nset-cookie: c"}});
  }
  SECTION("a WebSocket that nobody asked for") {
    records = Worker::head(number, 101);
  }
  SECTION("a message without a WebSocket") {
    protocol::appendHttpMessage(records, number, false, "x");
  }
  SECTION("given back after it began") {
    records = head;
    protocol::appendHttpRecord(records, {HttpKind::Failed, protocol::kHttpNotBegun, number, {}});
  }
  SECTION("a record of the host's") {
    protocol::appendHttpRecord(records, {HttpKind::BodyEnd, 0, number, {}});
  }
  SECTION("half a record") {
    records = head.substr(0, head.size() - 1);
  }
  worker.say(records);
  rig.until([&] { return !rig.violations.empty(); });
  worker.say(Worker::head(number + 7, 200));
  rig.turn();
  CHECK(rig.violations.size() == 1);
  const bool was_over = client.over;
  rig.requests->ended(Rig::kFirst, false);
  CHECK(client.over);
  if (!was_over) CHECK(client.failure->status == 502);
}

TEST_CASE("whatever a worker says and a client does, each request ends once", "[http]") {
  std::mt19937 random{7};
  const auto below = [&](std::uint32_t bound) {
    return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(random);
  };
  std::size_t answered = 0, failed = 0;
  for (int round = 0; round < 300; ++round) {
    Rig rig;
    Worker& worker = rig.attach(Rig::kFirst);
    for (std::uint32_t i = 0; i < 4; ++i)
      rig.ask({.method = i == 0 ? "HEAD" : "POST",
               .path = "/",
               .content_length = i == 1 ? -1 : 0,
               .is_web_socket = i == 2});
    rig.opened(worker, 4);
    if (round % 3 == 0) {  // chance seldom makes a whole answer
      worker.answer(2, "whole");
      rig.untilOver(*rig.clients[1]);
    }
    for (int step = 0; step < 40 && rig.violations.empty(); ++step) {
      const std::uint32_t number = 1 + below(4);
      std::string records;
      switch (below(16)) {
        case 0:
        case 1:
        case 2:
          records = Worker::head(number, number == 3 ? 101 : 200 + below(2) * 4, static_cast<int>(below(4)) - 1);
          break;
        case 3:
        case 4:
          protocol::appendHttpBody(records, number, std::string(1 + below(3), 'x'));
          break;
        case 5:
          protocol::appendHttpRecord(records, {HttpKind::End, 0, number, {}});
          break;
        case 6:
          protocol::appendHttpRecord(records, {HttpKind::Failed, static_cast<std::uint16_t>(below(2)), number, {}});
          break;
        case 7:
          protocol::appendHttpWindow(records, number, 1 + below(100'000));
          break;
        case 8:
          protocol::appendHttpMessage(records, number, below(2) == 0, std::string(below(200'000), 'm'));
          break;
        case 9:
          protocol::appendHttpClose(records, number, 1000, "");
          break;
        case 10:
          rig.clients[number - 1]->exchange.reset();
          break;
        case 11:
          rig.passed(std::chrono::seconds{below(40)});
          break;
        default:
          if (auto& exchange = rig.clients[number - 1]->exchange) {
            exchange->consumed(below(1000));
            exchange->sendMessage(services::HttpMessageKind::Text, "m");
            if (rig.clients[number - 1]->window > 0) exchange->sendBody("b");
            exchange->endBody();
          }
      }
      for (std::string_view rest = records; !rest.empty(); rest.remove_prefix(protocol::httpPacketBytes(rest)))
        worker.say(std::string{rest.substr(0, protocol::httpPacketBytes(rest))});
      rig.turn();
      worker.hear();
    }
    rig.serving.refusal = HttpFailure{503, "over", 0};
    rig.requests->ended(Rig::kFirst, below(2) == 0);
    rig.turn();
    CHECK(rig.requests->underWayCount() == 0);
    CHECK(rig.requests->waitingCount() == 0);
    for (const auto& client : rig.clients) {
      CHECK(client->exchange == nullptr);
      answered += client->whole || client->close_code != 0 ? 1 : 0;
      failed += client->failure ? 1 : 0;
    }
  }
  CHECK(answered >= 100);
  CHECK(failed > 100);
}

TEST_CASE("an instance that is removed fails what is there", "[http]") {
  Rig rig;
  Worker& worker = rig.attach(Rig::kFirst);
  Client& under_way = rig.ask();
  rig.opened(worker, 1);
  rig.serving = {};
  Client& waits = rig.ask();
  rig.requests.reset();
  CHECK(under_way.failure->status == 503);
  CHECK(waits.failure->status == 503);
}

}  // namespace longhaul::host
