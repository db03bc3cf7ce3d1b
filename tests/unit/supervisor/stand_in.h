// The fake of the processes' seam: what is launched is a process that only waits, and the test speaks for it on the
// real sockets. Loop only, as what it stands for.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "host/base/event_loop.h"
#include "host/catalog/admission.h"
#include "host/process/process_tree.h"
#include "host/process/worker_launcher.h"
#include "host/protocol/fragments.h"
#include "host/protocol/log_ring.h"
#include "host/protocol/messages.h"

namespace longhaul::host::test {

// One worker as the test plays it: keeps what the host sent, and says what it is told to say.
class StandIn {
 public:
  struct Said {
    protocol::Kind kind;
    std::string payload;
  };

  StandIn(EventLoop& loop, process::LaunchPlan launch_plan) : plan(std::move(launch_plan)), loop_(loop) {}

  // The host's half. `cat` ends by itself, with 0, when the test closes its input.
  process::LaunchedWorker start() {
    process::LaunchedWorker worker;
    std::tie(worker.control, control_) = sockets();
    std::tie(worker.first_call, call_) = sockets();
    std::tie(worker.stdout_read, output_) = pipe();
    std::tie(worker.stderr_read, errors_) = pipe();
    auto [input_read, input] = pipe();
    input_ = std::move(input);
    REQUIRE(::fcntl(input_read.get(), F_SETFL, 0) == 0);  // who reads it is to wait
    void* page = ::mmap(nullptr, protocol::kSharedPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(page != MAP_FAILED);
    worker.page = process::SharedPage{page, protocol::kSharedPageBytes};
    worker.tag = "unit-supervisor/stand-in";

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, input_read.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::string name = "cat";
    char* arguments[] = {name.data(), nullptr};
    char* no_variables[] = {nullptr};
    REQUIRE(::posix_spawn(&worker.pid, "/bin/cat", &actions, &attributes, arguments, no_variables) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    worker.pidfd = process::openPidfd(worker.pid);
    REQUIRE(worker.pidfd);
    pid = worker.pid;
    handle_ = process::openPidfd(pid);
    watch_ = loop_.watch(control_.get(), [this] { read(); });
    watch_->waitReadable();
    return worker;
  }

  template <class Message>
  void say(protocol::Kind kind, const Message& message) {
    std::string payload;
    protocol::encode(message, payload);
    sayRaw(kind, payload);
  }
  void sayRaw(protocol::Kind kind, std::string_view payload) {
    protocol::Frame frame;
    frame.kind = static_cast<std::uint16_t>(kind);
    for (protocol::Fragments each{frame, payload}; !each.done(); each.next()) {
      std::string packet(reinterpret_cast<const char*>(&each.frame()), sizeof frame);
      packet.append(each.chunk());
      REQUIRE(::send(control_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(packet.size()));
    }
  }
  void loaded(std::vector<std::string_view> extensions = {"longhaul.commands/1"}) {
    say(protocol::Kind::Hello, protocol::Hello{.pid = static_cast<std::uint32_t>(pid)});
    say(protocol::Kind::Loaded,
        protocol::Loaded{.abi_version = catalog::hostAbiVersion(), .extensions = std::move(extensions)});
  }
  void ready() { sayRaw(protocol::Kind::Ready, {}); }
  void done(std::uint64_t command, std::int32_t status, std::string_view text) {
    say(protocol::Kind::CommandDone, protocol::CommandDone{.id = command, .status = status, .said = 1, .text = text});
  }
  // A server call that fits one packet; its answer is the next of answers().
  template <class Message>
  void call(protocol::Method method, const Message& message) {
    std::string payload;
    protocol::encode(message, payload);
    protocol::Frame frame;
    frame.kind = static_cast<std::uint16_t>(static_cast<int>(protocol::Kind::Call) + static_cast<int>(method));
    frame.request_id = ++last_call_;
    frame.total_bytes = static_cast<std::uint32_t>(payload.size());
    std::string packet(reinterpret_cast<const char*>(&frame), sizeof frame);
    packet += payload;
    REQUIRE(::send(call_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size()));
  }
  // The statuses that were answered so far, oldest first.
  const std::vector<std::int32_t>& answers() {
    std::string packet(kPacketBytesMax, '\0');
    protocol::Frame frame;
    while (::recv(call_.get(), packet.data(), packet.size(), MSG_DONTWAIT) >= static_cast<ssize_t>(sizeof frame)) {
      std::memcpy(&frame, packet.data(), sizeof frame);
      answers_.push_back(frame.status);
    }
    return answers_;
  }
  // As a worker that was asked to stop.
  void leave() {
    say(protocol::Kind::Bye, protocol::Bye{});
    input_.reset();
  }
  void crash() const { process::signalProcess(handle_.get(), SIGSEGV); }
  // Whatever state it is in: nothing of it is left. The host may have waited for it.
  void end() const {
    process::signalProcess(handle_.get(), SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }

  // Its HTTP channel: the packet that comes next, empty while there is none; and one that it says.
  std::string hearHttp() const {
    std::string packet(kPacketBytesMax, '\0');
    const ssize_t count = ::recv(http_.get(), packet.data(), packet.size(), MSG_DONTWAIT);
    packet.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return packet;
  }
  void sayHttp(const std::string& packet) const {
    REQUIRE(::send(http_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size()));
  }
  bool hasHttp() const { return static_cast<bool>(http_); }

  bool was(protocol::Kind kind) const {
    return std::any_of(heard.begin(), heard.end(), [&](const Said& each) { return each.kind == kind; });
  }
  // Views into what is kept: they live as long as this.
  protocol::Start startMessage() const {
    const auto found =
        std::find_if(heard.begin(), heard.end(), [](const Said& each) { return each.kind == protocol::Kind::Start; });
    REQUIRE(found != heard.end());
    protocol::Start start;
    REQUIRE(protocol::decode(found->payload, start));
    return start;
  }
  std::vector<protocol::Execute> commands() const {
    std::vector<protocol::Execute> all;
    for (const Said& each : heard) {
      if (each.kind != protocol::Kind::Execute) continue;
      REQUIRE(protocol::decode(each.payload, all.emplace_back()));
    }
    return all;
  }

  process::LaunchPlan plan;
  pid_t pid = 0;
  std::deque<Said> heard;  // the host's messages, oldest first

 private:
  static std::pair<UniqueFd, UniqueFd> sockets() {
    auto pair = process::makeSocketPair();
    REQUIRE(pair);
    return {std::move(pair->host), std::move(pair->worker)};
  }
  static std::pair<UniqueFd, UniqueFd> pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  }
  void read() {
    std::string packet(kPacketBytesMax, '\0');
    for (;;) {
      alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))];
      iovec part{packet.data(), packet.size()};
      msghdr header{};
      header.msg_iov = &part;
      header.msg_iovlen = 1;
      header.msg_control = ancillary;
      header.msg_controllen = sizeof ancillary;
      const ssize_t count = ::recvmsg(control_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      if (const cmsghdr* each = count > 0 ? CMSG_FIRSTHDR(&header) : nullptr; each != nullptr) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(each), sizeof descriptor);
        http_.reset(descriptor);
      }
      if (count == 0 || (count < 0 && errno != EAGAIN)) return;  // the host let go of it
      if (count < 0) return watch_->waitReadable();
      const auto fed = reassembler_.feed({packet.data(), static_cast<std::size_t>(count)});
      REQUIRE_FALSE(std::holds_alternative<protocol::Violation>(fed));
      if (const auto* message = std::get_if<protocol::Message>(&fed)) {
        heard.push_back({static_cast<protocol::Kind>(message->frame.kind), std::string{message->payload}});
      }
    }
  }

  EventLoop& loop_;
  UniqueFd control_, call_, output_, errors_, input_, http_;
  UniqueFd handle_;  // a number may be another process's by now
  protocol::ReassemblyBudget budget_;
  protocol::Reassembler reassembler_{budget_};
  std::unique_ptr<FdWatch> watch_;
  std::uint64_t last_call_ = 0;
  std::vector<std::int32_t> answers_;
};

class FakeLauncher final : public process::WorkerLauncher {
 public:
  explicit FakeLauncher(EventLoop& loop) : loop_(loop) {}
  ~FakeLauncher() override {
    for (const auto& worker : workers)
      worker->end();
  }
  Result<process::LaunchedWorker> launch(const process::LaunchPlan& plan) override {
    if (!refusal.empty()) return Error{Code::Internal, refusal};
    return workers.emplace_back(std::make_unique<StandIn>(loop_, plan))->start();
  }

  std::string refusal;                            // not empty: nothing is launched any more
  std::vector<std::unique_ptr<StandIn>> workers;  // in the order of their start, those that ended too

 private:
  EventLoop& loop_;
};

}  // namespace longhaul::host::test
