// A real worker that is asked to run commands: beside the loop, without it, too many at once, and without a table.
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "host/base/worker_contract.h"
#include "longhaul/commands.h"
#include "longhaul/types.h"
#include "test_host.h"

using namespace longhaul::host;
using namespace longhaul::host::test;
using protocol::Kind;

namespace {

void execute(TestHost& host, std::uint64_t id, std::string_view name, std::string_view arguments = "{}") {
  host.sendMessage(Kind::Execute, protocol::Execute{.id = id,
                                                    .is_test = name.empty() ? 1u : 0u,
                                                    .deadline_ms = 60'000,
                                                    .name = name,
                                                    .arguments = arguments,
                                                    .context = R"({"incidentId":"7"})"});
}

struct Done {
  std::uint64_t id = 0;
  std::int32_t status = 0;
  bool said = false;
  std::string text;
};

Done expectDone(TestHost& host) {
  std::string payload;
  const auto done = host.expectMessage<protocol::CommandDone>(Kind::CommandDone, payload);
  return {done.id, done.status, done.said == 1, std::string{done.text}};
}

void expectBye(TestHost& host) {
  std::string payload;
  CHECK(host.expectMessage<protocol::Bye>(Kind::Bye, payload).status == 0);
  CHECK(host.waitEnd().code == 0);
}

void stop(TestHost& host) {
  host.sendMessage(Kind::Stop, protocol::Stop{10'000});
}

}  // namespace

TEST_CASE("a command runs beside the loop with what it was given, and large answers come whole") {
  TestHost host{"test_commander"};
  host.start("waits");
  host.expect(Kind::Ready);
  const std::string big(3u << 20, 'x');
  execute(host, 11, "echo", R"({"text":")" + big + "\"}");
  const Done echo = expectDone(host);
  CHECK(echo.id == 11);
  CHECK(echo.status == LONGHAUL_OK);
  CHECK(echo.said);
  CHECK(echo.text.size() > big.size());
  CHECK(echo.text.find(R"("context":{"incidentId":"7"})") != std::string::npos);
  CHECK(echo.text.find(R"("deadlineMs":60000)") != std::string::npos);

  execute(host, 12, "throw", R"({"text":"no such city"})");
  const Done thrown = expectDone(host);
  CHECK(thrown.id == 12);
  CHECK(thrown.status == LONGHAUL_INVALID);
  CHECK(thrown.text == "no such city");

  execute(host, 13, "");
  CHECK(expectDone(host).text == "ok");
  execute(host, 14, "echo", R"({"text":")" + std::string(LONGHAUL_COMMAND_RESULT_BYTES_MAX, 'x') + "\"}");
  const Done too_large = expectDone(host);
  CHECK(too_large.status == LONGHAUL_INVALID);
  CHECK(too_large.text.find("at most 4194304 are taken") != std::string::npos);
  stop(host);
  expectBye(host);
}

TEST_CASE("sixteen commands run at once, one more is refused, and the plugin outlives the last of them") {
  TestHost host{"test_commander"};
  host.start("waits");
  host.expect(Kind::Ready);
  for (std::uint64_t id = 1; id <= LONGHAUL_COMMANDS_AT_ONCE; ++id) {
    execute(host, id, "hold");
    std::string payload;
    protocol::encode(protocol::Reply{.context_version = static_cast<std::int64_t>(id),
                                     .last_run = std::nullopt,
                                     .changes = {{"held", std::to_string(id)}}},
                     payload);
    host.reply(host.nextCall(), 0, payload);
  }
  execute(host, 99, "release");
  const Done refused = expectDone(host);
  CHECK(refused.id == 99);
  CHECK(refused.status == LONGHAUL_BUSY);
  // The worker ends by force: commands that wait for nothing that can come are the plugin's fault, not to be waited
  // for.
}

TEST_CASE("a worker of one command does not enter the loop, and goes after Stop") {
  TestHost host{"test_commander"};
  host.start_message.one_shot = 1;
  host.start("waits");
  execute(host, 1, "echo", R"({"text":"early"})");  // before Ready: it waits for create
  std::map<Kind, int> seen;
  host.pumpUntil([&] { return host.control_messages.size() == 2; });
  for (const ControlMessage& message : host.control_messages) {
    ++seen[message.kind];
    if (message.kind == Kind::CommandDone) CHECK(message.payload.find(R"("inLoop":false)") != std::string::npos);
  }
  CHECK(seen[Kind::Ready] == 1);
  CHECK(seen[Kind::CommandDone] == 1);
  host.control_messages.clear();
  stop(host);
  expectBye(host);
}

TEST_CASE("a plugin without commands says that it has none") {
  TestHost host{"test_probe"};
  host.start("wait");
  host.expect(Kind::Ready);
  execute(host, 5, "echo");
  const Done none = expectDone(host);
  CHECK(none.status == LONGHAUL_ABSENT);
  CHECK(none.text == "the plugin's table longhaul.commands/1 has no execute");
  execute(host, 6, "");
  CHECK(expectDone(host).text == "the plugin's table longhaul.commands/1 has no test");
  stop(host);
  expectBye(host);
}
