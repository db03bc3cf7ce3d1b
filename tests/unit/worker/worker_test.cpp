#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <thread>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/worker/argument_check.h"
#include "host/worker/call_pool.h"
#include "host/worker/context_copy.h"
#include "host/worker/last_error.h"
#include "host/worker/plugin_library.h"
#include "host/worker/session.h"
#include "host/worker/stop_signal.h"

using namespace longhaul::host;
using namespace longhaul::host::worker;
using namespace std::chrono_literals;
using Origin = ContextCopy::Origin;

namespace {

struct Pair {
  UniqueFd host;
  UniqueFd worker;
};
Pair makePair() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

// One packet of the host's end: its frame, and its payload in `payload`.
protocol::Frame receive(int fd, std::string& payload) {
  std::string packet(kPacketBytesMax, '\0');
  const ssize_t count = ::recv(fd, packet.data(), packet.size(), 0);
  REQUIRE(count >= static_cast<ssize_t>(sizeof(protocol::Frame)));
  protocol::Frame frame;
  std::memcpy(&frame, packet.data(), sizeof frame);
  payload = packet.substr(sizeof frame, static_cast<std::size_t>(count) - sizeof frame);
  return frame;
}

void answer(int fd, std::uint64_t request_id, std::string_view payload) {
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(protocol::Kind::Reply);
  frame.request_id = request_id;
  frame.total_bytes = static_cast<std::uint32_t>(payload.size());
  std::string packet(reinterpret_cast<const char*>(&frame), sizeof frame);
  packet += payload;
  REQUIRE(::send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size()));
}

longhaul_text_t textOf(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

TEST_CASE("changes of the context are applied in the order of versions, whatever order they come in") {
  std::vector<std::int64_t> applied_pushes;
  ContextCopy copy{[&](std::int64_t version) { applied_pushes.push_back(version); }};
  copy.start(7, {{"a", "1"}, {"b", "2"}});
  CHECK(copy.read()->text == R"({"a":1,"b":2})");
  CHECK(copy.read()->version == 7);

  CHECK(copy.add(10, false, {{"a", "10"}}, Origin::Reply));
  CHECK(copy.add(9, true, {{"a", "9"}, {"c", "9"}}, Origin::Push));
  CHECK(copy.read()->version == 7);
  CHECK(applied_pushes.empty());
  CHECK_FALSE(copy.waitFor(10, 0ms));

  CHECK(copy.add(8, false, {{"b", std::nullopt}, {"d", "8"}}, Origin::Reply));
  CHECK(copy.waitFor(10, 0ms));
  CHECK(copy.read()->text == R"({"a":10,"c":9})");
  CHECK(copy.read()->version == 10);
  CHECK(applied_pushes == std::vector<std::int64_t>{9});
}

TEST_CASE("a change that the worker started with is not applied again, and a push of it is acknowledged") {
  std::vector<std::int64_t> applied_pushes;
  ContextCopy copy{[&](std::int64_t version) { applied_pushes.push_back(version); }};
  copy.start(7, {{"a", "7"}});
  CHECK(copy.add(6, false, {{"a", "6"}}, Origin::Push));
  CHECK(copy.add(7, false, {{"a", "0"}}, Origin::Reply));
  CHECK(copy.read()->text == R"({"a":7})");
  CHECK(applied_pushes == std::vector<std::int64_t>{6});
}

TEST_CASE("what waits for a lost change is bounded") {
  ContextCopy copy{[](std::int64_t) {}};
  copy.start(0, {});
  for (std::size_t i = 0; i < kContextChangesPendingMax; ++i)
    REQUIRE(copy.add(static_cast<std::int64_t>(i) + 2, false, {}, Origin::Reply));
  CHECK_FALSE(copy.add(5000, false, {}, Origin::Reply));
}

TEST_CASE("threads that bring changes in a random order each read their own, and at the end all") {
  const auto seed = static_cast<unsigned>(std::random_device{}());
  CAPTURE(seed);
  constexpr int kThreads = 4;
  constexpr std::int64_t kVersions = 4000;
  std::vector<std::vector<std::int64_t>> shares(kThreads);
  std::mt19937 random{seed};
  for (std::int64_t version = 1; version <= kVersions; ++version)
    shares[random() % kThreads].push_back(version);
  ContextCopy copy{[](std::int64_t) {}};
  copy.start(0, {});
  std::atomic<int> faults{0};
  std::vector<std::thread> threads;
  for (const auto& share : shares) {
    threads.emplace_back([&] {
      std::int64_t seen = 0;
      for (const std::int64_t version : share) {
        copy.add(version, false, {{"last", std::to_string(version)}, {"n" + std::to_string(version % 50), "1"}},
                 Origin::Reply);
        if (!copy.waitFor(version, 30s)) ++faults;
        const auto snapshot = copy.read();
        if (snapshot->version < version || snapshot->version < seen) ++faults;
        if (snapshot->text.find("\"last\":" + std::to_string(snapshot->version) + ",") == std::string::npos) ++faults;
        seen = snapshot->version;
      }
    });
  }
  for (auto& each : threads)
    each.join();
  CHECK(faults == 0);
  CHECK(copy.version() == kVersions);
}

TEST_CASE("keys of the context become JSON strings") {
  std::string out;
  appendJsonString("a\"b\\c\n\x01\xc3\xa4", out);
  CHECK(out == "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa4\"");
}

TEST_CASE("of two last runs the newer one stays") {
  LastRunCopy copy;
  CHECK(*copy.read() == "{}");
  copy.set(5, "five");
  copy.set(4, "four");
  CHECK(*copy.read() == "five");
}

TEST_CASE("stop is seen by a question, by a wait and by a descriptor, made before or after") {
  StopSignal stop;
  CHECK_FALSE(stop.waitFor(0));
  CHECK_FALSE(stop.waitFor(1));
  const int before = stop.descriptor();
  pollfd readable{before, POLLIN, 0};
  CHECK(::poll(&readable, 1, 0) == 0);
  bool waited = false;
  std::thread waiter{[&] { waited = stop.waitFor(UINT32_MAX); }};
  CHECK(stop.set());
  CHECK_FALSE(stop.set());
  waiter.join();
  CHECK(waited);
  CHECK(stop.waitFor(0));
  CHECK(::poll(&readable, 1, 0) == 1);
  StopSignal set_first;
  set_first.set();
  pollfd late{set_first.descriptor(), POLLIN, 0};
  CHECK(::poll(&late, 1, 0) == 1);
}

TEST_CASE("a call goes out in one packet and its reply is the next one on its socket") {
  Pair pair = makePair();
  CallSocket socket{std::move(pair.worker), false};
  socket.beginPayload() += "hello";
  answer(pair.host.get(), 42, "world");
  REQUIRE(socket.exchange(80, 42) == CallSocket::Outcome::Replied);
  CHECK(socket.reply().payload == "world");
  std::string payload;
  const protocol::Frame frame = receive(pair.host.get(), payload);
  CHECK(frame.kind == 80);
  CHECK(frame.request_id == 42);
  CHECK(frame.total_bytes == 5);
  CHECK(payload == "hello");

  socket.beginPayload() += "again";
  SECTION("a reply to another request is a violation") {
    answer(pair.host.get(), 42, "world");
    CHECK(socket.exchange(80, 43) == CallSocket::Outcome::Violation);
    CHECK(socket.violation().find("request 43") != std::string::npos);
  }
  SECTION("the end of the socket is an end") {
    pair.host.reset();
    CHECK(socket.exchange(80, 43) == CallSocket::Outcome::Closed);
  }
  SECTION("a late reply is read without waiting") {
    CHECK(socket.readLate() == CallSocket::Outcome::NoReply);
    answer(pair.host.get(), 42, "late");
    CHECK(socket.readLate() == CallSocket::Outcome::Replied);
    CHECK(socket.reply().payload == "late");
  }
}

TEST_CASE("the pool gives the socket that was used last, asks for more when none is free, and closes what is idle") {
  Pair first = makePair();
  int asked = 0;
  std::vector<UniqueFd> host_ends;
  CallPool* pool_pointer = nullptr;
  CallPool pool{std::move(first.worker),
                [&] {
                  ++asked;
                  Pair more = makePair();
                  host_ends.push_back(std::move(more.host));
                  pool_pointer->add(std::move(more.worker));
                },
                [] {}};
  pool_pointer = &pool;
  CHECK_FALSE(pool.closeIdle(CallPool::Clock::now()).has_value());  // nothing to wake up for
  {
    auto one = pool.acquire();
    auto two = pool.acquire();
    auto three = pool.acquire();
    CHECK(asked == 2);
    CHECK(pool.openCount() == 3);
    const int fd = two->fd();
    one.giveBack();
    three.giveBack();
    two.giveBack();
    auto again = pool.acquire();
    CHECK(again->fd() == fd);
    again.giveBack();
  }
  CHECK(pool.closeIdle(CallPool::Clock::now()).has_value());
  CHECK(pool.openCount() == 3);
  CHECK_FALSE(pool.closeIdle(CallPool::Clock::now() + kCallSocketIdle + 1s).has_value());
  CHECK(pool.openCount() == 1);
  for (const UniqueFd& each : host_ends) {
    char byte;
    CHECK(::recv(each.get(), &byte, 1, MSG_DONTWAIT) == 0);
  }
  {
    const auto torn = pool.acquire();  // not given back: its answer may be under way
  }
  CHECK(pool.openCount() == 0);
  auto next = pool.acquire();
  CHECK(asked == 3);
  next.giveBack();
}

TEST_CASE("calls that find no socket and get none wait for the one that is there") {
  Pair first = makePair();
  CallPool* pool_pointer = nullptr;
  std::atomic<int> asked{0};
  CallPool pool{std::move(first.worker),
                [&] {
                  ++asked;
                  pool_pointer->refused();
                },
                [] {}};
  pool_pointer = &pool;
  std::atomic<int> inside{0};
  std::atomic<int> faults{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        auto lease = pool.acquire();
        if (!lease || ++inside != 1) ++faults;
        --inside;
        lease.giveBack();
      }
    });
  }
  for (auto& each : threads)
    each.join();
  CHECK(faults == 0);
  CHECK(pool.openCount() == 1);
}

TEST_CASE("a socket whose call gave up is handed over and never leased again") {
  Pair first = makePair();
  bool told = false;
  CallPool pool{std::move(first.worker), [] {}, [&] { told = true; }};
  auto lease = pool.acquire();
  lease.giveUp();
  CHECK(told);
  auto given_up = pool.takeGivenUp();
  REQUIRE(given_up.size() == 1);
  CHECK(pool.takeGivenUp().empty());
  pool.close(std::move(given_up[0]));
  CHECK(pool.openCount() == 0);
}

TEST_CASE("bytes of a torn call stay taken until the host has closed its end") {
  Pair first = makePair();
  Pair more = makePair();  // here: the pool asks for it on the other thread, where Catch2 does not count
  CallPool* pool_pointer = nullptr;
  CallPool pool{std::move(first.worker), [&] { pool_pointer->add(std::move(more.worker)); }, [] {}};
  pool_pointer = &pool;
  {
    auto torn = pool.acquire();
    torn->beginPayload().append(kCallBytesUnderWayMax - 1, 'x');
    REQUIRE(torn.takeBytes());
  }
  char byte;
  CHECK(::recv(first.host.get(), &byte, 1, MSG_DONTWAIT) == 0);  // the host sees the end of it
  std::atomic<bool> taken{false};
  std::thread next{[&] {
    auto lease = pool.acquire();
    lease->beginPayload() += "two";
    taken = lease.takeBytes();
    lease.giveBack();
  }};
  auto given_up = pool.takeGivenUp();
  REQUIRE(given_up.size() == 1);
  CHECK_FALSE(taken);
  first.host.reset();
  CHECK(given_up[0]->readLate() == CallSocket::Outcome::Closed);
  pool.close(std::move(given_up[0]));
  next.join();
  CHECK(taken);
}

TEST_CASE("who waits for bytes has them in turn, also one that wants all, and none after its time") {
  ByteWindow window{100};
  REQUIRE(window.take(60, 0ms));
  CHECK_FALSE(window.take(41, 0ms));
  REQUIRE(window.take(40, 0ms));
  CHECK_FALSE(window.take(1, 1ms));
  std::atomic<int> inside{0};
  std::atomic<int> faults{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, bytes = i == 0 ? 1000 : 30 + i] {  // more than the whole goes alone
      for (int n = 0; n < 200; ++n) {
        if (!window.take(static_cast<std::size_t>(bytes), 30s)) ++faults;
        const int most = bytes == 1000 ? 1 : 3;
        if (++inside > most) ++faults;
        --inside;
        window.giveBack(static_cast<std::size_t>(bytes));
      }
    });
  }
  window.giveBack(60);
  window.giveBack(40);
  for (auto& each : threads)
    each.join();
  CHECK(faults == 0);
  CHECK(window.take(100, 0ms));
}

TEST_CASE("the last error is each thread's own and is cut at a character") {
  setLastError("mine");
  std::thread{[] {
    CHECK(lastErrorText().empty());
    setLastError("yours");
  }}.join();
  CHECK(lastErrorText() == "mine");
  setLastError(std::string(kErrorTextBytesMax - 1, 'x') + "\xc3\xa4");
  CHECK(lastErrorText() == std::string(kErrorTextBytesMax - 1, 'x'));
}

TEST_CASE("the first fault of the arguments wins, and all of them together have a limit") {
  ArgumentCheck check{"call"};
  CHECK(check.required("a", textOf("x"), 10) == "x");
  CHECK_FALSE(check.optional("b", {nullptr, 0}, 10).has_value());
  CHECK(check.status() == LONGHAUL_OK);
  check.required("c", textOf("12345678901"), 10);
  check.required("d", {nullptr, 0}, 10);
  CHECK(check.status() == LONGHAUL_TOO_LARGE);
  CHECK(lastErrorText() == "call: c has 11 bytes, at most 10 are taken");

  const std::string half((LONGHAUL_MESSAGE_BYTES_MAX / 2) + 1, 'x');
  ArgumentCheck sum{"call"};
  sum.required("a", textOf(half), LONGHAUL_MESSAGE_BYTES_MAX);
  sum.required("b", textOf(half), LONGHAUL_MESSAGE_BYTES_MAX);
  CHECK(sum.status() == LONGHAUL_TOO_LARGE);
  CHECK(lastErrorText().find("together") != std::string_view::npos);

  ArgumentCheck absent{"call"};
  absent.optional("a", {nullptr, 3}, 10);
  CHECK(absent.status() == LONGHAUL_INVALID);
}

TEST_CASE("a descriptor of another version or with a hole is refused with a sentence") {
  const auto text = [](auto change) {
    longhaul_descriptor_t descriptor{};
    descriptor.struct_size = sizeof descriptor;
    descriptor.abi_version = LONGHAUL_ABI_VERSION;
    descriptor.create = [](const longhaul_server_t*, longhaul_plugin_t**) { return LONGHAUL_OK; };
    descriptor.longRunningExecution = [](longhaul_plugin_t*) { return LONGHAUL_OK; };
    descriptor.stop = descriptor.destroy = [](longhaul_plugin_t*) {};
    change(descriptor);
    return descriptorFault(descriptor);
  };
  CHECK(text([](auto&) {}).empty());
  CHECK(text([](auto& d) { d.struct_size += 64; }).empty());  // a newer descriptor is longer
  CHECK(text([](auto& d) { d.struct_size = 4; }).find("struct_size is 4") != std::string::npos);
  CHECK(text([](auto& d) { d.abi_version = (LONGHAUL_VERSION_MAJOR + 1) << 16; }).find("built for ABI") !=
        std::string::npos);
  CHECK(text([](auto& d) { d.abi_version += 1; }).find("built for ABI") != std::string::npos);
  CHECK(text([](auto& d) { d.create = nullptr; }).find("create is NULL") != std::string::npos);
  CHECK(text([](auto& d) { d.longRunningExecution = nullptr; }).find("longRunningExecution") != std::string::npos);
  CHECK(text([](auto& d) { d.stop = nullptr; }).find("stop") != std::string::npos);
  CHECK(text([](auto& d) { d.destroy = nullptr; }).find("destroy") != std::string::npos);
}

TEST_CASE("a log line is made UTF-8, cut at a character and marked, and rings the doorbell of a host that sleeps") {
  struct Page {
    alignas(64) char bytes[protocol::kSharedPageBytes] = {};
  };
  const auto page = std::make_unique<Page>();
  Pair control = makePair();
  Pair call = makePair();
  const UniqueFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Session session{control.worker.get(), call.worker.release(), page->bytes, wake.get()};
  protocol::LogRingReader reader{page->bytes};
  const auto lines = [&] {
    std::vector<std::string> texts;
    REQUIRE(reader.drain([&](const protocol::LogRecord&, std::string_view text) { texts.emplace_back(text); }));
    return texts;
  };
  REQUIRE(reader.sleep());
  CHECK(session.log(protocol::LogLevel::Info, "fine") == LONGHAUL_OK);
  std::string payload;
  CHECK(receive(control.host.get(), payload).kind == static_cast<std::uint16_t>(protocol::Kind::Doorbell));
  CHECK(session.log(protocol::LogLevel::Error, "bad \xff byte") == LONGHAUL_INVALID);
  CHECK(session.log(protocol::LogLevel::Info, std::string(20'000, 'x')) == LONGHAUL_OK);
  CHECK(session.log(protocol::LogLevel::Info, std::string(16'000, '\xff')) == LONGHAUL_INVALID);
  const auto texts = lines();
  REQUIRE(texts.size() == 4);
  CHECK(texts[0] == "fine");
  CHECK(texts[1] == "bad \xef\xbf\xbd byte");
  CHECK(session.lastErrorLine() == texts[1]);
  for (std::size_t i = 2; i < 4; ++i) {
    CHECK(texts[i].size() <= kLogLineBytesMax);
    CHECK(texts[i].ends_with(" … [cut]"));
    CHECK(isUtf8(texts[i]));
  }

  // A full ring drops and counts; a doorbell that finds the control socket full is owed to the control thread.
  while (session.log(protocol::LogLevel::Info, std::string(10'000, 'x')) == LONGHAUL_OK)
    continue;
  CHECK(reader.droppedCount() == 1);
  lines();
  while (session.control.trySend(protocol::Kind::Doorbell))
    continue;
  REQUIRE(reader.sleep());
  CHECK_FALSE(session.doorbell_owed.load());
  CHECK(session.log(protocol::LogLevel::Info, "ring") == LONGHAUL_OK);
  CHECK(session.doorbell_owed.load());
  eventfd_t woken = 0;
  CHECK(::eventfd_read(wake.get(), &woken) == 0);
}
