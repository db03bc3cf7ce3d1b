#include "test_host.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace longhaul::host::test {
namespace {

constexpr int kLimitMs = 30'000;

void sendPackets(int fd, protocol::Frame frame, std::string_view payload) {
  for (protocol::Fragments each{frame, payload}; !each.done(); each.next()) {
    iovec parts[2]{{const_cast<protocol::Frame*>(&each.frame()), sizeof(protocol::Frame)},
                   {const_cast<char*>(each.chunk().data()), each.chunk().size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    while (::sendmsg(fd, &message, MSG_NOSIGNAL) < 0) {
      pollfd writable{fd, POLLOUT, 0};
      if (errno != EAGAIN || ::poll(&writable, 1, kLimitMs) != 1) return;  // the worker is gone; its end shows
    }
  }
}

}  // namespace

TestHost::TestHost(const std::string& plugin, std::vector<int> listeners, const sandbox::Confinement& confinement) {
  char name[] = "/tmp/longhaul-worker-XXXXXX";
  if (::mkdtemp(name) == nullptr) fail("mkdtemp");
  folder = name;
  auto launched = launcher_.launch({.instance = "edge",
                                    .worker_binary = LONGHAUL_WORKER_BINARY,
                                    .working_folder = folder,
                                    .plugin_path = std::string{LONGHAUL_PLUGIN_FOLDER "/"} + plugin + ".so",
                                    .state_tag = "test",
                                    .listeners = std::move(listeners)});
  if (!launched) fail(launched.error().message);
  worker = std::move(*launched);
  std::string confine;
  sandbox::encode(confinement, confine);
  sendControl(protocol::Kind::Confine, confine);
  ring_ = std::make_unique<protocol::LogRingReader>(worker.page.address());
  ring_->sleep();
  call_sockets_.push_back({std::move(worker.first_call), std::make_unique<protocol::Reassembler>(budget_)});
  start_message = {.generation = 1,
                   .context_version = 0,
                   .last_run_version = 0,
                   .context_bytes_max = 8U << 20,
                   .signals_ready = 0,
                   .instance = "edge",
                   .params = "{}",
                   .last_run = "{}",
                   .version = R"({"version":"0.1.0"})",
                   .urls = "{}",
                   .license_id = "license",
                   .parameters = {},
                   .context = {},
                   .listeners = {}};
}

TestHost::~TestHost() {
  if (!ended_) {
    process::signalTree(worker.pid, worker.tag, SIGKILL);
    pollfd ended{worker.pidfd.get(), POLLIN, 0};
    ::poll(&ended, 1, kLimitMs);
    (void)process::waitResult(worker.pidfd.get());
  }
  std::filesystem::remove_all(folder);
}

void TestHost::fail(const std::string& text) {
  std::string seen = text + "; log:";
  for (const LogLine& each : lines)
    seen += "\n  " + each.text;
  throw std::runtime_error(seen + "\nstdout:\n" + output + "\nstderr:\n" + errors);
}

void TestHost::start(const std::string& mode) {
  expect(protocol::Kind::Hello);
  expect(protocol::Kind::Loaded);
  parameters.push_back({"mode", mode});
  start_message.parameters = parameters;
  sendMessage(protocol::Kind::Start, start_message);
}

void TestHost::sendControl(protocol::Kind kind, std::string_view payload) {
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(kind);
  sendPackets(worker.control.get(), frame, payload);
}

std::string TestHost::expect(protocol::Kind kind) {
  pumpUntil([&] { return !control_messages.empty(); });
  const ControlMessage message = std::move(control_messages.front());
  control_messages.pop_front();
  if (message.kind != kind) {
    fail("control message " + std::to_string(static_cast<int>(message.kind)) + " instead of " +
         std::to_string(static_cast<int>(kind)) + ": " + message.payload);
  }
  return message.payload;
}

Call TestHost::nextCall() {
  pumpUntil([&] { return !calls.empty(); });
  Call call = std::move(calls.front());
  calls.pop_front();
  return call;
}

void TestHost::reply(const Call& call, std::int32_t status, std::string_view payload) {
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(protocol::Kind::Reply);
  frame.status = status;
  frame.request_id = call.frame.request_id;
  sendPackets(call_sockets_[call.socket].fd.get(), frame, payload);
}

void TestHost::replyResult(const Call& call, std::string_view result) {
  std::string payload;
  protocol::encode(protocol::Reply{.result = result, .last_run = std::nullopt, .changes = {}}, payload);
  reply(call, 0, payload);
}

void TestHost::pumpUntil(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{kLimitMs};
  while (!done()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    const auto left_ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
    if (left_ms <= 0) fail("what was waited for did not come");
    if (!pumpOnce(static_cast<int>(left_ms)) && !done()) fail("the worker ended before what was waited for");
  }
}

void TestHost::expectLine(std::string_view text) {
  pumpUntil([&] {
    for (const LogLine& each : lines) {
      if (each.text == text) return true;
    }
    return false;
  });
}

// False: the worker has ended and everything was read.
bool TestHost::pumpOnce(int timeout_ms) {
  std::vector<pollfd> polled{{control_open_ ? worker.control.get() : -1, POLLIN, 0},
                             {worker.stdout_read ? worker.stdout_read.get() : -1, POLLIN, 0},
                             {worker.stderr_read ? worker.stderr_read.get() : -1, POLLIN, 0},
                             {ended_ ? -1 : worker.pidfd.get(), POLLIN, 0}};
  for (const Socket& each : call_sockets_)
    polled.push_back({each.fd ? each.fd.get() : -1, POLLIN, 0});
  ::poll(polled.data(), polled.size(), timeout_ms);
  const bool worker_ended = polled[3].revents != 0;

  // In any order: what a dead worker left is read as well, as the sockets stay readable.
  if (control_open_) {
    control_open_ =
        readSocket(worker.control.get(), control_reassembler_, [&](const auto& each) { takeControl(each); });
  }
  readOutput(worker.stdout_read, output);
  readOutput(worker.stderr_read, errors);
  for (std::size_t i = 0; i < call_sockets_.size(); ++i) {
    if (!call_sockets_[i].fd) continue;
    const bool open = readSocket(call_sockets_[i].fd.get(), *call_sockets_[i].reassembler, [&](const auto& each) {
      calls.push_back({i, each.frame, std::string{each.payload}});
    });
    if (!open) call_sockets_[i].fd.reset();
  }
  do {
    ring_->drain([&](const protocol::LogRecord& record, std::string_view text) {
      lines.push_back({static_cast<protocol::LogLevel>(record.level), record.thread, std::string{text}});
    });
  } while (!ring_->sleep());
  return !worker_ended;
}

bool TestHost::readSocket(int fd, protocol::Reassembler& reassembler,
                          const std::function<void(const protocol::Message&)>& take) {
  std::vector<char> packet(kPacketBytesMax);
  for (;;) {
    const ssize_t count = ::recv(fd, packet.data(), packet.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return true;
    if (count < 0 && errno == ECONNRESET) continue;
    if (count <= 0) return false;
    auto fed = reassembler.feed({packet.data(), static_cast<std::size_t>(count)});
    if (const auto* violation = std::get_if<protocol::Violation>(&fed)) fail("violation: " + violation->text);
    if (const auto* message = std::get_if<protocol::Message>(&fed)) take(*message);
  }
}

void TestHost::readOutput(UniqueFd& fd, std::string& into) {
  char bytes[4096];
  while (fd) {
    const ssize_t count = ::read(fd.get(), bytes, sizeof bytes);
    if (count < 0) return;
    if (count == 0) fd.reset();
    into.append(bytes, static_cast<std::size_t>(count));
  }
}

void TestHost::takeControl(const protocol::Message& message) {
  const auto kind = static_cast<protocol::Kind>(message.frame.kind);
  if (kind == protocol::Kind::Doorbell) return;  // the ring is read in every turn
  if (kind == protocol::Kind::MoreCalls) {
    answerMoreCalls(message.frame);
  } else {
    control_messages.push_back({kind, std::string{message.payload}});
  }
}

void TestHost::answerMoreCalls(const protocol::Frame& request) {
  ++more_calls_count;
  protocol::Frame frame = request;
  if (!more_calls_allowed) {
    frame.status = static_cast<std::int32_t>(Code::Busy);
    sendPackets(worker.control.get(), frame, {});
    return;
  }
  auto pair = process::makeSocketPair();
  if (!pair) fail(pair.error().message);
  iovec part{&frame, sizeof frame};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = ancillary;
  header.msg_controllen = sizeof ancillary;
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = pair->worker.get();
  std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  if (::sendmsg(worker.control.get(), &header, MSG_NOSIGNAL) < 0) fail("sendmsg");
  call_sockets_.push_back({std::move(pair->host), std::make_unique<protocol::Reassembler>(budget_)});
}

process::ExitStatus TestHost::waitEnd() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{kLimitMs};
  while (pumpOnce(kLimitMs)) {
    if (std::chrono::steady_clock::now() > deadline) fail("the worker did not end");
  }
  pumpOnce(0);
  ended_ = true;
  auto result = process::waitResult(worker.pidfd.get());
  if (!result || !*result) fail("no wait result");
  return **result;
}

}  // namespace longhaul::host::test
