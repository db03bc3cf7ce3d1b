// Yardstick of a call: 64 bytes to another process and 16 bytes back over a socket pair, nothing encoded.
// Usage: ping_pong seqpacket|stream CALLERS SECONDS. One caller: both sides block. More: the callers are threads with a
// socket each, and the other process waits for all of them by epoll.
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string_view>
#include <thread>

#include "tests/bench/yardsticks/yardstick.h"

namespace {

using namespace longhaul::bench;

constexpr std::size_t kRequestBytes = 64, kReplyBytes = 16;

// False: the peer is gone.
bool answer(int fd) {
  char request[kRequestBytes];
  const char reply[kReplyBytes] = {};
  return ::recv(fd, request, sizeof request, MSG_WAITALL) == static_cast<ssize_t>(sizeof request) &&
         ::send(fd, reply, sizeof reply, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof reply);
}

[[noreturn]] void serve(const std::vector<int>& fds) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (fds.size() == 1) {
    while (answer(fds[0])) {
    }
    std::_Exit(0);
  }
  const int poll = ::epoll_create1(0);
  for (const int fd : fds) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }
  for (;;) {
    epoll_event events[64];
    const int count = ::epoll_wait(poll, events, 64, -1);
    for (int i = 0; i < count; ++i) {
      if (!answer(events[i].data.fd)) std::_Exit(0);
    }
  }
}

void call(int fd, std::uint64_t until, std::vector<std::uint64_t>& samples) {
  const char request[kRequestBytes] = {};
  char reply[kReplyBytes];
  for (std::uint64_t at = now(); at < until;) {
    if (::send(fd, request, sizeof request, MSG_NOSIGNAL) < 0) fail("send");
    if (::recv(fd, reply, sizeof reply, MSG_WAITALL) != static_cast<ssize_t>(sizeof reply)) fail("recv");
    const std::uint64_t then = now();
    samples.push_back(then - at);
    at = then;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: ping_pong seqpacket|stream CALLERS SECONDS\n", stderr), 2;
  const int type = std::string_view(argv[1]) == "stream" ? SOCK_STREAM : SOCK_SEQPACKET;
  const auto callers = static_cast<std::size_t>(std::atoi(argv[2]));
  std::vector<int> ours, theirs;
  for (std::size_t i = 0; i < callers; ++i) {
    int pair[2];
    if (::socketpair(AF_UNIX, type, 0, pair) != 0) fail("socketpair");
    ours.push_back(pair[0]);
    theirs.push_back(pair[1]);
  }
  const pid_t server = ::fork();
  if (server == 0) {
    for (const int fd : ours)
      ::close(fd);
    serve(theirs);
  }
  for (const int fd : theirs)
    ::close(fd);
  const std::uint64_t began = now();
  const std::uint64_t until = began + static_cast<std::uint64_t>(std::atof(argv[3]) * 1e9);
  std::vector<std::vector<std::uint64_t>> samples(callers);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < callers; ++i)
    threads.emplace_back([&, i] { call(ours[i], until, samples[i]); });
  for (std::thread& thread : threads)
    thread.join();
  const double seconds = static_cast<double>(now() - began) / 1e9;
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  std::vector<std::uint64_t> all;
  for (const auto& each : samples)
    all.insert(all.end(), each.begin(), each.end());
  const auto count = static_cast<double>(all.size());
  report(count / seconds, quantile(all, 0.5), quantile(all, 0.99));
}
