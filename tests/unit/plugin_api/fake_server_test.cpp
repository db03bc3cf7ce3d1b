#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "longhaul/sdk/testing.hpp"

using longhaul::Status;
using longhaul::testing::Effect;
using longhaul::testing::FakeServer;

TEST_CASE("createIncidents takes the whole list or nothing, with last run and context", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  longhaul::CreateOptions options;
  options.last_run = "{\"cursor\":1}";
  options.patch_context = "{\"seen\":2,\"old\":null}";
  fake.setContext("{\"old\":1,\"kept\":3}");
  const auto version = fake.contextVersion();
  CHECK(server.createIncidents("[{\"name\":\"a\"},{\"name\":\"b\"}]", options).size() == 2);
  CHECK(fake.lastRun() == "{\"cursor\":1}");
  CHECK(fake.context() == "{\"kept\":3,\"seen\":2}");
  CHECK(fake.contextVersion() == version + 1);

  options.last_run = "{\"cursor\":2}";
  CHECK(server.tryCreateIncidents("[{\"name\":\"c\"},{\"type\":\"no name\"}]", options).status == Status::kInvalid);
  CHECK(fake.incidents().size() == 2);
  CHECK(fake.lastRun() == "{\"cursor\":1}");
  CHECK(fake.contextVersion() == version + 1);
}

TEST_CASE("a wrong incident is refused with the place and the reason", "[fake]") {
  const auto [json, error] = GENERATE(table<std::string, std::string>({
      {"{}", "incidents, byte 0: an array is wanted"},
      {"[]", "incidents is empty, 1 to 1000 are wanted"},
      {"[1]", "incident 1: an object is wanted"},
      {"[{}]", "incident 1: \"name\" is missing or empty"},
      {"[{\"name\":null}]", "incident 1: \"name\" is missing or empty"},
      {"[{\"name\":1}]", "incident 1: name has to be a string"},
      {"[{\"name\":\"a\"},{\"name\":\"b\",\"severity\":5}]",
       "incident 2: severity is 5, one of 0, 0.5, 1, 2, 3, 4 is wanted"},
      {"[{\"name\":\"a\",\"occurred\":\"yesterday\"}]",
       "incident 1: occurred is \"yesterday\", a time such as 2026-11-24T03:22:02Z is wanted"},
      {"[{\"name\":\"a\",\"labels\":[{\"type\":1,\"value\":2}]}]",
       "incident 1: labels has to be an array of {\"type\": text, \"value\": …}"},
      {"[{\"name\":\"a\",\"CustomFields\":[]}]", "incident 1: CustomFields has to be an object"},
      {"[{\"name\":\"a\",\"name\":\"b\"}]", "incidents: key \"name\" stands twice in one object"},
      {"[{\"name\":\"a\",\"CustomFields\":{\"x\":[{\"y\":1,\"y\":2}]}}]",
       "incidents: key \"y\" stands twice in one object"},
  }));
  FakeServer fake;
  const auto outcome = fake.server().tryCreateIncidents(json);
  CHECK(outcome.status == Status::kInvalid);
  CHECK(outcome.error == error);
  CHECK(fake.incidents().empty());
}

TEST_CASE("an unknown key of an incident is kept and named in the log", "[fake]") {
  FakeServer fake;
  fake.server().createIncidents("[{\"name\":\"a\",\"severty\":2,\"type\":null}]");
  CHECK(fake.incidents()[0].json == "{\"name\":\"a\",\"severty\":2,\"type\":null}");
  REQUIRE(fake.logs().size() == 1);
  CHECK(fake.logs()[0].text == "createIncidents: unknown key \"severty\" is kept as it is");
}

TEST_CASE("more than 1000 incidents are too many", "[fake]") {
  FakeServer fake;
  longhaul::Incident incident;
  incident.name = "a";
  std::vector<longhaul::Incident> incidents(1000, incident);
  CHECK(fake.server().tryCreateIncidents(incidents).ok());
  incidents.push_back(incident);
  CHECK(fake.server().tryCreateIncidents(incidents).status == Status::kTooLarge);
  CHECK(fake.incidents().size() == 1000);
}

TEST_CASE("an idempotency key makes a request count once", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  longhaul::CreateOptions options;
  options.idempotency_key = "k";
  const auto first = server.tryCreateIncidents("[{\"name\":\"a\"}]", options);
  const auto again = server.tryCreateIncidents("[{\"name\":\"a\"}]", options);
  CHECK_FALSE(first.replayed());
  CHECK(again.replayed());
  CHECK(again.value.at(0).id == first.value.at(0).id);
  CHECK(server.tryCreateIncidents("[{\"name\":\"b\"}]", options).status == Status::kMismatch);
  CHECK(fake.incidents().size() == 1);
}

TEST_CASE("an answer that got lost is settled by the key", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  fake.failNth("createIncidents", 1, Status::kTimeout, Effect::kDone);
  longhaul::CreateOptions options;
  options.idempotency_key = "k";
  CHECK(server.tryCreateIncidents("[{\"name\":\"a\"}]", options).status == Status::kTimeout);
  CHECK(fake.incidents().size() == 1);
  CHECK(server.tryCreateIncidents("[{\"name\":\"a\"}]", options).replayed());
  CHECK(fake.incidents().size() == 1);
}

TEST_CASE("entries go to incidents that exist", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  const std::string id = fake.addIncident("there before");
  longhaul::EntryOptions options;
  options.content_type = "markdown";
  options.footer = "\nsent by chat";
  CHECK(server.addEntry(id, "**hello**", options) == "1@1");
  CHECK(server.addEntry(id, "again") == "2@1");
  CHECK(fake.entries()[0].text == "**hello**\nsent by chat");
  CHECK(fake.entries()[0].content_type == "markdown");
  CHECK(fake.entries()[1].content_type == "text");
  CHECK(server.tryAddEntry("2", "x").status == Status::kNotFound);
  CHECK(server.tryAddEntry("1x", "x").status == Status::kInvalid);
  CHECK(server.tryAddEntry(id, "").status == Status::kInvalid);
  CHECK(server.tryAddEntry(id, std::string(LONGHAUL_ENTRY_BYTES_MAX + 1, 'x')).status == Status::kTooLarge);
  options.content_type = "html";
  CHECK(server.tryAddEntry(id, "x", options).status == Status::kInvalid);
  CHECK(fake.entries().size() == 2);
}

TEST_CASE("commit is one transaction of all its parts", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  fake.addIncident("there before");
  longhaul::Commit parts;
  parts.create_incidents = "[{\"name\":\"a\"},{\"name\":\"b\"}]";
  parts.add_entries = "[{\"incidentIndex\":1,\"entry\":\"to b\"},{\"incidentId\":\"1\",\"entry\":\"to the old one\"}]";
  parts.patch_context = "{\"n\":1}";
  parts.last_run = "{\"n\":1}";
  const auto result = server.commit(parts);
  REQUIRE(result.incidents.size() == 2);
  CHECK(result.incidents[1].id == "3");
  CHECK(result.entries == std::vector<std::string>{"1@3", "2@1"});
  CHECK(result.context_version == 1);

  parts.patch_context = "{\"n\":2}";
  const auto refused =
      GENERATE(as<std::string>(), "[{\"incidentIndex\":2,\"entry\":\"x\"}]", "[{\"entry\":\"x\"}]",
               "[{\"incidentId\":\"1\",\"entry\":\"\"}]", "[{\"incidentId\":1,\"entry\":\"x\"}]", "{}");
  parts.add_entries = refused;
  CHECK(server.tryCommit(parts).status == Status::kInvalid);
  parts.add_entries = "[{\"incidentId\":\"9\",\"entry\":\"x\"}]";
  CHECK(server.tryCommit(parts).status == Status::kNotFound);
  CHECK(fake.incidents().size() == 3);
  CHECK(fake.contextValue("n") == "1");
}

TEST_CASE("the context has versions that only grow", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  server.setIntegrationContext("{\"a\":1}");
  const auto read = server.getIntegrationContextVersioned();
  CHECK(read.object == "{\"a\":1}");
  server.patchIntegrationContext("{\"b\":2}");
  const auto stale = server.trySetIntegrationContextVersioned("{}", read.version);
  CHECK(stale.status == Status::kConflict);
  CHECK(stale.error == "the context has version 2, not 1");
  CHECK(server.getIntegrationContext() == "{\"a\":1,\"b\":2}");
  CHECK(server.setIntegrationContextVersioned("{}", 2) == 3);
  CHECK(server.setIntegrationContextVersioned("{\"c\":null}", -1) == 4);
  CHECK(server.getIntegrationContext() == "{\"c\":null}");
}

TEST_CASE("a context over a limit is refused and the old one stays", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  server.setIntegrationContext("{\"a\":1}");
  const auto object = [](std::string_view key, std::size_t bytes) {
    return "{\"" + std::string(key) + "\":\"" + std::string(bytes, 'x') + "\"}";
  };
  CHECK(server.trySetIntegrationContext(object("v", LONGHAUL_CONTEXT_VALUE_BYTES_MAX)).status == Status::kTooLarge);
  CHECK(server.getIntegrationContext() == "{\"a\":1}");
  const std::size_t most = LONGHAUL_CONTEXT_VALUE_BYTES_MAX - 2;
  for (const char* key : {"1", "2", "3"})
    server.patchIntegrationContext(object(key, most));
  CHECK(server.tryPatchIntegrationContext(object("4", most)).status == Status::kTooLarge);
  CHECK(server.trySetIntegrationContext("[]").status == Status::kInvalid);
  CHECK(server.trySetIntegrationContext("{\"a\":1,\"a\":2}").status == Status::kInvalid);
}

TEST_CASE("lists are merged by id", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  server.mergeIntegrationContext("m", "[{\"id\":\"1\",\"a\":1},{\"id\":\"2\"}]", "id");
  server.mergeIntegrationContext("m", "[{\"id\":\"\\u0031\",\"b\":2},{\"id\":\"2\",\"remove\":true},{\"id\":\"3\"}]",
                                 "id");
  CHECK(fake.contextValue("m") == "[{\"id\":\"\\u0031\",\"a\":1,\"b\":2},{\"id\":\"3\"}]");
  server.mergeIntegrationContext("m", "[{\"id\":\"9\",\"remove\":true},{\"id\":9}]", "id");
  CHECK(fake.contextValue("m") == "[{\"id\":\"\\u0031\",\"a\":1,\"b\":2},{\"id\":\"3\"},{\"id\":9}]");

  server.setIntegrationContext("{\"text\":\"[{\\\"id\\\":1}]\",\"number\":1}");
  server.mergeIntegrationContext("text", "[{\"id\":1,\"a\":2}]", "id");
  CHECK(fake.contextValue("text") == "\"[{\\\"id\\\":1,\\\"a\\\":2}]\"");
  CHECK(server.tryMergeIntegrationContext("number", "[]", "id").status == Status::kInvalid);
  CHECK(server.tryMergeIntegrationContext("new", "{}", "id").status == Status::kInvalid);
  CHECK(server.tryMergeIntegrationContext("new", "[1]", "id").status == Status::kInvalid);
  CHECK(server.tryMergeIntegrationContext("new", "[{\"x\":1}]", "id").status == Status::kInvalid);
  CHECK_FALSE(fake.contextValue("new").has_value());
}

TEST_CASE("concurrent patches lose nothing", "[fake]") {
  FakeServer fake;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&fake, i] {
      for (int n = 0; n < 20; ++n)
        fake.server().patchIntegrationContext("{\"" + std::to_string(i) + "-" + std::to_string(n) + "\":1}");
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(fake.contextVersion() == 160);
  for (int i = 0; i < 8; ++i)
    CHECK(fake.contextValue(std::to_string(i) + "-19") == "1");
}

TEST_CASE("health keeps text and counts apart, and an empty text clears the error", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  server.updateModuleHealth("remote is down", true);
  server.updateModuleHealth(longhaul::Pulled{3, 4});
  CHECK(fake.health()->is_error);
  CHECK(fake.health()->text == "remote is down");
  CHECK(fake.health()->pulled.events == 3);
  server.updateModuleHealth("", true);
  CHECK_FALSE(fake.health()->is_error);
  server.updateModuleHealth("{\"eventsPulled\":2}");
  CHECK(fake.health()->pulled.events == 5);
  CHECK(fake.health()->pulled.assets == 4);
  server.updateModuleHealth("{\"eventsPulled\":\"3\"}");
  CHECK(fake.health()->text == "{\"eventsPulled\":\"3\"}");
  CHECK(server.tryUpdateModuleHealth(std::string(5000, 'x')).status == Status::kTooLarge);
}

TEST_CASE("every call can be made to fail, once, later or always", "[fake]") {
  FakeServer fake;
  const longhaul::Server server = fake.server();
  fake.failNth("setLastRun", 2, Status::kBusy, Effect::kNone, "full");
  CHECK(server.trySetLastRun("{}").ok());
  CHECK(server.trySetLastRun("{\"a\":1}").error == "full");
  CHECK(fake.lastRun() == "{}");
  CHECK(server.trySetLastRun("{}").ok());
  fake.failAlways("setLastRun", Status::kStoreFull);
  CHECK(server.trySetLastRun("{}").status == Status::kStoreFull);
  CHECK(server.trySetLastRun("{}").status == Status::kStoreFull);
  fake.clearFailures();
  CHECK(server.trySetLastRun("{}").ok());
  CHECK_THROWS_AS(fake.failAlways("setLastrun", Status::kBusy), std::invalid_argument);
  CHECK_THROWS_AS(fake.failAlways("setLastRun", Status::kOk), std::invalid_argument);
  CHECK_THROWS_AS(fake.callCount("nothing"), std::invalid_argument);
}

TEST_CASE("calls are recorded in order with text and status", "[fake]") {
  FakeServer fake;
  fake.server().info("hello");
  fake.server().tryAddEntry("1", "x");
  const auto calls = fake.calls();
  REQUIRE(calls.size() == 3);
  CHECK(calls[0].name == "info");
  CHECK(calls[0].text == "hello");
  CHECK(calls[1].name == "addEntry");
  CHECK(calls[1].status == Status::kNotFound);
  CHECK(calls[1].thread == std::this_thread::get_id());
  CHECK(calls[2].name == "lastError");
}

TEST_CASE("listeners are real sockets", "[fake]") {
  FakeServer fake;
  const auto port = fake.listenUdp("syslog");
  fake.listenTcp("stream");
  const int fd = fake.server().listener("syslog");
  longhaul::testing::Socket::toUdp(port).send("<13>hello");
  char buffer[32];
  REQUIRE(::recv(fd, buffer, sizeof buffer, 0) == 9);
  CHECK(std::string(buffer, 9) == "<13>hello");
  CHECK_THROWS_WITH(fake.server().listener("other"), "listener: NOT_FOUND: there is no listener \"other\"");
}

TEST_CASE("a manifest's defaults fill what is not set", "[fake]") {
  FakeServer fake;
  fake.setParameter("b", "2");
  fake.useManifest(
      "{\"id\":\"x\",\"parameters\":[{\"name\":\"a\",\"default\":1},{\"name\":\"b\",\"default\":1},{\"name\":\"c\"}]}");
  CHECK(fake.server().params() == "{\"a\":1,\"b\":2}");
  CHECK_THROWS_AS(fake.useManifest("{"), std::invalid_argument);
}

TEST_CASE("a C caller's mistakes are told", "[fake]") {
  FakeServer fake;
  const longhaul_server_t* table = fake.table();
  longhaul_create_incidents_t args = {};
  CHECK(table->createIncidents(table, nullptr, nullptr) == LONGHAUL_INVALID);
  CHECK(table->createIncidents(table, &args, nullptr) == LONGHAUL_INVALID);
  args.struct_size = sizeof args;
  CHECK(table->createIncidents(table, &args, nullptr) == LONGHAUL_INVALID);
  args.incidents = longhaul::detail::textOf("[{\"name\":\"\xFF\"}]");
  CHECK(table->createIncidents(table, &args, nullptr) == LONGHAUL_INVALID);
  args.incidents = longhaul::detail::textOf("[{\"name\":\"a\"}]");
  CHECK(table->createIncidents(table, &args, nullptr) == LONGHAUL_OK);
  CHECK(table->listener(table, longhaul::detail::textOf("x"), nullptr) == LONGHAUL_INVALID);
}
