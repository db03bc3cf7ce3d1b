// The SDK's side of longhaul.migrate/1, and how PluginRun calls it.
#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

#include "longhaul/sdk.hpp"
#include "longhaul/sdk/testing.hpp"

using longhaul::Error;
using longhaul::Status;
using longhaul::testing::FakeServer;
using longhaul::testing::PluginRun;

namespace {

// What the migration does; set by the test before it runs.
std::string (*migration)(std::int64_t from, std::int64_t to, std::string_view context) = nullptr;
std::string found_by_constructor;

class Migrating : public longhaul::CommandPlugin {
 public:
  explicit Migrating(longhaul::Server server) : CommandPlugin(server) {
    found_by_constructor = server.getIntegrationContext();
  }
  void longRunningExecution() override { stopToken().wait(); }
  static std::string migrate(std::int64_t from, std::int64_t to, std::string_view context) {
    return migration(from, to, context);
  }
};

class Plain : public longhaul::Plugin {
 public:
  using Plugin::Plugin;
  void longRunningExecution() override { stopToken().wait(); }
};

template <class Class>
const longhaul_descriptor_t* entryOf(std::uint32_t host_abi_version) {
  return longhaul::detail::Glue<Class>::entry(host_abi_version);
}

// A run that was asked to stop from the start.
longhaul::testing::Ended runOn(FakeServer& server, PluginRun::Entry entry = entryOf<Migrating>) {
  server.requestStop();
  PluginRun run(server, entry);
  return run.finish();
}

}  // namespace

TEST_CASE("a static migrate gives the context in the form that the constructor finds", "[sdk][migrate]") {
  migration = [](std::int64_t from, std::int64_t to, std::string_view context) {
    return R"({"way":")" + std::to_string(from) + " to " + std::to_string(to) + R"(","last":)" +
           longhaul::jsonMember(context, "seen").value_or("null") + "}";
  };
  FakeServer server;
  server.setContext(R"({"seen":17})");
  server.setContextSchemas(1, 3);
  const auto ended = runOn(server);
  CHECK(ended.migrate == Status::kOk);
  CHECK(ended.loop == Status::kOk);
  CHECK(server.context() == R"({"last":17,"way":"1 to 3"})");
  CHECK(found_by_constructor == server.context());
}

TEST_CASE("nothing is migrated where the schemas are equal, the context is empty, or the plugin has no way",
          "[sdk][migrate]") {
  migration = [](std::int64_t, std::int64_t, std::string_view) -> std::string { return R"({"called":true})"; };
  FakeServer server;
  SECTION("equal schemas") {
    server.setContext(R"({"seen":17})");
    server.setContextSchemas(3, 3);
    CHECK_FALSE(runOn(server).migrate);
    CHECK(server.context() == R"({"seen":17})");
  }
  SECTION("an empty context") {
    server.setContextSchemas(1, 3);
    CHECK_FALSE(runOn(server).migrate);
    CHECK(server.context() == "{}");
  }
  SECTION("no table") {
    server.setContext(R"({"seen":17})");
    server.setContextSchemas(1, 3);
    const auto ended = runOn(server, entryOf<Plain>);
    CHECK_FALSE(ended.migrate);
    CHECK(ended.loop == Status::kOk);
    CHECK(server.context() == R"({"seen":17})");
  }
}

TEST_CASE("what migrate throws is a failure with its text; nothing is written, nothing created", "[sdk][migrate]") {
  FakeServer server;
  server.setContext(R"({"seen":17})");
  server.setContextSchemas(1, 3);
  found_by_constructor = "not created";
  SECTION("an argument that is wrong") {
    migration = [](std::int64_t from, std::int64_t, std::string_view) -> std::string {
      throw std::invalid_argument("there is no way from " + std::to_string(from));
    };
    const auto ended = runOn(server);
    CHECK(ended.migrate == Status::kInvalid);
    CHECK(ended.error == "there is no way from 1");
  }
  SECTION("an Error, with its status") {
    migration = [](std::int64_t, std::int64_t, std::string_view) -> std::string {
      throw Error(Status::kTooLarge, "migrate", "it does not fit");
    };
    const auto ended = runOn(server);
    CHECK(ended.migrate == Status::kTooLarge);
    CHECK(ended.error.find("it does not fit") != std::string::npos);
  }
  SECTION("something else") {
    migration = [](std::int64_t, std::int64_t, std::string_view) -> std::string { throw 7; };
    const auto ended = runOn(server);
    CHECK(ended.migrate == Status::kInternal);
    CHECK(ended.error == "migrate threw an exception that is no std::exception");
  }
  SECTION("a result that is no object") {
    migration = [](std::int64_t, std::int64_t, std::string_view) -> std::string { return "[]"; };
    CHECK(runOn(server).migrate == Status::kInvalid);
  }
  CHECK(server.context() == R"({"seen":17})");
  CHECK(found_by_constructor == "not created");
}

TEST_CASE("a class without migrate has no table, and one with it has commands as well", "[sdk][migrate]") {
  const auto table = [](PluginRun::Entry entry, std::string_view id) {
    return entry(LONGHAUL_ABI_VERSION)->getExtension(longhaul::detail::textOf(id));
  };
  CHECK(table(entryOf<Plain>, LONGHAUL_MIGRATE_ID) == nullptr);
  const auto* migrate = static_cast<const longhaul_migrate_t*>(table(entryOf<Migrating>, LONGHAUL_MIGRATE_ID));
  CHECK(LONGHAUL_HAS(migrate, longhaul_migrate_t, migrate));
  CHECK(table(entryOf<Migrating>, LONGHAUL_COMMANDS_ID) != nullptr);
}
