// HTTP requests to instances through the whole supervisor: which worker has them in which phase, and what is said where
// none does. The workers are played by the test.
#include <catch2/catch.hpp>

#include "host/protocol/http_records.h"
#include "host/supervisor/http_entrance.h"
#include "tests/unit/supervisor/rig.h"

using namespace longhaul::host;
using longhaul::host::test::StandIn;
using protocol::HttpKind;
using protocol::Kind;
using Rig = longhaul::host::test::SupervisorRig;

namespace {

struct Client final : services::HttpEvents {
  void onWindow(std::size_t) override {}
  void onHead(int head_status, std::vector<services::HttpField>, std::int64_t) override { status = head_status; }
  void onBody(std::string_view bytes) override { body += bytes; }
  void onMessage(services::HttpMessageKind, std::string_view) override {}
  void onClose(std::uint16_t, std::string_view) override { over = true; }
  void onEnd() override { over = true; }
  void onFailed(const services::HttpFailure& failure) override {
    over = true;
    status = failure.status;
    body = failure.detail;
    retry_after_s = failure.retry_after_s;
  }

  std::unique_ptr<services::HttpExchange> exchange;
  int status = 0;
  int retry_after_s = 0;
  std::string body;
  bool over = false;
};

std::unique_ptr<Client> ask(Rig& rig, const std::string& instance = "c") {
  auto client = std::make_unique<Client>();
  services::HttpAsked asked;
  asked.instance = instance;
  asked.method = "GET";
  asked.path = "/";
  asked.scheme = "http";
  client->exchange = rig.supervisor.http().open(std::move(asked), *client);
  client->exchange->endBody();
  CHECK_FALSE(client->over);
  return client;
}

// The number of the request that this worker gets next.
std::uint32_t taken(Rig& rig, const StandIn& worker) {
  std::string packet;
  rig.until([&] { return !(packet = worker.hearHttp()).empty(); });
  protocol::HttpRecords records{protocol::HttpSender::Host, packet};
  const auto next = records.next();
  REQUIRE(std::holds_alternative<protocol::HttpRecord>(next));
  CHECK(std::get<protocol::HttpRecord>(next).kind == HttpKind::Open);
  return std::get<protocol::HttpRecord>(next).request;
}

std::string answer(std::uint32_t number, std::string_view body) {
  std::string head, packet;
  protocol::encode(protocol::HttpHead{200, static_cast<std::int64_t>(body.size()), {}}, head);
  protocol::appendHttpRecord(packet, {HttpKind::Head, 0, number, head});
  protocol::appendHttpBody(packet, number, body);
  protocol::appendHttpRecord(packet, {HttpKind::End, 0, number, {}});
  return packet;
}

StandIn& loadedWorker(Rig& rig, std::size_t number) {
  StandIn& worker = rig.worker(number);
  worker.loaded({"longhaul.http/1"});
  rig.until([&] { return worker.was(Kind::Start); });
  return worker;
}

}  // namespace

TEST_CASE("who names no instance, or one without HTTP, gets 404", "[http]") {
  Rig rig;
  auto nobody = ask(rig, "nobody");
  rig.until([&] { return nobody->over; });
  CHECK(nobody->status == 404);
  rig.put();
  auto commander = ask(rig);
  rig.until([&] { return commander->over; });
  CHECK(commander->status == 404);
  CHECK(commander->body.find("longhaul.http/1") != std::string::npos);
  ask(rig, "nobody").reset();  // gone before it was told
}

TEST_CASE("a request waits for a start, is answered, and a disabled instance says so", "[http]") {
  Rig rig("test_requests", "test-requests");
  rig.put(R"({"longRunning": true, "parameters": {}})", false, "[]");
  auto early = ask(rig);
  rig.until([&] { return early->over; });
  CHECK(early->status == 503);
  CHECK(early->body == "c is disabled");

  rig.act([&](const auto& done) { rig.supervisor.setEnabled(rig.id(), true, done); });
  StandIn& worker = loadedWorker(rig, 0);
  CHECK(worker.hasHttp());
  auto waiting = ask(rig);
  rig.passed(std::chrono::seconds{1});
  CHECK_FALSE(waiting->over);
  worker.ready();
  worker.sayHttp(answer(taken(rig, worker), "hello"));
  rig.until([&] { return waiting->over; });
  CHECK(waiting->status == 200);
  CHECK(waiting->body == "hello");
}

TEST_CASE("a swap: the old worker finishes what it has, what comes meanwhile is the new one's", "[http]") {
  Rig rig("test_requests", "test-requests");
  rig.put(R"({"longRunning": true, "parameters": {}})", true, "[]");
  StandIn& old_worker = loadedWorker(rig, 0);
  old_worker.ready();
  auto first = ask(rig);
  const std::uint32_t number = taken(rig, old_worker);
  auto refused = ask(rig);
  const std::uint32_t refused_number = taken(rig, old_worker);

  rig.act([&](const auto& done) { rig.supervisor.restart(rig.id(), done); });
  StandIn& new_worker = rig.worker(1);
  new_worker.loaded({"longhaul.http/1"});
  rig.until([&] { return old_worker.was(Kind::Stop); });
  auto second = ask(rig);
  std::string given_back;
  protocol::appendHttpRecord(given_back, {HttpKind::Failed, protocol::kHttpNotBegun, refused_number, {}});
  old_worker.sayHttp(given_back);
  old_worker.sayHttp(answer(number, "old"));
  rig.until([&] { return first->over; });
  CHECK(first->body == "old");
  old_worker.leave();
  rig.until([&] { return new_worker.was(Kind::Start); });
  new_worker.ready();
  std::string packet;
  std::size_t answered = 0;
  while (answered < 2) {
    rig.until([&] { return !(packet = new_worker.hearHttp()).empty(); });
    protocol::HttpRecords records{protocol::HttpSender::Host, packet};
    for (auto next = records.next(); std::holds_alternative<protocol::HttpRecord>(next);
         next = records.next(), ++answered)
      new_worker.sayHttp(answer(std::get<protocol::HttpRecord>(next).request, "new"));
  }
  rig.until([&] { return second->over && refused->over; });
  CHECK(second->body == "new");
  CHECK(refused->body == "new");
}

TEST_CASE("a crash fails what was in that worker with 502, and the next waits for the restart", "[http]") {
  Rig rig("test_requests", "test-requests");
  rig.put(R"({"longRunning": true, "parameters": {}})", true, "[]");
  StandIn& worker = loadedWorker(rig, 0);
  worker.ready();
  auto lost = ask(rig);
  taken(rig, worker);
  worker.crash();
  rig.until([&] { return lost->over; });
  CHECK(lost->status == 502);
  auto next = ask(rig);
  rig.passed(std::chrono::seconds{2});  // the first restart's delay
  StandIn& again = loadedWorker(rig, 1);
  again.ready();
  again.sayHttp(answer(taken(rig, again), "again"));
  rig.until([&] { return next->over; });
  CHECK(next->body == "again");
}

TEST_CASE("a record that cannot be ends the worker", "[http]") {
  Rig rig("test_requests", "test-requests");
  rig.put(R"({"longRunning": true, "parameters": {}})", true, "[]");
  StandIn& worker = loadedWorker(rig, 0);
  worker.ready();
  auto asked = ask(rig);
  taken(rig, worker);
  worker.sayHttp(answer(4711, "whose?"));
  rig.until([&] { return asked->over; });
  CHECK(asked->status == 502);
  CHECK(std::any_of(rig.log.begin(), rig.log.end(),
                    [](const std::string& line) { return line.find("request 4711") != std::string::npos; }));
}
