#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <chrono>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "host/base/worker_limits.h"
#include "host/process/process_tree.h"
#include "host/process/worker_launcher.h"

using namespace longhaul::host;
using namespace longhaul::host::process;

namespace {

constexpr int kFailMs = 20'000;

// A folder, and in it a shell script that stands for the worker: /bin/sh is the binary, the script the plugin.
class Sandbox {
 public:
  Sandbox() {
    char name[] = "/tmp/longhaul-process-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    folder_ = name;
  }
  ~Sandbox() { std::filesystem::remove_all(folder_); }

  LaunchPlan plan(const std::string& script) const {
    std::ofstream{folder_ / "script"} << script;
    return LaunchPlan{.instance = "edge",
                      .worker_binary = "/bin/sh",
                      .working_folder = folder_,
                      .plugin_path = folder_ / "script",
                      .state_tag = "test-" + std::to_string(::getpid()),
                      .listeners = {}};
  }
  std::filesystem::path folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

void waitReadable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  REQUIRE(::poll(&ready, 1, kFailMs) == 1);
}

std::string readAll(int fd) {
  std::string bytes;
  char buffer[4096];
  for (;;) {
    waitReadable(fd);
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    REQUIRE(count >= 0);
    if (count == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string readLine(int fd) {
  std::string line;
  for (char c = 0;; line += c) {
    waitReadable(fd);
    REQUIRE(::read(fd, &c, 1) == 1);
    if (c == '\n') return line;
  }
}

ExitStatus waitFor(const LaunchedWorker& worker) {
  waitReadable(worker.pidfd.get());
  auto result = waitResult(worker.pidfd.get());
  REQUIRE(result);
  REQUIRE(result->has_value());
  return **result;
}

// Ended, whether or not somebody waited for it.
bool isGone(pid_t pid) {
  const UniqueFd handle = openPidfd(pid);
  if (!handle) return true;
  pollfd ended{handle.get(), POLLIN, 0};
  return ::poll(&ended, 1, kFailMs) == 1;
}

}  // namespace

TEST_CASE("a worker finds its descriptors at their numbers and no others, its folder, and a clean environment") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  ::setenv("LONGHAUL_TEST_SECRET", "x", 1);
  LaunchPlan plan = sandbox.plan(
      "pwd; env | grep -c -e SECRET; env | grep ^HOME; env | grep ^LONGHAUL_WORKER\n"
      "for fd in 0 1 3 4 5 6 7; do readlink /proc/$$/fd/$fd; done\n"
      "set -- /proc/$$/fd/*; echo $#; tr '\\0' '|' < /proc/$$/cmdline; ps -o pgid= $$ >&2");
  const UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const UniqueFd file{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
  plan.listeners = {listener.get(), file.get()};
  auto worker = launcher.launch(plan);
  REQUIRE(worker);
  const auto& fds = *worker;
  CHECK(readLine(fds.stdout_read.get()) == sandbox.folder());
  CHECK(readLine(fds.stdout_read.get()) == "0");
  CHECK(readLine(fds.stdout_read.get()) == "HOME=" + sandbox.folder().string());
  CHECK(readLine(fds.stdout_read.get()) == "LONGHAUL_WORKER=" + worker->tag);
  CHECK(readLine(fds.stdout_read.get()) == "/dev/null");
  CHECK(readLine(fds.stdout_read.get()).starts_with("pipe:"));
  for (int i = 0; i < 2; ++i)
    CHECK(readLine(fds.stdout_read.get()).starts_with("socket:"));
  CHECK(readLine(fds.stdout_read.get()).starts_with("/memfd:longhaul-page"));
  CHECK(readLine(fds.stdout_read.get()).starts_with("socket:"));
  CHECK(readLine(fds.stdout_read.get()) == "/dev/zero");
  // 0 to 7, the script that the shell reads, and the folder while it lists it.
  CHECK(readLine(fds.stdout_read.get()) == "10");
  CHECK(readAll(fds.stdout_read.get()) == "longhaul-worker: LongRunning edge|" + plan.plugin_path + "|" +
                                              std::to_string(::getpid()) + "|state=" + plan.state_tag + "|");
  CHECK(std::stoi(readAll(fds.stderr_read.get())) == fds.pid);
  const ExitStatus end = waitFor(fds);
  CHECK_FALSE(end.signaled);
  CHECK(end.code == 0);
  CHECK(end.rss_max_bytes > 0);
}

TEST_CASE("a worker of a host with real-time priority has none itself") {
  const sched_param highest{.sched_priority = 1};
  if (::sched_setscheduler(0, SCHED_RR, &highest) != 0) {
    WARN("skipped: this user may not have real-time priority");
    return;
  }
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  auto worker = launcher.launch(sandbox.plan("cut -d ' ' -f 40,41 /proc/$$/stat"));
  const sched_param none{};
  REQUIRE(::sched_setscheduler(0, SCHED_OTHER, &none) == 0);
  REQUIRE(worker);
  CHECK(readAll(worker->stdout_read.get()) == "0 0\n");
  waitFor(*worker);
}

TEST_CASE("the host's own descriptors never land in the middle of the worker's, whatever their numbers are") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  LaunchPlan plan = sandbox.plan("for fd in 1 3 4 5 6 7 8 9; do readlink /proc/$$/fd/$fd; done");
  // Listeners at the very numbers that the worker's descriptors get, in the reverse order.
  std::vector<UniqueFd> held;
  for (int i = 0; i < 4; ++i)
    held.emplace_back(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  plan.listeners = {held[3].get(), null.get(), held[1].get(), null.get()};
  held[0].reset();
  held[2].reset();
  auto worker = launcher.launch(plan);
  REQUIRE(worker);
  const int out = worker->stdout_read.get();
  CHECK(readLine(out).starts_with("pipe:"));
  CHECK(readLine(out).starts_with("socket:"));
  CHECK(readLine(out).starts_with("socket:"));
  CHECK(readLine(out).starts_with("/memfd:"));
  CHECK(readLine(out) == "/dev/zero");
  CHECK(readLine(out) == "/dev/null");
  CHECK(readLine(out) == "/dev/zero");
  CHECK(readLine(out) == "/dev/null");
  waitFor(*worker);
}

TEST_CASE("blocked and ignored signals of the host are not inherited, and the worker's ends block") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
  const auto handler = std::signal(SIGPIPE, SIG_IGN);
  auto worker = launcher.launch(
      sandbox.plan("grep -E 'SigBlk|SigIgn' /proc/self/status; grep flags /proc/self/fdinfo/1; kill -TERM $$"));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  std::signal(SIGPIPE, handler);
  REQUIRE(worker);
  CHECK(readLine(worker->stdout_read.get()) == "SigBlk:\t0000000000000000");
  CHECK(readLine(worker->stdout_read.get()) == "SigIgn:\t0000000000000000");
  CHECK(std::stoi(readLine(worker->stdout_read.get()).substr(7), nullptr, 8) == O_WRONLY);
  const ExitStatus end = waitFor(*worker);
  CHECK(end.signaled);
  CHECK(end.code == SIGTERM);
  for (const int fd : {worker->stdout_read.get(), worker->control.get(), worker->first_call.get()})
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("what cannot be started says what is missing, and leaves no descriptor behind") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  LaunchPlan plan = sandbox.plan("exit 0");
  const auto open_count = [] {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, std::filesystem::directory_iterator{});
  };
  const auto before = open_count();
  std::string missing;
  SECTION("the binary") {
    plan.worker_binary = missing = "/no/such/worker";
  }
  SECTION("the folder") {
    plan.working_folder = missing = "/no/such/folder";
  }
  auto worker = launcher.launch(plan);
  REQUIRE_FALSE(worker);
  CHECK(worker.error().message.find(missing) != std::string::npos);
  CHECK(worker.error().message.find("No such file") != std::string::npos);
  CHECK(open_count() == before);
}

TEST_CASE("the page is zero, shared, sealed against a change of its size, and gives memory back") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  auto worker =
      launcher.launch(sandbox.plan("read line; printf hello >&5; truncate -s 0 /proc/self/fd/5 || echo sealed"));
  REQUIRE(worker);
  CHECK(worker->page.sizeBytes() == kPageHeaderBytes + kLogRingBytes + kPageStacksBytes);
  CHECK(readLine(worker->stdout_read.get()) == "sealed");
  auto* bytes = static_cast<char*>(worker->page.address());
  CHECK(std::string{bytes} == "hello");
  bytes[kPageHeaderBytes] = 'x';
  worker->page.punch(kPageHeaderBytes);
  CHECK(bytes[kPageHeaderBytes] == 0);
  CHECK(std::string{bytes} == "hello");
  waitFor(*worker);
}

TEST_CASE("what a worker left is killed and reaped, also when it left the group, and nothing else is") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  auto sibling = launcher.launch(sandbox.plan("echo ready; read line <&3"));
  REQUIRE(sibling);
  readLine(sibling->stdout_read.get());
  auto worker =
      // Each tells its pid when it runs: in the middle of an exec a process shows no tag.
      launcher.launch(sandbox.plan("loop='echo $$; while :; do sleep 1000; done'\n"
                                   "export loop\n"
                                   "sh -c \"$loop\" &\n"
                                   "setsid sh -c '(setsid sh -c \"$loop\" &); eval \"$loop\"' &\n"
                                   "read line <&3"));
  REQUIRE(worker);
  std::vector<pid_t> left;
  for (int i = 0; i < 3; ++i)
    left.push_back(std::stoi(readLine(worker->stdout_read.get())));
  const std::vector<pid_t> known{worker->pid, sibling->pid};

  SECTION("after the worker was killed alone") {
    REQUIRE(signalProcess(worker->pidfd.get(), SIGKILL));
    waitReadable(worker->pidfd.get());
    killLeftBehind(worker->pid, worker->tag, known);
  }
  SECTION("with the worker") {
    CHECK(signalTree(worker->pid, worker->tag, SIGKILL) >= 4);
  }
  for (const pid_t pid : left)
    CHECK(isGone(pid));
  CHECK(waitFor(*worker).signaled);
  for (const pid_t pid : adoptedChildren({sibling->pid})) {
    if (const UniqueFd dying = openPidfd(pid)) waitReadable(dying.get());  // it was killed; then it can be reaped
  }
  killLeftBehind(worker->pid, worker->tag, {sibling->pid});
  CHECK(adoptedChildren({sibling->pid}).empty());
  CHECK(tagOf(sibling->pid) == sibling->tag);
  CHECK(usageOf(sibling->pid)->rss_bytes > 0);
  CHECK(usageOf(sibling->pid)->thread_count == 1);
  CHECK(waitResult(sibling->pidfd.get()).value() == std::nullopt);
  signalTree(sibling->pid, sibling->tag, SIGKILL);
  waitFor(*sibling);
}

TEST_CASE("a child that was handed on while the dead worker's children were looked at is found too") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  for (int i = 0; i < 40; ++i) {  // the middle process ends at about the time of the look
    auto worker = launcher.launch(sandbox.plan("setsid sh -c 'setsid sleep 1000 &' & kill -9 $$"));
    REQUIRE(worker);
    waitReadable(worker->pidfd.get());
    killLeftBehind(worker->pid, worker->tag, {worker->pid});
    waitFor(*worker);
    // What was in the middle of an exec then shows its tag by and by.
    for (const pid_t pid : adoptedChildren({})) {
      const UniqueFd left = openPidfd(pid);
      pollfd ended{left.get(), POLLIN, 0};
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{kFailMs};
      while (left && ::poll(&ended, 1, 1) == 0) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        killStrays({}, {});
      }
    }
    reapAdopted({});
  }
  CHECK(adoptedChildren({}).empty());
}

TEST_CASE("what forks on while it is looked for is ended with its host") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  // Eight chains, each a process that starts its successor and ends, without a name, and with a sleeper now and then.
  auto worker =
      launcher.launch(sandbox.plan("exec env -i setsid sh -c 'on() { on & }; rest() { sleep 1000 & on; }; "
                                   "for i in 1 2 3 4 5 6 7 8; do rest & done; echo; kill -9 $$'"));
  REQUIRE(worker);
  readLine(worker->stdout_read.get());
  waitFor(*worker);
  const auto ended = endDescendants(std::chrono::milliseconds{kFailMs});
  REQUIRE(ended);
  CHECK(*ended >= 8);
  CHECK(adoptedChildren({}).empty());
  CHECK(*endDescendants({}) == 0);
}

TEST_CASE("a stray is what bears the tag of a worker that is no longer there") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  auto worker =
      launcher.launch(sandbox.plan("(setsid sh -c 'echo $$; while :; do sleep 1000; done' &); read line <&3"));
  REQUIRE(worker);
  const pid_t adopted = std::stoi(readLine(worker->stdout_read.get()));
  CHECK(killStrays({worker->pid}, {worker->tag}) == 0);
  CHECK(killStrays({worker->pid}, {"of-another"}) >= 1);
  CHECK(isGone(adopted));
  signalTree(worker->pid, worker->tag, SIGKILL);
  waitFor(*worker);
  reapAdopted({});
}

TEST_CASE("a stray that wiped its environment is a plugin's too") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  auto worker =
      launcher.launch(sandbox.plan("(setsid env -i sh -c 'echo $$; while :; do sleep 1000; done' &); read line <&3"));
  REQUIRE(worker);
  const pid_t adopted = std::stoi(readLine(worker->stdout_read.get()));
  CHECK(descendsFromThis(adopted));
  // It is ours once the shell between has ended.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{kFailMs};
  while (adoptedChildren({worker->pid}).empty())
    REQUIRE(std::chrono::steady_clock::now() < until);
  CHECK(killStrays({worker->pid}, {worker->tag}) >= 1);
  CHECK(isGone(adopted));
  signalTree(worker->pid, worker->tag, SIGKILL);
  waitFor(*worker);
  reapAdopted({});
}

TEST_CASE("what a worker starts descends from this process, and nobody else does") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  auto worker = launcher.launch(sandbox.plan("sh -c 'echo $$; read line <&3; true'; true"));
  REQUIRE(worker);
  const pid_t grandchild = std::stoi(readLine(worker->stdout_read.get()));
  CHECK(descendsFromThis(worker->pid));
  CHECK(descendsFromThis(grandchild));
  CHECK_FALSE(descendsFromThis(::getppid()));
  signalTree(worker->pid, worker->tag, SIGKILL);
  waitFor(*worker);
  CHECK(descendsFromThis(worker->pid));  // gone: nothing can be told of it
}

TEST_CASE("the end of what a living worker let go is taken, and a worker's is left to who waits for it") {
  const Sandbox sandbox;
  PosixWorkerLauncher launcher;
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  auto worker = launcher.launch(sandbox.plan("(sleep 1000 & echo $!); echo let go; read line <&3"));
  REQUIRE(worker);
  const pid_t adopted = std::stoi(readLine(worker->stdout_read.get()));
  REQUIRE(readLine(worker->stdout_read.get()) == "let go");
  const UniqueFd handle = openPidfd(adopted);
  REQUIRE(::kill(adopted, SIGKILL) == 0);
  waitReadable(handle.get());
  CHECK_THAT(adoptedChildren({worker->pid}), Catch::VectorContains(adopted));
  reapAdopted({worker->pid});
  CHECK_THAT(adoptedChildren({worker->pid}), !Catch::VectorContains(adopted));

  REQUIRE(signalProcess(worker->pidfd.get(), SIGKILL));
  waitReadable(worker->pidfd.get());
  reapAdopted({worker->pid});
  CHECK(waitFor(*worker).signaled);
}

TEST_CASE("the sweep ends the workers of a dead host on the same state directory, and only those") {
  const Sandbox sandbox;
  const std::string tag = sandbox.plan("").state_tag;
  PosixWorkerLauncher launcher;
  auto ours = launcher.launch(sandbox.plan("echo ready; read line <&3"));
  REQUIRE(ours);
  readLine(ours->stdout_read.get());

  // The dead host: a child that launches two workers, tells their pids, and ends.
  int pids[2];
  REQUIRE(::pipe(pids) == 0);
  const pid_t host = ::fork();
  if (host == 0) {
    LaunchPlan plan = sandbox.plan("trap '' HUP; (setsid sleep 1000 & echo $!); exec 3<&- ; sleep 1000");
    plan.state_tag = tag;
    PosixWorkerLauncher dead;
    auto worker = dead.launch(plan);
    if (!worker) ::_exit(1);
    plan.state_tag += "-other";
    auto other = dead.launch(plan);
    if (!other) ::_exit(1);
    const pid_t told[3]{worker->pid, std::stoi(readLine(worker->stdout_read.get())), other->pid};
    readLine(other->stdout_read.get());
    ::_exit(::write(pids[1], told, sizeof told) == sizeof told ? 0 : 1);
  }
  pid_t told[3];
  REQUIRE(::read(pids[0], told, sizeof told) == sizeof told);
  ::close(pids[0]);
  ::close(pids[1]);
  const UniqueFd host_handle = openPidfd(host);
  waitReadable(host_handle.get());
  REQUIRE(waitResult(host_handle.get()).value()->code == 0);

  const auto swept = sweepOrphans(tag, std::chrono::seconds{10});
  REQUIRE(swept);
  CHECK(*swept >= 2);
  CHECK(isGone(told[0]));
  CHECK(isGone(told[1]));
  CHECK(::kill(told[2], 0) == 0);
  CHECK(waitResult(ours->pidfd.get()).value() == std::nullopt);
  CHECK(sweepOrphans(tag + "-other", std::chrono::seconds{10}).value() >= 1);
  CHECK(sweepOrphans(tag, std::chrono::seconds{10}).value() == 0);
  signalTree(ours->pid, ours->tag, SIGKILL);
  waitFor(*ours);
}
