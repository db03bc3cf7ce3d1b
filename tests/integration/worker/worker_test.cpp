#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <random>
#include <set>

#include "host/base/limits.h"
#include "host/base/worker_contract.h"
#include "host/base/worker_limits.h"
#include "longhaul/types.h"
#include "test_host.h"

using namespace longhaul::host;
using namespace longhaul::host::test;
using protocol::Kind;

namespace {

std::string incidentsOf(const Call& call) {
  protocol::CreateIncidents message;
  REQUIRE(call.method() == protocol::Method::createIncidents);
  REQUIRE(protocol::decode(call.payload, message));
  return std::string{message.incidents};
}

// The end of an orderly worker.
void expectBye(TestHost& host) {
  std::string payload;
  const auto bye = host.expectMessage<protocol::Bye>(Kind::Bye, payload);
  CHECK(bye.status == 0);
  CHECK(bye.text.empty());
  const process::ExitStatus end = host.waitEnd();
  CHECK_FALSE(end.signaled);
  CHECK(end.code == 0);
}

bool hasLine(const TestHost& host, const std::string& text) {
  return std::any_of(host.lines.begin(), host.lines.end(), [&](const LogLine& each) { return each.text == text; });
}

}  // namespace

TEST_CASE("a worker says Hello, Loaded, Ready, and after Stop destroys the plugin and says Bye") {
  TestHost host{"test_probe"};
  std::string payload;
  const auto hello = host.expectMessage<protocol::Hello>(Kind::Hello, payload);
  CHECK(hello.protocol_version == protocol::kProtocolVersion);
  CHECK(hello.pid == static_cast<std::uint32_t>(host.worker.pid));
  const auto loaded = host.expectMessage<protocol::Loaded>(Kind::Loaded, payload);
  CHECK(loaded.abi_version == hello.abi_version);
  CHECK(loaded.extensions.empty());
  host.start_message.parameters = {{"mode", "wait"}};
  host.sendMessage(Kind::Start, host.start_message);
  host.expect(Kind::Ready);
  host.expectLine("waiting -9");
  host.sendMessage(Kind::Stop, protocol::Stop{10'000});
  expectBye(host);
  CHECK(hasLine(host, "stopped 0"));
  CHECK(host.lines.back().text == "destroyed");
}

TEST_CASE("a Stop before Start ends the worker without running anything of the plugin") {
  TestHost host{"test_probe"};
  host.expect(Kind::Hello);
  host.expect(Kind::Loaded);
  host.sendMessage(Kind::Stop, protocol::Stop{10'000});
  expectBye(host);
  CHECK(host.lines.empty());
}

TEST_CASE("a Stop during create is seen at once, and stop() follows after create, once, on another thread") {
  TestHost host{"test_probe"};
  host.start("stop-in-create");
  host.expectLine("creating");
  host.sendMessage(Kind::Stop, protocol::Stop{10'000});
  host.expect(Kind::Ready);
  expectBye(host);
  CHECK(hasLine(host, "poll 1"));
  CHECK(hasLine(host, "stops before created: 0"));
  CHECK(hasLine(host, "stops 1, on the main thread 0"));
}

TEST_CASE("calls of several threads get their own replies, whatever the order in which they come") {
  TestHost host{"test_probe"};
  host.start("calls");
  host.expect(Kind::Ready);
  std::mt19937 random{7};
  std::set<std::uint64_t> ids;
  std::vector<Call> held;
  int answered = 0;
  while (answered < 8 * 50) {
    host.pumpUntil([&] { return !host.calls.empty() || !held.empty(); });
    while (!host.calls.empty()) {
      held.push_back(host.nextCall());
      CHECK(ids.insert(held.back().frame.request_id).second);
    }
    std::shuffle(held.begin(), held.end(), random);
    const std::size_t count = 1 + random() % held.size();
    for (std::size_t i = 0; i < count; ++i, ++answered) {
      host.replyResult(held.back(), incidentsOf(held.back()));
      held.pop_back();
    }
  }
  expectBye(host);
  CHECK(hasLine(host, "wrong answers: 0"));
  // A call in flight owns a socket; eight threads never need more than eight.
  CHECK(host.more_calls_count >= 1);
  CHECK(host.callSocketCount() <= 9);
}

TEST_CASE("more threads than call sockets wait for each other, also when the host gives none") {
  const bool allowed = GENERATE(true, false);
  TestHost host{"test_probe"};
  host.more_calls_allowed = allowed;
  host.start("many-threads");
  host.expect(Kind::Ready);
  for (int i = 0; i < 100 * 50; ++i) {
    const Call call = host.nextCall();
    host.replyResult(call, incidentsOf(call));
  }
  expectBye(host);
  CHECK(hasLine(host, "wrong answers: 0"));
  CHECK(host.callSocketCount() <= kCallSocketsMax);
  if (!allowed) {
    CHECK(host.callSocketCount() == 1);
    // A refusal is not answered by asking again at once: all threads ask in the beginning, then one a second.
    CHECK(host.more_calls_count < 1000);
  }
}

TEST_CASE("a message of five megabytes goes and comes in fragments") {
  TestHost host{"test_probe"};
  host.start("large");
  host.expect(Kind::Ready);
  const Call call = host.nextCall();
  const std::string incidents = incidentsOf(call);
  CHECK(incidents.size() == 5U << 20);
  host.replyResult(call, incidents);
  expectBye(host);
  CHECK(hasLine(host, "large: status 0, 5242880 bytes, same 1"));
}

TEST_CASE("threads whose calls have too many bytes together wait for each other, and all are answered") {
  TestHost host{"test_probe"};
  host.start("large-calls");
  host.expect(Kind::Ready);
  std::deque<Call> held;
  std::size_t held_bytes = 0;
  for (int answered = 0; answered < 4 * 3; ++answered) {
    // Two go at once, as long as there are two.
    const std::size_t wanted = answered < 4 * 3 - 3 ? 2 : 1;
    while (held.size() < wanted) {
      held.push_back(host.nextCall());
      held_bytes += held.back().payload.size();
      CHECK(held_bytes <= kCallBytesUnderWayMax);
    }
    held_bytes -= held.front().payload.size();
    host.replyResult(held.front(), "[]");
    held.pop_front();
  }
  expectBye(host);
  CHECK(hasLine(host, "large calls refused: 0"));
}

TEST_CASE("arguments that cannot be right are refused in the worker, each with a sentence") {
  TestHost host{"test_probe"};
  host.start("invalid");
  host.expect(Kind::Ready);
  const Call call = host.nextCall();
  protocol::CreateIncidents message;
  REQUIRE(protocol::decode(call.payload, message));
  CHECK(message.incidents == "[]");
  CHECK_FALSE(message.idempotency_key);  // lies behind the shorter structure
  host.replyResult(call, "[]");
  expectBye(host);
  CHECK(host.calls.empty());
  CHECK(hasLine(host, "null args -1: createIncidents: args is NULL, and it is required"));
  CHECK(hasLine(host,
                "no size -1: createIncidents: args->struct_size is 0, at least 24 is wanted; set it to sizeof of the "
                "struct"));
  CHECK(hasLine(host, "absent -1: createIncidents: incidents is absent (data is NULL), and it is required"));
  CHECK(hasLine(host, "bytes -1: createIncidents: incidents is not UTF-8"));
  CHECK(hasLine(host,
                "key -1: createIncidents: idempotency_key is empty; leave it absent (data NULL) for a call without a "
                "key"));
  CHECK(hasLine(host, "shorter 0"));
  CHECK(hasLine(host, "big -3: createIncidents: incidents has 17825792 bytes, at most 16777216 are taken"));
}

TEST_CASE("a refused call gives the host's status and text") {
  TestHost host{"test_probe"};
  host.start("one-call");
  host.expect(Kind::Ready);
  host.reply(host.nextCall(), LONGHAUL_BUSY, "the store's queue is full");
  expectBye(host);
  CHECK(hasLine(host, "one call -7"));
  CHECK(hasLine(host, "error: the store's queue is full"));
}

TEST_CASE("reads come from the worker's copy: what it started with, what replies brought, what operators wrote") {
  TestHost host{"test_probe"};
  host.start_message.context_version = 4;
  host.start_message.context = {{"a", "1"}, {"c \"d\"", "[true]"}};
  host.start("context");
  host.expect(Kind::Ready);

  const Call patch = host.nextCall();
  REQUIRE(patch.method() == protocol::Method::patchIntegrationContext);
  std::string payload;
  protocol::encode(
      protocol::Reply{.context_version = 5, .last_run = std::nullopt, .changes = {{"a", std::nullopt}, {"b", "2"}}},
      payload);
  host.reply(patch, 0, payload);
  host.reply(host.nextCall(), LONGHAUL_CONFLICT, "the version is 5, not 7");

  const Call set_last_run = host.nextCall();
  REQUIRE(set_last_run.method() == protocol::Method::setLastRun);
  payload.clear();
  protocol::encode(protocol::Reply{.last_run_version = 1, .last_run = R"({"at":1})", .changes = {}}, payload);
  host.reply(set_last_run, 0, payload);

  host.sendMessage(Kind::ContextChange,
                   protocol::ContextChange{.version = 6, .whole = 1, .changes = {{"op", "\"x\""}}});
  std::string applied;
  CHECK(host.expectMessage<protocol::ContextApplied>(Kind::ContextApplied, applied).version == 6);
  host.sendMessage(Kind::Stop, protocol::Stop{10'000});
  expectBye(host);
  CHECK(hasLine(host, R"(start: {"a":1,"c \"d\"":[true]} at 4)"));
  CHECK(hasLine(host, "patch 0"));
  CHECK(hasLine(host, R"(patched: {"b":2,"c \"d\"":[true]} at 5)"));
  CHECK(hasLine(host, "set -5"));
  CHECK(hasLine(host, "conflict: the version is 5, not 7"));
  CHECK(hasLine(host, "last run 0"));
  CHECK(hasLine(host, R"(last run is {"at":1})"));
  CHECK(hasLine(host, R"(end: {"op":"x"} at 6)"));
}

TEST_CASE("the facts of the instance, its listeners and its log need no call") {
  const UniqueFd listener{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  TestHost host{"test_probe", {listener.get()}};
  host.start_message.params = R"({"mode":"facts"})";
  host.start_message.listeners = {{kFirstListenerFd, "in"}};
  host.start("facts");
  host.expect(Kind::Ready);
  expectBye(host);
  CHECK(host.calls.empty());
  for (const std::string line :
       {"instance edge", "params {\"mode\":\"facts\"}", "license license", "parameter -2",
        "error: parameter: \"nope\" has no value; those that have one: mode", "listener 0", "fd 6", "listener -2",
        "error: listener: there is no \"out\"; the manifest's listeners: in", "a line", "\xef\xbf\xbd\xef\xbf\xbd",
        "bad text -1"}) {
    CAPTURE(line);
    CHECK(hasLine(host, line));
  }
  CHECK(hasLine(host, "folder " + host.folder));
  std::vector<protocol::LogLevel> levels;
  for (const LogLine& each : host.lines) {
    if (each.text == "a line") levels.push_back(each.level);
    CHECK(each.thread == 1);
  }
  CHECK(levels == std::vector{protocol::LogLevel::Debug, protocol::LogLevel::Info, protocol::LogLevel::Error});
  CHECK(protocol::LogRingReader{host.worker.page.address()}.progressCount() == 5);
}

TEST_CASE("a plugin that says ready() itself is ready once, when it says so, and may ask for time") {
  TestHost host{"test_probe"};
  host.start_message.signals_ready = 1;
  host.start("ready");
  std::string payload;
  CHECK(host.expectMessage<protocol::Extend>(Kind::Extend, payload).timeout_ms == 60'000);
  host.expect(Kind::Ready);
  expectBye(host);
}

TEST_CASE("stdout comes line by line, stderr beside it, and the rest of a line at the end") {
  TestHost host{"test_probe"};
  host.start("output");
  host.expect(Kind::Ready);
  host.expectLine("printed");
  host.pumpUntil([&] { return host.output == "a line on stdout\n"; });
  host.sendMessage(Kind::Stop, protocol::Stop{10'000});
  expectBye(host);
  CHECK(host.output == "a line on stdout\na line without an end");
  CHECK(host.errors == "a line on stderr\n");
}

TEST_CASE("lines in the ring outlive a worker that is killed") {
  TestHost host{"test_probe"};
  host.start("lines");
  const process::ExitStatus end = host.waitEnd();
  CHECK(end.signaled);
  CHECK(end.code == SIGKILL);
  for (int i = 0; i < 100; ++i)
    CHECK(hasLine(host, "line " + std::to_string(i)));
}

TEST_CASE("an end without Bye is not one, whichever way the plugin takes") {
  struct Way {
    const char* mode;
    bool signaled;
    int code;
  };
  const Way way = GENERATE(Way{"exit", false, 0}, Way{"_exit", false, 3}, Way{"abort", true, SIGABRT},
                           Way{"pthread_exit", false, 0});
  CAPTURE(way.mode);
  TestHost host{"test_probe"};
  host.start(way.mode);
  host.expect(Kind::Ready);
  const process::ExitStatus end = host.waitEnd();
  CHECK(host.control_messages.empty());
  CAPTURE(host.errors);
  CHECK(end.signaled == way.signaled);
  CHECK(end.code == way.code);
}

TEST_CASE("an exception over the raw C table ends the worker by a signal, with its text on stderr") {
  TestHost host{"test_throws"};
  std::string payload;
  host.expect(Kind::Hello);
  const auto loaded = host.expectMessage<protocol::Loaded>(Kind::Loaded, payload);
  CHECK(loaded.extensions == std::vector<std::string_view>{"longhaul.migrate/1"});
  host.sendMessage(Kind::Start, host.start_message);
  host.expect(Kind::Ready);
  const process::ExitStatus end = host.waitEnd();
  CHECK(end.signaled);
  CHECK(end.code == SIGABRT);
  CHECK(host.control_messages.empty());
  CAPTURE(host.errors);
  CHECK(host.errors.find("thrown over the edge") != std::string::npos);
}

TEST_CASE("a plugin that fails says why, with its last line of level error, or else with the status") {
  SECTION("in create") {
    TestHost host{"test_probe"};
    host.start("create-fails");
    std::string payload;
    const auto failed = host.expectMessage<protocol::Failed>(Kind::Failed, payload);
    CHECK(failed.stage == static_cast<std::uint32_t>(protocol::Stage::Create));
    CHECK(failed.status == LONGHAUL_INVALID);
    CHECK(failed.text == "the parameter \"listen\" is no address");
    CHECK(host.waitEnd().code != 0);
  }
  SECTION("in its loop") {
    const auto [mode, status, text] = GENERATE(table<std::string, int, std::string>(
        {{"fails", LONGHAUL_INTERNAL, "cannot reach the sender"},
         {"fails-silently", LONGHAUL_NOT_FOUND, "longRunningExecution returned -2 (NOT_FOUND)"}}));
    TestHost host{"test_probe"};
    host.start(mode);
    host.expect(Kind::Ready);
    std::string payload;
    const auto bye = host.expectMessage<protocol::Bye>(Kind::Bye, payload);
    CHECK(bye.status == status);
    CHECK(bye.text == text);
    CHECK(host.waitEnd().code == 0);
  }
}

TEST_CASE("a plugin that cannot run is refused with the stage, what was found and the remedy") {
  const auto [plugin, stage, text] = GENERATE(table<std::string, protocol::Stage, std::string>(
      {{"test_missing_symbol", protocol::Stage::Load, "undefined symbol: longhaulTestIsNowhere"},
       {"test_no_entry", protocol::Stage::Entry, "exports no longhaulPluginEntry"},
       {"test_refuses", protocol::Stage::Entry, "gave no descriptor"},
       {"test_short_descriptor", protocol::Stage::Descriptor, "struct_size is 16"},
       {"test_newer_abi", protocol::Stage::Descriptor, "built for ABI 0.5, this host has 0.4"},
       {"test_no_loop", protocol::Stage::Descriptor, "longRunningExecution is NULL"},
       {"test_not_there", protocol::Stage::Load, "test_not_there.so"}}));
  CAPTURE(plugin);
  TestHost host{plugin};
  host.expect(Kind::Hello);
  std::string payload;
  const auto failed = host.expectMessage<protocol::Failed>(Kind::Failed, payload);
  CHECK(failed.stage == static_cast<std::uint32_t>(stage));
  CAPTURE(failed.text);
  CHECK(failed.text.find(text) != std::string_view::npos);
  const process::ExitStatus end = host.waitEnd();
  CHECK_FALSE(end.signaled);
  CHECK(end.code != 0);
}

TEST_CASE("a forked child is not served and harms no call of its parent") {
  TestHost host{"test_probe"};
  host.start("fork");
  host.expect(Kind::Ready);
  const Call call = host.nextCall();
  CHECK(incidentsOf(call) == "[\"parent\"]");
  host.replyResult(call, "[]");
  expectBye(host);
  CHECK(hasLine(host, "child 17, parent 0"));
  CHECK_FALSE(hasLine(host, "from the child"));
}

TEST_CASE("a call whose thread was cancelled leaves no answer for the next call") {
  TestHost host{"test_probe"};
  host.start("cancel");
  host.expect(Kind::Ready);
  const Call torn = host.nextCall();
  CHECK(incidentsOf(torn) == "[\"never answered\"]");
  host.sendMessage(Kind::Stop, protocol::Stop{10'000});
  const Call next = host.nextCall();
  CHECK(incidentsOf(next) == "[\"mine\"]");
  CHECK(next.socket != torn.socket);
  host.replyResult(next, "ours");
  expectBye(host);
  CHECK(hasLine(host, "after cancel 0: ours"));
}

TEST_CASE("a worker ends at once when its host's end of the channel closes, and says why when the host breaks rules") {
  TestHost host{"test_probe"};
  host.start("wait");
  host.expect(Kind::Ready);
  host.expectLine("waiting -9");
  SECTION("closed") {
    host.worker.control.reset();
    CHECK_FALSE(host.waitEnd().signaled);
  }
  SECTION("a kind that is none") {
    host.sendControl(Kind::Hello, "");
    std::string payload;
    const auto failed = host.expectMessage<protocol::Failed>(Kind::Failed, payload);
    CHECK(failed.stage == static_cast<std::uint32_t>(protocol::Stage::Protocol));
    CHECK(host.waitEnd().code != 0);
  }
  SECTION("half a frame") {
    REQUIRE(::send(host.worker.control.get(), "x", 1, 0) == 1);
    std::string payload;
    const auto failed = host.expectMessage<protocol::Failed>(Kind::Failed, payload);
    CHECK(failed.text == "a packet of 1 bytes is shorter than a frame");
    CHECK(host.waitEnd().code != 0);
  }
}

TEST_CASE("no worker outlives its host, also one that reads nothing any more") {
  // The host is a child of this test that starts a worker and is killed.
  int pids[2];
  REQUIRE(::pipe(pids) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    TestHost host{"test_probe"};
    host.start("wait");
    host.expect(Kind::Ready);
    const pid_t told = host.worker.pid;
    // Held open by nobody else, but the death alone has to be enough: the worker may be deaf.
    ::kill(told, SIGSTOP);
    if (::write(pids[1], &told, sizeof told) != sizeof told) ::_exit(1);
    ::raise(SIGKILL);
  }
  pid_t worker = 0;
  REQUIRE(::read(pids[0], &worker, sizeof worker) == sizeof worker);
  const UniqueFd handle = process::openPidfd(worker);
  if (handle) {
    pollfd ended{handle.get(), POLLIN, 0};
    CHECK(::poll(&ended, 1, 30'000) == 1);
  }
  const UniqueFd child_handle = process::openPidfd(child);
  pollfd ended{child_handle.get(), POLLIN, 0};
  REQUIRE(::poll(&ended, 1, 30'000) == 1);
  (void)process::waitResult(child_handle.get());
  ::close(pids[0]);
  ::close(pids[1]);
}

TEST_CASE("the worker that is started by hand says what it is") {
  FILE* pipe = ::popen(LONGHAUL_WORKER_BINARY " 2>&1", "r");
  REQUIRE(pipe != nullptr);
  char text[256] = {};
  REQUIRE(std::fgets(text, sizeof text, pipe) != nullptr);
  CHECK(::pclose(pipe) != 0);
  CHECK(std::string{text} == "longhaul-worker: its arguments are missing; it is started by longhauld, not by hand\n");
}
