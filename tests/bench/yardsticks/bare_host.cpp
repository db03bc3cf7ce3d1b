// Yardstick of starts, restarts and memory: the same longhaul-worker with the same plugin, under a host that is nothing
// but posix_spawn, a pidfd and the messages that a start needs. No store, no fence, no policy, no log.
// Usage: bare_host start|restart|idle WORKER PLUGIN FOLDER ROUNDS
//   start     spawn → Ready, a worker after the other
//   restart   kill -9 → the successor's first call is answered
//   idle      ROUNDS workers at once; prints the mean of their PSS in kB as per_s
// Each prints {"per_s", "p50_ns", "p99_ns"}.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "host/base/worker_contract.h"
#include "host/protocol/fragments.h"
#include "host/protocol/log_ring.h"
#include "host/protocol/messages.h"
#include "host/sandbox/confinement.h"
#include "tests/bench/yardsticks/yardstick.h"

extern char** environ;

namespace {

using namespace longhaul::bench;
using namespace longhaul::host;
using namespace longhaul::host::protocol;

struct Worker {
  pid_t pid = 0;
  int pidfd = -1, control = -1, call = -1;
};

struct Plan {
  std::string worker, plugin, folder;
};

void pair(int (&fds)[2]) {
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) fail("socketpair");
}

void send(int fd, Frame frame, const std::string& payload) {
  for (Fragments f{frame, payload}; !f.done(); f.next()) {
    std::string packet(sizeof(Frame), '\0');
    std::memcpy(packet.data(), &f.frame(), sizeof(Frame));
    packet += f.chunk();
    if (::send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) < 0) fail("send");
  }
}

// The bare host confines nothing.
void confine(const Worker& worker) {
  sandbox::Confinement nothing;
  nothing.drop_privileges = false;
  std::string payload;
  sandbox::encode(nothing, payload);
  send(worker.control, Frame{.kind = static_cast<std::uint16_t>(Kind::Confine)}, payload);
}

Worker spawn(const Plan& plan) {
  int control[2], call[2];
  pair(control);
  pair(call);
  const int page = ::memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (page < 0 || ::ftruncate(page, kSharedPageBytes) != 0) fail("memfd");
  if (::fcntl(page, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) fail("seals");
  // Above what is given to the worker, so that no dup2 overwrites another's source.
  const int ends[3] = {::fcntl(control[1], F_DUPFD_CLOEXEC, 100), ::fcntl(call[1], F_DUPFD_CLOEXEC, 100),
                       ::fcntl(page, F_DUPFD_CLOEXEC, 100)};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addchdir_np(&actions, plan.folder.c_str());
  for (int i = 0; i < 3; ++i)
    posix_spawn_file_actions_adddup2(&actions, ends[i], kControlFd + i);
  const std::string title = std::string(kWorkerTitle) + "yardstick", parent = std::to_string(::getpid());
  const char* const argv[] = {title.c_str(), plan.plugin.c_str(), parent.c_str(), "state=yardstick", nullptr};
  Worker worker;
  const int error =
      ::posix_spawn(&worker.pid, plan.worker.c_str(), &actions, nullptr, const_cast<char**>(argv), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) errno = error, fail("posix_spawn");
  worker.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, worker.pid, 0));
  for (const int fd : {control[1], call[1], page, ends[0], ends[1], ends[2]})
    ::close(fd);
  worker.control = control[0];
  worker.call = call[0];
  confine(worker);
  return worker;
}

Frame receive(int fd) {
  static char packet[kPacketBytesMax];
  Frame frame;
  const ssize_t size = ::recv(fd, packet, sizeof packet, 0);
  if (size < static_cast<ssize_t>(sizeof frame)) fail("the worker ended");
  std::memcpy(&frame, packet, sizeof frame);
  return frame;
}

void until(int fd, Kind kind) {
  for (;;) {
    const auto got = static_cast<Kind>(receive(fd).kind);
    if (got == kind) return;
    if (got == Kind::Failed) {
      std::fputs("the worker failed\n", stderr);
      std::exit(1);
    }
  }
}

// LOADED, then Start and READY.
void start(const Worker& worker, const Plan& plan, int index = 0) {
  until(worker.control, Kind::Loaded);
  Start message;
  message.generation = 1;
  message.context_bytes_max = kContextBytesMax;
  message.instance = "yardstick";
  message.last_run = message.version = message.urls = "{}";
  const std::string params = "{\"control\":\"" + plan.folder + "\",\"index\":" + std::to_string(index) + "}";
  message.params = params;
  const std::string number = std::to_string(index);
  message.parameters = {{"control", plan.folder}, {"index", number}};
  std::string payload;
  encode(message, payload);
  send(worker.control, Frame{.kind = static_cast<std::uint16_t>(Kind::Start)}, payload);
  until(worker.control, Kind::Ready);
}

void answerOneCall(const Worker& worker) {
  const Frame request = receive(worker.call);
  std::string payload;
  encode(Reply{}, payload);
  send(worker.call, Frame{.kind = static_cast<std::uint16_t>(Kind::Reply), .request_id = request.request_id}, payload);
}

void end(Worker& worker) {
  ::kill(worker.pid, SIGKILL);
  ::waitpid(worker.pid, nullptr, 0);
  for (const int fd : {worker.pidfd, worker.control, worker.call})
    ::close(fd);
}

std::vector<std::uint64_t> starts(const Plan& plan, int rounds) {
  std::vector<std::uint64_t> samples;
  for (int i = 0; i < rounds; ++i) {
    const std::uint64_t began = now();
    Worker worker = spawn(plan);
    start(worker, plan);
    samples.push_back(now() - began);
    answerOneCall(worker);
    end(worker);
  }
  return samples;
}

std::vector<std::uint64_t> restarts(const Plan& plan, int rounds) {
  std::vector<std::uint64_t> samples;
  Worker worker = spawn(plan);
  start(worker, plan);
  answerOneCall(worker);
  for (int i = 0; i < rounds; ++i) {
    const std::uint64_t began = now();
    ::kill(worker.pid, SIGKILL);
    pollfd ended{.fd = worker.pidfd, .events = POLLIN, .revents = 0};
    while (::poll(&ended, 1, -1) < 1) {
    }
    end(worker);
    worker = spawn(plan);
    start(worker, plan);
    answerOneCall(worker);
    samples.push_back(now() - began);
  }
  end(worker);
  return samples;
}

double pssKb(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
  for (std::string word; file >> word;) {
    double kb = 0;
    if (word == "Pss:" && file >> kb) return kb;
  }
  fail("smaps_rollup");
}

double idle(const Plan& plan, int count) {
  std::vector<Worker> workers;
  for (int i = 0; i < count; ++i) {
    workers.push_back(spawn(plan));
    start(workers.back(), plan, i);
    answerOneCall(workers.back());
  }
  ::poll(nullptr, 0, 500);  // until the last has gone to sleep
  double sum = 0;
  for (const Worker& worker : workers)
    sum += pssKb(worker.pid);
  for (Worker& worker : workers)
    end(worker);
  return sum / count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return std::fputs("usage: bare_host start|restart|idle WORKER PLUGIN FOLDER ROUNDS\n", stderr), 2;
  const std::string mode = argv[1];
  const Plan plan{argv[2], argv[3], argv[4]};
  const int rounds = std::atoi(argv[5]);
  if (mode == "idle") return report(idle(plan, rounds), 0, 0), 0;
  std::vector<std::uint64_t> samples = mode == "start" ? starts(plan, rounds) : restarts(plan, rounds);
  report(0, quantile(samples, 0.5), quantile(samples, 0.99));
}
