#include <fcntl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#include "host/base/result.h"
#include "host/ipc/seqpacket_channel.h"
#include "host/protocol/fragments.h"
#include "host/protocol/messages.h"

using namespace longhaul::host;
using namespace longhaul::host::ipc;
using protocol::Kind;
using protocol::Method;

namespace {

// The host's side with everything that it was told, and the worker's ends of its sockets, driven by the test.
struct Pair : ChannelEvents {
  struct Call {
    CallId id;
    Method method;
    std::string payload;
  };

  explicit Pair(std::size_t extra_sockets_max = 256) {
    budget.count_max = extra_sockets_max;
    UniqueFd host_control, host_call;
    open(host_control, control);
    open(host_call, call);
    channel = std::make_unique<SeqpacketChannel>(loop, *this, budget, std::move(host_control), std::move(host_call),
                                                 page->data());
  }
  static void open(UniqueFd& ours, UniqueFd& theirs) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
    // Stock Debian's buffer: a design that needs more would only work on this machine.
    const int bytes = 212'992;
    for (const int end : ends)
      REQUIRE(::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
  }

  void onControl(Kind kind, std::string_view payload) override {
    controls.emplace_back(kind, std::string{payload});
    if (on_control) on_control();
  }
  void onCall(CallId id, Method method, std::string_view payload) override {
    calls.push_back({id, method, std::string{payload}});
    if (on_call) on_call(id);
  }
  void onLogLine(const protocol::LogRecord&, std::string_view text) override {
    lines.emplace_back(text);
    if (on_line) on_line();
  }
  void onClosed() override { closed = true; }
  void onViolation(std::string_view text) override { violation = text; }

  void until(const std::function<bool()>& done) { REQUIRE(loop.runUntil(done, 20s)); }

  using PageBytes = std::array<char, protocol::kSharedPageBytes>;
  std::unique_ptr<PageBytes> page = std::make_unique<PageBytes>();
  EventLoop loop;
  CallSocketBudget budget;
  UniqueFd control, call;
  std::vector<std::pair<Kind, std::string>> controls;
  std::vector<Call> calls;
  std::vector<std::string> lines;
  bool closed = false;
  std::string violation;
  std::function<void()> on_control;
  std::function<void(CallId)> on_call;
  std::function<void()> on_line;
  std::unique_ptr<SeqpacketChannel> channel;
};

// The worker's end. One test runs it on a thread of its own, and Catch's assertions are for one thread: it asserts
// only what has failed already.
void send(int fd, std::uint16_t kind, std::string_view payload) {
  protocol::Frame frame;
  frame.kind = kind;
  for (protocol::Fragments each{frame, payload}; !each.done(); each.next()) {
    std::string packet(reinterpret_cast<const char*>(&each.frame()), sizeof frame);
    packet.append(each.chunk());
    const ssize_t count = ::send(fd, packet.data(), packet.size(), MSG_NOSIGNAL);
    if (count != static_cast<ssize_t>(packet.size())) FAIL("sent " << count << " of " << packet.size());
  }
}
void send(int fd, Kind kind, std::string_view payload) {
  send(fd, static_cast<std::uint16_t>(kind), payload);
}
void sendCall(int fd, Method method, std::string_view payload) {
  send(fd, static_cast<std::uint16_t>(static_cast<int>(Kind::Call) + static_cast<int>(method)), payload);
}

struct Received {
  protocol::Frame frame;
  std::string payload;
};
Received receive(int fd) {
  protocol::ReassemblyBudget budget;
  protocol::Reassembler reassembler{budget};
  std::string packet(kPacketBytesMax, '\0');
  for (;;) {
    const ssize_t count = ::recv(fd, packet.data(), packet.size(), 0);
    if (count <= 0) FAIL("the host's end is closed");
    const auto fed = reassembler.feed({packet.data(), static_cast<std::size_t>(count)});
    if (std::holds_alternative<protocol::Violation>(fed)) FAIL("the host broke the protocol");
    if (const auto* message = std::get_if<protocol::Message>(&fed))
      return {message->frame, std::string{message->payload}};
  }
}

}  // namespace

TEST_CASE("a call is handed up and its reply comes back on the same socket") {
  Pair pair;
  sendCall(pair.call.get(), Method::setLastRun, "one");
  pair.until([&] { return pair.calls.size() == 1; });
  CHECK(pair.calls[0].method == Method::setLastRun);
  CHECK(pair.calls[0].payload == "one");
  pair.channel->reply(pair.calls[0].id, -7, "full");
  const Received reply = receive(pair.call.get());
  CHECK(reply.frame.status == -7);
  CHECK(reply.payload == "full");
}

TEST_CASE("the second call on a socket waits for the reply to the first") {
  Pair pair;
  sendCall(pair.call.get(), Method::setLastRun, "one");
  sendCall(pair.call.get(), Method::setLastRun, "two");
  pair.until([&] { return pair.calls.size() == 1; });
  pair.loop.runUntil([] { return false; }, 20ms);  // gives the loop every chance to read on
  CHECK(pair.calls.size() == 1);
  pair.channel->reply(pair.calls[0].id, 0, "");
  pair.channel->reply(pair.calls[0].id, 0, "again");  // a second answer goes nowhere
  pair.until([&] { return pair.calls.size() == 2; });
  CHECK(pair.calls[1].payload == "two");
  CHECK(receive(pair.call.get()).payload.empty());
  pair.channel->reply(pair.calls[0].id, 0, "late");
  pair.channel->reply(pair.calls[1].id, 0, "second");
  CHECK(receive(pair.call.get()).payload == "second");
}

TEST_CASE("messages far larger than the socket's buffer pass in both directions") {
  Pair pair;
  const std::string large(5U << 20, 'L');
  std::vector<std::string> received;
  std::thread worker([&] {
    sendCall(pair.call.get(), Method::commit, large);
    for (const int socket : {pair.call.get(), pair.control.get(), pair.control.get()})
      received.push_back(receive(socket).payload);
  });
  pair.until([&] { return pair.calls.size() == 1; });
  CHECK(pair.calls[0].payload == large);
  pair.channel->reply(pair.calls[0].id, 0, large);
  pair.channel->sendControl(Kind::Start, large);
  pair.channel->sendControl(Kind::Stop, "after");
  std::atomic<bool> joined{false};
  std::thread joiner([&] {
    worker.join();
    joined = true;
    pair.loop.post([] {});
  });
  pair.until([&] { return joined.load(); });
  joiner.join();
  CHECK(received == std::vector<std::string>{large, large, "after"});
}

TEST_CASE("more call sockets are given up to the limits, and an ended one makes room") {
  Pair pair{2};
  std::vector<UniqueFd> extra;
  const auto ask = [&]() -> std::int32_t {
    send(pair.control.get(), Kind::MoreCalls, "");
    pair.loop.runUntil([] { return false; }, 20ms);
    protocol::Frame frame;
    iovec part{&frame, sizeof frame};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    REQUIRE(::recvmsg(pair.control.get(), &message, MSG_CMSG_CLOEXEC) == sizeof frame);
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      extra.emplace_back(fd);
    }
    return frame.status;
  };
  CHECK(ask() == 0);
  CHECK(ask() == 0);
  CHECK(extra.size() == 2);
  CHECK(ask() == static_cast<std::int32_t>(Code::Busy));
  CHECK(extra.size() == 2);
  sendCall(extra[1].get(), Method::setLastRun, "x");
  pair.until([&] { return pair.calls.size() == 1; });
  extra[0].reset();
  pair.until([&] { return pair.budget.used_count == 1; });
  CHECK(ask() == 0);
  pair.channel.reset();
  CHECK(pair.budget.used_count == 0);
}

TEST_CASE("what a dead worker left on its sockets and in its ring is read before drain returns") {
  Pair pair;
  protocol::LogRingWriter writer{pair.page->data()};
  sendCall(pair.call.get(), Method::setLastRun, "last call");
  send(pair.control.get(), Kind::Bye, "bye");
  writer.write(protocol::LogLevel::Error, 0, 0, "last line");
  pair.control.reset();
  pair.call.reset();
  pair.channel->drain();
  REQUIRE(pair.calls.size() == 1);
  CHECK(pair.calls[0].payload == "last call");
  REQUIRE(pair.controls.size() == 1);
  CHECK(pair.controls[0].first == Kind::Bye);
  CHECK(pair.lines == std::vector<std::string>{"last line"});
  CHECK(pair.closed);
  CHECK(pair.violation.empty());
}

TEST_CASE("lines written while the host sleeps come with the doorbell") {
  Pair pair;
  protocol::LogRingWriter writer{pair.page->data()};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(writer.write(protocol::LogLevel::Info, 0, 0, "a") == protocol::LogRingWriter::Outcome::WrittenRingDoorbell);
    REQUIRE(writer.write(protocol::LogLevel::Info, 0, 0, "b") == protocol::LogRingWriter::Outcome::Written);
    send(pair.control.get(), Kind::Doorbell, "");
    pair.until([&] { return pair.lines.size() == 2 * static_cast<std::size_t>(i + 1); });
  }
}

TEST_CASE("each breach of the protocol is told once and ends the reading") {
  Pair pair;
  SECTION("a zero-length packet reads as the end") {
    REQUIRE(::send(pair.control.get(), "", 0, 0) == 0);
    pair.until([&] { return pair.closed; });
    return;
  }
  SECTION("half a frame") {
    REQUIRE(::send(pair.control.get(), "half", 4, 0) == 4);
  }
  SECTION("an unknown kind on the control socket") {
    send(pair.control.get(), std::uint16_t{999}, "");
  }
  SECTION("a call on the control socket") {
    sendCall(pair.control.get(), Method::commit, "");
  }
  SECTION("a control message on a call socket") {
    send(pair.call.get(), Kind::Bye, "");
  }
  SECTION("an unknown method") {
    send(pair.call.get(), std::uint16_t{64 + 63}, "");
  }
  SECTION("a packet over the limit") {
    const std::string packet(kPacketBytesMax + 1, 'x');
    REQUIRE(::send(pair.call.get(), packet.data(), packet.size(), 0) == static_cast<ssize_t>(packet.size()));
  }
  SECTION("a scribbled ring") {
    reinterpret_cast<protocol::PageHeader*>(pair.page->data())->head = 3;
    send(pair.control.get(), Kind::Doorbell, "");
  }
  pair.until([&] { return !pair.violation.empty(); });
  pair.violation.clear();
  send(pair.control.get(), Kind::Bye, "");
  pair.loop.runUntil([] { return false; }, 20ms);
  CHECK(pair.violation.empty());
  CHECK(pair.controls.empty());
}

TEST_CASE("descriptors that a worker sends are not taken") {
  Pair pair;
  const auto count = [] {
    int open = 0;
    for (int fd = 0; fd < 200; ++fd)
      open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return open;
  };
  const int before = count();
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(Kind::Ready);
  REQUIRE(sendDescriptor(pair.control.get(), frame, 0));
  pair.until([&] { return pair.controls.size() == 1; });
  CHECK(count() == before);
}

TEST_CASE("a worker whose socket is never empty leaves the others their turns") {
  constexpr std::size_t kFlood = 100'000;
  Pair pair;
  std::size_t told_count = 0;
  bool others_turn = false;
  pair.loop.post([&] { pair.loop.post([&] { others_turn = true; }); });
  SECTION("calls that are refused at once") {
    pair.on_call = [&](CallId call) {
      pair.channel->reply(call, static_cast<std::int32_t>(Code::NotGranted), "");
      receive(pair.call.get());
      if (++told_count < kFlood && !others_turn) sendCall(pair.call.get(), Method::setLastRun, "");
    };
    sendCall(pair.call.get(), Method::setLastRun, "");
  }
  SECTION("control messages") {
    pair.on_control = [&] {
      if (++told_count < kFlood && !others_turn) send(pair.control.get(), Kind::Extend, "");
    };
    send(pair.control.get(), Kind::Extend, "");
  }
  pair.until([&] { return others_turn && told_count > 0; });
  CHECK(told_count < kFlood);
}

TEST_CASE("what a dead worker's child goes on writing is not read for ever") {
  Pair pair;
  std::size_t told_count = 0;
  pair.on_control = [&] {
    ++told_count;
    send(pair.control.get(), Kind::Extend, "");
  };
  send(pair.control.get(), Kind::Extend, "");
  pair.channel->drain();
  CHECK(told_count == kPacketsLeftMax);
}

TEST_CASE("a doorbell that rings without end takes one ring of lines a turn") {
  Pair pair;
  protocol::LogRingWriter writer{pair.page->data()};
  std::size_t lines_of_turn = 0;
  for (int i = 0; i < 20; ++i)
    send(pair.control.get(), Kind::Doorbell, "");
  // Each line that is read is written anew, as by a plugin that floods.
  REQUIRE(writer.write(protocol::LogLevel::Info, 0, 0, "flood") != protocol::LogRingWriter::Outcome::Dropped);
  pair.on_line = [&] { writer.write(protocol::LogLevel::Info, 0, 0, "flood"); };
  pair.until([&] { return !pair.lines.empty(); });
  lines_of_turn = pair.lines.size();
  CHECK(lines_of_turn == 1);
  pair.until([&] { return pair.lines.size() > 3; });
  CHECK(pair.violation.empty());
}

TEST_CASE("a worker that never reads is condemned before what waits for it fills the host") {
  Pair pair;
  const std::string context(4U << 20, 'c');
  for (int i = 0; i < 100 && pair.violation.empty(); ++i)
    pair.channel->sendControl(Kind::ContextChange, context);
  CHECK(pair.violation.find("does not read its control socket") != std::string::npos);

  Pair asking;
  for (std::size_t i = 0; i < 100'000 && asking.violation.empty(); ++i)
    asking.channel->sendControl(Kind::MoreCalls, "");
  CHECK(asking.violation.find("does not read its control socket") != std::string::npos);
}
