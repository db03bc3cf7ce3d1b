#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

#include "longhaul/sdk.hpp"
#include "longhaul/sdk/testing.hpp"

using longhaul::HealthKind;
using longhaul::Status;
using longhaul::testing::FakeServer;
using longhaul::testing::PluginRun;

namespace {

class Commanding : public longhaul::CommandPlugin {
 public:
  explicit Commanding(longhaul::Server server) : CommandPlugin(server) {
    onCommand("greet", [](const longhaul::Command& command) {
      return command.argument("greeting", "Hello") + " " + command.username() + " in " + command.incidentId();
    });
    onCommand("refuse", [](const longhaul::Command&) -> std::string { throw std::invalid_argument("no such city"); });
    onCommand("busy", [this](const longhaul::Command&) { return this->server().addEntry("7", "x"); });
    onCommand("odd", [](const longhaul::Command&) -> std::string { throw 1; });
  }
  std::optional<std::string> test() override {
    if (const auto said = server().parameter("says")) return said;
    return std::nullopt;
  }
  void longRunningExecution() override { stopToken().wait(); }
};

class Plain : public longhaul::Plugin {
 public:
  using Plugin::Plugin;
  void longRunningExecution() override { stopToken().wait(); }
};

longhaul::User alice() {
  longhaul::User user;
  user.username = "alice";
  user.email = "Alice@example.com";
  return user;
}

}  // namespace

TEST_CASE("a command's handler gets arguments and context, and its text is the result", "[sdk]") {
  FakeServer server;
  PluginRun run(server, longhaul::detail::Glue<Commanding>::entry);
  const auto answer =
      run.execute("greet", R"({"greeting":"Good day"})", R"({"incidentId":"42","user":{"username":"alice"}})");
  CHECK(answer.status == Status::kOk);
  CHECK(answer.text == "Good day alice in 42");
  CHECK(run.execute("greet").text == "Hello  in ");
}

TEST_CASE("what a handler throws is the command's failure with its text, and the loop runs on", "[sdk]") {
  FakeServer server;
  PluginRun run(server, longhaul::detail::Glue<Commanding>::entry);
  const auto [name, status, text] = GENERATE(table<std::string, Status, std::string>({
      {"refuse", Status::kInvalid, "no such city"},
      {"busy", Status::kNotFound, "addEntry: NOT_FOUND: there is no incident 7"},
      {"odd", Status::kInternal, "the command threw an exception that is no std::exception"},
      {"unknown", Status::kNotFound,
       "execute: NOT_FOUND: the plugin has no handler for the command \"unknown\" of its manifest"},
  }));
  const auto answer = run.execute(name);
  CHECK(answer.status == status);
  CHECK(answer.text == text);
  CHECK_FALSE(answer.said);
  run.stop();
  CHECK(run.finish().loop == Status::kOk);
  CHECK(run.execute(name).status == Status::kClosed);
}

TEST_CASE("a test says its word or nothing, and a plugin without commands has no table", "[sdk]") {
  FakeServer server;
  {
    PluginRun run(server, longhaul::detail::Glue<Commanding>::entry);
    CHECK(run.test().status == Status::kOk);
    CHECK_FALSE(run.test().said);
    server.setParameterText("says", "ok");
    CHECK(run.test().text == "ok");
  }
  FakeServer other;
  PluginRun run(other, longhaul::detail::Glue<Plain>::entry);
  CHECK(run.test().status == Status::kAbsent);
}

TEST_CASE("a user is found by name, chat id and e-mail without case; nobody is no error", "[sdk]") {
  FakeServer fake;
  fake.addUser(alice(), {"U017"});
  const auto server = fake.server();
  CHECK(server.findUser("alice")->email == "Alice@example.com");
  CHECK(server.findUser("U017")->username == "alice");
  CHECK(server.findUser({}, "alice@EXAMPLE.com")->roles == std::vector<std::string>{"operate"});
  CHECK(server.findUser("Alice")->username == "alice");
  CHECK_FALSE(server.findUser("Ali").has_value());
  CHECK(server.tryFindUser({}).status == Status::kInvalid);
}

TEST_CASE("an entitlement is answered once and writes the answer into the war room", "[sdk]") {
  FakeServer fake;
  const auto incident = fake.addIncident("Disk full");
  const auto entitlement = fake.addQuestion(incident, "guid-1", "3");
  CHECK(entitlement == "guid-1@1|3");
  const auto parsed = longhaul::parseEntitlement(entitlement);
  REQUIRE(parsed.has_value());
  CHECK(parsed->task_id == "3");
  const auto server = fake.server();
  CHECK(server.handleEntitlementForUser(*parsed, "alice@example.com", "yes") == "1@1");
  const auto repeated = server.tryHandleEntitlementForUser(*parsed, "alice@example.com", "yes");
  CHECK(repeated.replayed());
  CHECK(repeated.value == "1@1");
  const auto again = server.tryHandleEntitlementForUser(*parsed, "bob@example.com", "no");
  CHECK(again.status == Status::kAlreadyAnswered);
  CHECK(again.error == "this question was answered before by alice@example.com");
  CHECK(fake.entries().size() == 1);
  CHECK(server.tryHandleEntitlementForUser(*longhaul::parseEntitlement("guid-1@1"), {}, "x").status ==
        Status::kNotFound);
  CHECK_FALSE(longhaul::parseEntitlement("guid-1").has_value());
  CHECK_FALSE(longhaul::parseEntitlement("@1").has_value());
}

TEST_CASE("mirroring names the people and takes directions in any case", "[sdk]") {
  FakeServer fake;
  fake.addUser(alice());
  const auto incident = fake.addIncident("Disk full");
  const auto server = fake.server();
  CHECK(server.mirrorInvestigation(incident, "all", true).at(0).username == "alice");
  CHECK(server.mirrorInvestigation(incident, "chat:fromdemisto").size() == 1);
  REQUIRE(fake.mirrors().size() == 1);
  CHECK(fake.mirrors().front().direction == "FromDemisto");
  CHECK(server.tryMirrorInvestigation("9", "all").status == Status::kNotFound);
  CHECK(server.tryMirrorInvestigation(incident, "most").status == Status::kInvalid);
}

TEST_CASE("a direct message is obeyed once under its key, and an unknown writer gets a sentence", "[sdk]") {
  FakeServer fake;
  fake.addUser(alice());
  const auto server = fake.server();
  longhaul::MessageOptions options;
  options.username = "alice";
  options.idempotency_key = "alice/1";
  const auto first = server.tryDirectMessage("new incident Disk full", options);
  CHECK(first.ok());
  const auto again = server.tryDirectMessage("new incident Disk full", options);
  CHECK(again.replayed());
  CHECK(again.value == first.value);
  CHECK(fake.incidents().size() == 1);
  options.username = "mallory";
  options.idempotency_key = {};
  CHECK(server.tryDirectMessage("list incidents", options).status == Status::kNotFound);
  options.anyone_can_open_incidents = true;
  CHECK(server.tryDirectMessage("list incidents", options).status == Status::kNotFound);
  CHECK(server.tryDirectMessage("new incident by me", options).ok());
}

TEST_CASE("indicators are created, updated and found page by page", "[sdk]") {
  FakeServer fake;
  const auto server = fake.server();
  server.createIndicators(R"([{"value":"10.0.0.1","type":"IP"},{"value":"a.example","type":"Domain"}])");
  CHECK(server.createIndicators(R"([{"value":"10.0.0.1","type":"IP","score":3}])") == R"([{"id":"1"}])");
  CHECK(fake.indicators().size() == 2);
  const auto page = server.searchIndicators(R"({"size":1})");
  CHECK(page == R"({"iocs":[{"id":"2","value":"a.example","type":"Domain"}],"total":2,"searchAfter":"2"})");
  CHECK(
      longhaul::jsonElements(*longhaul::jsonMember(server.searchIndicators(R"({"searchAfter":"2"})"), "iocs")).size() ==
      1);
  CHECK(server.tryCreateIndicators("[{\"value\":\"x\"}]").status == Status::kInvalid);
}

TEST_CASE("an error that passes is cleared by the next counters, a standing one is not", "[sdk]") {
  FakeServer fake;
  const auto server = fake.server();
  server.updateModuleHealth("remote is slow", HealthKind::kWarning);
  CHECK(fake.health()->is_warning);
  server.updateModuleHealth("remote is down", HealthKind::kPassingError);
  CHECK(fake.health()->is_error);
  server.updateModuleHealth(longhaul::Pulled{1, 0});
  CHECK_FALSE(fake.health()->is_error);
  server.updateModuleHealth("wrong password", HealthKind::kError);
  server.updateModuleHealth(longhaul::Pulled{1, 0});
  CHECK(fake.health()->is_error);
}

TEST_CASE("who opens an incident has to be known", "[sdk]") {
  FakeServer fake;
  fake.addUser(alice());
  longhaul::CreateOptions options;
  options.user_id = "alice";
  CHECK(fake.server().tryCreateIncidents("[{\"name\":\"a\"}]", options).ok());
  options.user_id = "bob";
  CHECK(fake.server().tryCreateIncidents("[{\"name\":\"b\"}]", options).status == Status::kNotFound);
}
