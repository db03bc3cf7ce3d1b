// A real worker whose context was written under another stateSchema: what it asks for before it is ready, and what
// comes in between.
#include <catch2/catch.hpp>
#include <csignal>
#include <string>

#include "longhaul/types.h"
#include "test_host.h"

using namespace longhaul::host;
using namespace longhaul::host::test;
using protocol::Kind;
using protocol::Method;

namespace {

// Starts test_mover_2 (stateSchema 2) on a context of version 5.
void start(TestHost& host, std::vector<protocol::ContextValue> context, std::int64_t schema = 1) {
  host.start_message.context_version = 5;
  host.start_message.context_bytes_max = 4U << 20;
  host.start_message.context = std::move(context);
  host.start_message.context_schema = schema;
  host.start_message.state_schema = 2;
  host.start("");
}

// The next call, which has to be the migration's write: the version, and the object.
std::pair<std::int64_t, std::string> writeOf(const Call& call) {
  REQUIRE(call.method() == Method::migrateContext);
  protocol::SetIntegrationContext write;
  REQUIRE(protocol::decode(call.payload, write));
  return {write.version, std::string{write.object}};
}

void accept(TestHost& host, const Call& call, std::int64_t version, std::string_view count) {
  protocol::Reply reply;
  reply.context_version = version;
  reply.whole = 1;
  reply.changes = {{"form", "2"}, {"count", count}};
  std::string payload;
  protocol::encode(reply, payload);
  host.reply(call, 0, payload);
}

std::string show(TestHost& host) {
  host.sendMessage(Kind::Execute, protocol::Execute{.id = 1, .deadline_ms = 60'000, .name = "show", .arguments = "{}"});
  std::string payload;
  return std::string{host.expectMessage<protocol::CommandDone>(Kind::CommandDone, payload).text};
}

void stop(TestHost& host) {
  host.sendMessage(Kind::Stop, protocol::Stop{10'000});
  std::string payload;
  CHECK(host.expectMessage<protocol::Bye>(Kind::Bye, payload).status == 0);
  CHECK(host.waitEnd().code == 0);
}

protocol::Failed expectFailed(TestHost& host, std::string& payload) {
  const auto failed = host.expectMessage<protocol::Failed>(Kind::Failed, payload);
  host.waitEnd();
  CHECK(host.control_messages.empty());  // it was never ready
  return failed;
}

}  // namespace

TEST_CASE("the plugin is created when its migration is durable, and reads what it gave") {
  const bool one_shot = GENERATE(false, true);
  TestHost host{"test_mover_2"};
  host.start_message.one_shot = one_shot ? 1 : 0;
  start(host, {{"form", "1"}, {"count", "7"}});
  const Call call = host.nextCall();
  CHECK(writeOf(call) == std::pair{std::int64_t{5}, std::string{R"({"form":2,"count":7})"}});
  CHECK(host.control_messages.empty());  // not ready before the reply
  accept(host, call, 6, "7");
  host.expect(Kind::Ready);
  CHECK(show(host) == R"({"count":7,"form":2})");
  CHECK(host.calls.empty());
  stop(host);
}

TEST_CASE("with equal schemas, and without a table, the context is as it was given") {
  const bool equal = GENERATE(true, false);
  TestHost host{equal ? "test_mover_2" : "test_mover_2_plain"};
  start(host, {{"form", "1"}}, equal ? 2 : 1);
  host.expect(Kind::Ready);
  CHECK(show(host) == R"({"form":1})");
  CHECK(host.calls.empty());
  stop(host);
}

TEST_CASE("what an operator wrote meanwhile is migrated, and not written over") {
  TestHost host{"test_mover_2"};
  start(host, {{"form", "1"}, {"count", "7"}});
  const Call first = host.nextCall();
  CHECK(writeOf(first).first == 5);
  // Here the answer comes before the operator's change, which is on another socket.
  host.reply(first, LONGHAUL_CONFLICT, "the context is at version 6");
  host.sendMessage(Kind::ContextChange, protocol::ContextChange{.version = 6, .whole = 0, .changes = {{"count", "9"}}});
  std::string payload;
  CHECK(host.expectMessage<protocol::ContextApplied>(Kind::ContextApplied, payload).version == 6);
  const Call second = host.nextCall();
  CHECK(writeOf(second) == std::pair{std::int64_t{6}, std::string{R"({"form":2,"count":9})"}});
  accept(host, second, 7, "9");
  host.expect(Kind::Ready);
  CHECK(show(host) == R"({"count":9,"form":2})");
  stop(host);
}

TEST_CASE("a migration that is written over again and again is given up") {
  TestHost host{"test_mover_2"};
  start(host, {{"form", "1"}});
  for (std::int64_t version = 6; version <= 9; ++version) {
    const Call call = host.nextCall();
    CHECK(writeOf(call).first == version - 1);
    host.sendMessage(Kind::ContextChange,
                     protocol::ContextChange{.version = version, .whole = 0, .changes = {{"a", "1"}}});
    host.expect(Kind::ContextApplied);
    host.reply(call, LONGHAUL_CONFLICT, "it is another version");
  }
  std::string payload;
  const auto failed = expectFailed(host, payload);
  CHECK(failed.stage == static_cast<std::uint32_t>(protocol::Stage::Migrate));
  CHECK(failed.text == "its result was not written: it is another version");
  CHECK(host.calls.empty());
}

TEST_CASE("a migration that fails ends the worker with the plugin's sentence, and nothing is asked for") {
  const auto [how, status, text] = GENERATE(table<const char*, std::int32_t, const char*>({
      {"\"throws\"", LONGHAUL_INVALID, "there is no way from 1"},
      {"\"gives-too-much\"", LONGHAUL_TOO_LARGE, "its result was not written: migrate: context"},
  }));
  CAPTURE(how);
  TestHost host{"test_mover_2"};
  start(host, {{"form", "1"}, {"how", how}});
  std::string payload;
  const auto failed = expectFailed(host, payload);
  CHECK(failed.stage == static_cast<std::uint32_t>(protocol::Stage::Migrate));
  CHECK(failed.status == status);
  CHECK_THAT(std::string{failed.text}, Catch::StartsWith(text));
  CHECK(host.calls.empty());
}

TEST_CASE("a write that is refused ends the worker with the host's sentence") {
  TestHost host{"test_mover_2"};
  start(host, {{"form", "1"}});
  host.reply(host.nextCall(), LONGHAUL_STORE_FULL, "the disk is full");
  std::string payload;
  const auto failed = expectFailed(host, payload);
  CHECK(failed.status == LONGHAUL_STORE_FULL);
  CHECK(failed.text == "its result was not written: the disk is full");
}

TEST_CASE("an exception over the raw C table of a migration ends the worker by a signal") {
  TestHost host{"test_throws"};
  start(host, {{"form", "1"}});
  const process::ExitStatus end = host.waitEnd();
  CHECK(end.signaled);
  CHECK(end.code == SIGABRT);
  CHECK(host.control_messages.empty());
  CHECK(host.errors.find("thrown over the edge of migrate") != std::string::npos);
}
