#include <poll.h>

#include <catch2/catch.hpp>
#include <new>
#include <string>
#include <thread>

#include "longhaul/sdk.hpp"
#include "longhaul/sdk/testing.hpp"

using longhaul::Error;
using longhaul::Status;
using longhaul::testing::FakeServer;
using longhaul::testing::PluginRun;

namespace {

// What the scripted plugin does in each callback; set by the test before it runs.
struct Script {
  void (*in_constructor)(const longhaul::Server&) = nullptr;
  void (*in_loop)(const longhaul::Server&) = nullptr;
  void (*in_stop)() = nullptr;
} script;

class Scripted : public longhaul::Plugin {
 public:
  explicit Scripted(longhaul::Server server) : Plugin(server) {
    if (script.in_constructor != nullptr) script.in_constructor(server);
  }
  void longRunningExecution() override {
    if (script.in_loop != nullptr)
      script.in_loop(server());
    else
      stopToken().wait();
  }
  void stop() override {
    if (script.in_stop != nullptr) script.in_stop();
  }
  static const void* getExtension(std::string_view id) {
    if (id == "throws") throw std::runtime_error("no");
    return id == "known" ? &script : nullptr;
  }
};

const longhaul_descriptor_t* entry(std::uint32_t host_abi_version) {
  return longhaul::detail::Glue<Scripted>::entry(host_abi_version);
}

longhaul_text_t text(std::string_view from) {
  return longhaul::detail::textOf(from);
}

}  // namespace

TEST_CASE("a plugin that waits for stop completes when it is asked", "[sdk]") {
  script = {};
  FakeServer server;
  PluginRun run(server, entry);
  run.stop();
  const auto ended = run.finish();
  CHECK(ended.create == Status::kOk);
  CHECK(ended.loop == Status::kOk);
  CHECK(ended.error.empty());
}

TEST_CASE("an exception of the loop becomes a failure with its text in the log", "[sdk]") {
  script = {};
  FakeServer server;
  SECTION("a std::exception") {
    script.in_loop = [](const longhaul::Server&) { throw std::runtime_error("the remote hung up"); };
    PluginRun run(server, entry);
    const auto ended = run.finish();
    CHECK(ended.loop == Status::kInternal);
    CHECK(ended.error == "longRunningExecution threw: the remote hung up");
  }
  SECTION("something else") {
    script.in_loop = [](const longhaul::Server&) { throw 7; };
    PluginRun run(server, entry);
    const auto ended = run.finish();
    CHECK(ended.loop == Status::kInternal);
    CHECK(ended.error == "longRunningExecution threw: an exception that is no std::exception");
  }
  SECTION("a server call's Error keeps its status") {
    server.failAlways("setLastRun", Status::kFenced, "a newer worker is current");
    script.in_loop = [](const longhaul::Server& host) { host.setLastRun("{}"); };
    PluginRun run(server, entry);
    const auto ended = run.finish();
    CHECK(ended.loop == Status::kFenced);
    CHECK(ended.error == "longRunningExecution threw: setLastRun: FENCED: a newer worker is current");
  }
}

TEST_CASE("an exception of create, stop and getExtension stays inside", "[sdk]") {
  script = {};
  FakeServer server;
  SECTION("create") {
    script.in_constructor = [](const longhaul::Server& host) { host.parameterInt("port", 1); };
    server.setParameterText("port", "many");
    PluginRun run(server, entry);
    const auto ended = run.finish();
    CHECK(ended.create == Status::kInvalid);
    CHECK_FALSE(ended.loop.has_value());
    CHECK(ended.error == "create threw: parameter: INVALID: port is \"many\", a whole number is wanted");
  }
  SECTION("stop") {
    script.in_stop = [] { throw std::runtime_error("stop fails"); };
    PluginRun run(server, entry);
    run.stop();
    const auto ended = run.finish();
    CHECK(ended.loop == Status::kOk);
    std::vector<std::string> errors;
    for (const auto& line : server.logs())
      errors.push_back(line.text);
    CHECK(errors == std::vector<std::string>{"stop threw: stop fails"});
  }
  SECTION("getExtension") {
    const auto* descriptor = entry(LONGHAUL_ABI_VERSION);
    CHECK(descriptor->getExtension(text("known")) == &script);
    CHECK(descriptor->getExtension(text("unknown")) == nullptr);
    CHECK(descriptor->getExtension(text("throws")) == nullptr);
    CHECK(descriptor->getExtension({nullptr, 0}) == nullptr);
  }
}

TEST_CASE("the entry gives one descriptor to a host that is new enough, and none to another", "[sdk]") {
  CHECK(entry(LONGHAUL_ABI_VERSION) != nullptr);
  CHECK(entry(LONGHAUL_ABI_VERSION) == entry(LONGHAUL_ABI_VERSION + 1));
  CHECK(entry(LONGHAUL_ABI_VERSION - 1) == nullptr);
  CHECK(entry(LONGHAUL_ABI_VERSION + (1U << 16)) == nullptr);
}

TEST_CASE("incidents go out as JSON and come back as ids", "[sdk]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  longhaul::Incident incident;
  incident.name = "disk \"full\" \xFF";
  incident.type = "Syslog";
  incident.severity = longhaul::Severity::kInformational;
  incident.occurred = "2026-11-24T03:22:02.5Z";
  incident.labels = {{"host", "a"}, {"app", "b"}};
  incident.custom_fields = "{\"x\":1}";
  const auto created = server.createIncidents({incident, incident});
  REQUIRE(created.size() == 2);
  CHECK(created[0].id == "1");
  CHECK(created[1].id == "2");
  CHECK(created[1].name == "disk \"full\" \xEF\xBF\xBD");
  CHECK(fake.incidents()[0].json ==
        "{\"name\":\"disk \\\"full\\\" \xEF\xBF\xBD\",\"type\":\"Syslog\",\"severity\":0.5,"
        "\"occurred\":\"2026-11-24T03:22:02.5Z\",\"labels\":[{\"type\":\"host\",\"value\":\"a\"},"
        "{\"type\":\"app\",\"value\":\"b\"}],\"CustomFields\":{\"x\":1}}");
  CHECK(fake.incidents()[0].severity == "0.5");
}

TEST_CASE("a call that fails throws its status and the host's sentence; try gives both", "[sdk]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  try {
    server.addEntry("7", "hello");
    FAIL("it did not throw");
  } catch (const Error& error) {
    CHECK(error.status() == Status::kNotFound);
    CHECK(error.text() == "there is no incident 7");
    CHECK(std::string(error.what()) == "addEntry: NOT_FOUND: there is no incident 7");
  }
  fake.failNth("addEntry", 1, Status::kBusy);
  const auto outcome = server.tryAddEntry("7", "hello");
  CHECK_FALSE(outcome.ok());
  CHECK(outcome.mayRetry());
}

TEST_CASE("untilTaken tries again while the host is busy, and no longer than stop", "[sdk]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  const auto create = [&] { return server.tryCreateIncidents("[{\"name\":\"a\"}]"); };
  SECTION("busy twice, then taken") {
    fake.stopAfterWaits(10);
    fake.failNth("createIncidents", 1, Status::kBusy);
    fake.failNth("createIncidents", 2, Status::kStoreFull);
    CHECK(longhaul::untilTaken(server.stopToken(), create).ok());
    CHECK(fake.callCount("createIncidents") == 3);
  }
  SECTION("another failure is not tried again") {
    fake.failAlways("createIncidents", Status::kFenced);
    CHECK(longhaul::untilTaken(server.stopToken(), create).status == Status::kFenced);
    CHECK(fake.callCount("createIncidents") == 1);
  }
  SECTION("stop ends it") {
    fake.stopAfterWaits(3);
    fake.failAlways("createIncidents", Status::kBusy);
    CHECK(longhaul::untilTaken(server.stopToken(), create).status == Status::kBusy);
    CHECK(fake.callCount("createIncidents") == 4);
  }
}

TEST_CASE("parameters come as text, number and truth", "[sdk]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  fake.setParameterText("listen", "127.0.0.1:\"5514\"");
  fake.setParameter("count", "-30");
  fake.setParameter("half", "0.5");
  fake.setParameter("on", "true");
  fake.setParameter("list", "[1, 2]");
  fake.setParameter("nothing", "null");
  CHECK(server.parameter("listen") == "127.0.0.1:\"5514\"");
  CHECK(server.parameter("list") == "[1, 2]");
  CHECK(server.parameter("nothing") == std::nullopt);
  CHECK(server.parameter("unknown", "otherwise") == "otherwise");
  CHECK(server.parameterInt("count", 1) == -30);
  CHECK(server.parameterInt("unknown", 1) == 1);
  CHECK_THROWS_AS(server.parameterInt("half", 1), Error);
  CHECK(server.parameterBool("on", false));
  CHECK_THROWS_AS(server.parameterBool("count", false), Error);
  CHECK(longhaul::detail::checkJson(server.params()));
}

TEST_CASE("a slot that the host lacks gives ABSENT", "[sdk]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  SECTION("because its table is shorter") {
    fake.rawTable().struct_size = offsetof(longhaul_server_t, commit);
    CHECK(server.tryCommit({}).status == Status::kAbsent);
    CHECK(server.trySetLastRun("{}").ok());
  }
  SECTION("because it is NULL") {
    fake.rawTable().commit = nullptr;
    fake.rawTable().info = nullptr;
    CHECK_THROWS_WITH(server.commit({}), "commit: ABSENT: this host does not offer the call");
    CHECK(server.info("x") == Status::kAbsent);
  }
}

TEST_CASE("an answer of another form than promised is INTERNAL", "[sdk]") {
  FakeServer fake;
  fake.rawTable().createIncidents = [](const longhaul_server_t*, const longhaul_create_incidents_t*,
                                       longhaul_sink_t* sink) -> longhaul_status_t {
    sink->put(sink->self, text("[{\"name\":\"no id\"}]"));
    return LONGHAUL_OK;
  };
  CHECK(fake.server().tryCreateIncidents("[]").status == Status::kInternal);
}

TEST_CASE("the stop token's waits are whole milliseconds, rounded up, in steps that fit", "[sdk]") {
  static std::vector<std::uint32_t> asked;
  asked.clear();
  FakeServer fake;
  fake.rawTable().waitForStop = [](const longhaul_server_t*, std::uint32_t timeout_ms) -> longhaul_status_t {
    asked.push_back(timeout_ms);
    return LONGHAUL_TIMEOUT;
  };
  const longhaul::StopToken stop = fake.server().stopToken();
  CHECK_FALSE(stop.stopRequested());
  CHECK_FALSE(stop.waitFor(std::chrono::microseconds(1500)));
  CHECK_FALSE(stop.waitFor(std::chrono::seconds(-1)));
  CHECK_FALSE(stop.waitFor(std::chrono::hours(60)));
  CHECK(asked == std::vector<std::uint32_t>{0, 2, 0, 86'400'000, 86'400'000, 43'200'000});
}

TEST_CASE("a host that is gone reads as stop", "[sdk]") {
  FakeServer fake;
  fake.failAlways("waitForStop", Status::kClosed);
  CHECK(fake.server().stopToken().stopRequested());
}

TEST_CASE("the stop descriptor becomes readable and stays so", "[sdk]") {
  FakeServer fake;
  const int fd = fake.server().stopToken().descriptor();
  pollfd watch = {fd, POLLIN, 0};
  CHECK(::poll(&watch, 1, 0) == 0);
  fake.requestStop();
  fake.requestStop();
  CHECK(::poll(&watch, 1, 0) == 1);
  CHECK(::poll(&watch, 1, 0) == 1);
}

TEST_CASE("the error's text is the calling thread's own", "[sdk]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  CHECK(server.tryAddEntry("1", "x").error == "there is no incident 1");
  std::thread other([&] { CHECK(server.trySetLastRun("[]").status == Status::kInvalid); });
  other.join();
  std::string kept;
  longhaul_sink_t sink = {
      [](void* self, longhaul_text_t from) { *static_cast<std::string*>(self) = longhaul::detail::viewOf(from); },
      &kept};
  CHECK(fake.table()->lastError(fake.table(), &sink) == LONGHAUL_OK);
  CHECK(kept == "there is no incident 1");
}
