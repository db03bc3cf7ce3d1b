#include "host/process/worker_launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "host/base/worker_contract.h"
#include "host/base/worker_limits.h"
#include "host/process/process_tree.h"
#include "host/process/spawn.h"

namespace longhaul::host::process {
namespace {

constexpr std::size_t kPageBytes = kPageHeaderBytes + kLogRingBytes + kPageStacksBytes;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<void> makeNonBlocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return systemError("fcntl O_NONBLOCK", errno);
  return {};
}

Result<Pipe> makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return systemError("pipe for a worker's output", errno);
  Pipe pipe{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  if (auto done = makeNonBlocking(pipe.read.get()); !done) return std::move(done).error();
  return pipe;
}

struct PageMemory {
  UniqueFd file;
  SharedPage page;
};

Result<PageMemory> makePage() {
  UniqueFd file{::memfd_create("longhaul-page", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file) return systemError("memfd_create for a worker's page", errno);
  if (::ftruncate(file.get(), kPageBytes) != 0 ||
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return systemError("size and seal a worker's page", errno);
  }
  void* address = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) return systemError("map a worker's page", errno);
  return PageMemory{std::move(file), SharedPage{address, kPageBytes}};
}

std::vector<std::string> environmentOf(const LaunchPlan& plan, const std::string& tag) {
  std::vector<std::string> variables{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + plan.working_folder,
                                     "TMPDIR=" + plan.working_folder, std::string{kWorkerVariable} + tag};
  if (const char* zone = std::getenv("TZ")) variables.push_back(fmt::format("TZ={}", zone));
  addSanitizerOptions(variables);
  return variables;
}

// posix_spawn has one number for all that can go wrong in the child; this finds out which it was.
Error spawnError(const LaunchPlan& plan, int error_number) {
  if (::access(plan.worker_binary.c_str(), X_OK) != 0) {
    return systemError(
        fmt::format("start {}: it cannot be executed; is Longhaul installed completely?", plan.worker_binary), errno);
  }
  if (::access(plan.working_folder.c_str(), X_OK) != 0) {
    return systemError(fmt::format("start a worker in {}", plan.working_folder), errno);
  }
  return systemError(fmt::format("start {}", plan.worker_binary), error_number);
}

}  // namespace

SharedPage::SharedPage(SharedPage&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), size_bytes_(std::exchange(other.size_bytes_, 0)) {}

SharedPage& SharedPage::operator=(SharedPage&& other) noexcept {
  std::swap(address_, other.address_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

SharedPage::~SharedPage() {
  if (address_) ::munmap(address_, size_bytes_);
}

void SharedPage::punch(std::size_t offset_bytes) const {
  // A hint: when the system refuses, the memory stays in use and nothing else changes.
  (void)::madvise(static_cast<char*>(address_) + offset_bytes, size_bytes_ - offset_bytes, MADV_REMOVE);
}

Result<SocketPair> makeSocketPair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return systemError("socketpair for a worker", errno);
  }
  SocketPair pair{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  if (auto done = makeNonBlocking(pair.host.get()); !done) return std::move(done).error();
  return pair;
}

Result<LaunchedWorker> PosixWorkerLauncher::launch(const LaunchPlan& plan) {
  auto out = makePipe();
  if (!out) return std::move(out).error();
  auto err = makePipe();
  if (!err) return std::move(err).error();
  auto control = makeSocketPair();
  if (!control) return std::move(control).error();
  auto call = makeSocketPair();
  if (!call) return std::move(call).error();
  auto memory = makePage();
  if (!memory) return std::move(memory).error();

  Spawning spawn;
  std::vector<int> wanted{out->write.get(), err->write.get(), control->worker.get(), call->worker.get(),
                          memory->file.get()};
  static_assert(kControlFd == 3 && kFirstCallFd == 4 && kPageFd == 5 && kFirstListenerFd == 6);
  wanted.insert(wanted.end(), plan.listeners.begin(), plan.listeners.end());
  if (auto done = spawn.pass(wanted, STDOUT_FILENO); !done) return std::move(done).error();
  ::posix_spawn_file_actions_addopen(&spawn.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addchdir_np(&spawn.actions, plan.working_folder.c_str());

  LaunchedWorker worker;
  worker.tag = fmt::format("{}/{}.{}", plan.state_tag, ::getpid(), ++serial_);
  std::vector<std::string> arguments{std::string{kWorkerTitle} + plan.instance, plan.plugin_path,
                                     std::to_string(::getpid()), "state=" + plan.state_tag};
  static_assert(kArgPlugin == 1 && kArgHostPid == 2 && kArgStateTag == 3 && kArgCount == 4);
  const int failed = spawn.start(plan.worker_binary, std::move(arguments), environmentOf(plan, worker.tag), worker.pid);
  if (failed != 0) return spawnError(plan, failed);

  // Nobody has waited for it yet, so the number is still its own.
  worker.pidfd = openPidfd(worker.pid);
  if (!worker.pidfd) {
    const int error_number = errno;
    ::kill(-worker.pid, SIGKILL);
    ::waitpid(worker.pid, nullptr, 0);
    return systemError("pidfd_open of a worker", error_number);
  }
  worker.stdout_read = std::move(out->read);
  worker.stderr_read = std::move(err->read);
  worker.control = std::move(control->host);
  worker.first_call = std::move(call->host);
  worker.page = std::move(memory->page);
  return worker;
}

}  // namespace longhaul::host::process
