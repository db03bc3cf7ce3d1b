#include "host/process/process_tree.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <unordered_set>
#include <utility>

#include "host/base/text.h"
#include "host/base/worker_contract.h"
#include "host/process/proc_files.h"

namespace longhaul::host::process {
namespace {

// A process between two looks can fork again. So what is more than one process is stopped before it is ended: what is
// stopped forks no more and keeps its place among the processes that its limit allows.
constexpr int kKillRoundsMax = 20;
constexpr std::size_t kTreeProcessesMax = 1000;  // looked at of one worker

// `listed`: whether this kernel tells.
std::vector<pid_t> childrenOf(pid_t pid, bool* listed = nullptr) {
  std::vector<pid_t> children;
  for (const pid_t thread : numbersIn(procPath(pid, "task"))) {
    const std::string path = fmt::format("/proc/{}/task/{}/children", pid, thread);
    if (::access(path.c_str(), R_OK) != 0) continue;
    if (listed != nullptr) *listed = true;
    const std::string line = readProc(path);
    for (std::string_view rest = line; !rest.empty();) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (const auto child = parseInt(rest.substr(0, end))) children.push_back(static_cast<pid_t>(*child));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return children;
}

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  bool zombie = false;
  std::int64_t started = 0;  // with the pid, it names a process for ever
};

std::optional<Process> processOf(pid_t pid) {
  const std::string text = readProc(procPath(pid, "stat"));
  const auto fields = statFields(text);
  if (fields.size() < 20) return std::nullopt;
  return Process{pid, static_cast<pid_t>(numberAt(fields, 1)), static_cast<pid_t>(numberAt(fields, 2)),
                 fields[0] == "Z" || fields[0] == "X", numberAt(fields, 19)};
}

std::vector<Process> allProcesses() {
  std::vector<Process> all;
  for (const pid_t pid : numbersIn("/proc")) {
    if (const auto process = processOf(pid)) all.push_back(*process);
  }
  return all;
}

// A handle of exactly this process: opened, then compared, because the number may have been given away meanwhile.
UniqueFd handleOf(const Process& process) {
  UniqueFd handle = openPidfd(process.pid);
  if (!handle) return handle;
  const auto now = processOf(process.pid);
  if (!now || now->started != process.started) handle.reset();
  return handle;
}

// The descendants of `roots` and whoever `alsoWanted` accepts, without zombies and without ourselves.
template <class AlsoWanted>
std::vector<Process> treeOf(std::unordered_set<pid_t> roots, AlsoWanted alsoWanted) {
  std::vector<Process> rest = allProcesses();
  std::erase_if(rest, [](const Process& each) { return each.pid == ::getpid(); });
  std::vector<Process> found;
  const auto move = [&](auto belongs) {
    const auto others =
        std::stable_partition(rest.begin(), rest.end(), [&](const Process& each) { return !belongs(each); });
    const bool any = others != rest.end();
    for (auto each = others; each != rest.end(); ++each) {
      roots.insert(each->pid);
      if (!each->zombie) found.push_back(*each);
    }
    rest.erase(others, rest.end());
    return any;
  };
  move([&](const Process& each) { return roots.contains(each.pid) || alsoWanted(each); });
  while (move([&](const Process& each) { return roots.contains(each.parent); }))
    continue;
  return found;
}

// Stops them round by round, until a look shows nobody new.
template <class AlsoWanted>
void stopAll(const std::unordered_set<pid_t>& roots, AlsoWanted alsoWanted) {
  std::unordered_set<pid_t> stopped;
  for (int round = 0; round < kKillRoundsMax; ++round) {
    bool found_new = false;
    for (const Process& process : treeOf(roots, alsoWanted)) {
      if (!stopped.insert(process.pid).second) continue;
      found_new = true;
      if (const UniqueFd handle = handleOf(process)) signalProcess(handle.get(), SIGSTOP);
    }
    if (!found_new) return;
  }
}

bool bearsTag(pid_t pid, std::string_view tag) {
  return !tag.empty() && tagOf(pid) == tag;
}

// "state tag" of "state tag/host pid.serial", and the host's pid.
struct TagParts {
  std::string_view state;
  pid_t host = 0;
};
TagParts partsOf(std::string_view tag) {
  const std::size_t slash = tag.rfind('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view rest = tag.substr(slash + 1);
  return {tag.substr(0, slash), static_cast<pid_t>(parseInt(rest.substr(0, rest.find('.'))).value_or(0))};
}

// By its arguments, or, once it executed something else, by its environment.
bool isOrphanOf(const Process& process, std::string_view state_tag) {
  if (process.zombie) return false;
  struct stat folder;
  if (::stat(procPath(process.pid, "").c_str(), &folder) != 0) return false;
  if (::geteuid() != 0 && folder.st_uid != ::geteuid()) return false;
  const std::string environment_tag = tagOf(process.pid);
  if (const TagParts parts = partsOf(environment_tag); parts.state == state_tag && parts.host != ::getpid())
    return true;

  std::vector<std::string_view> arguments;
  const std::string line = readProc(procPath(process.pid, "cmdline"));
  for (std::string_view rest = line; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    arguments.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return arguments.size() == kArgCount && arguments[0].starts_with(kWorkerTitle) &&
         arguments[kArgStateTag] == fmt::format("state={}", state_tag) &&
         arguments[kArgHostPid] != std::to_string(::getpid());
}

}  // namespace

// By number: glibc 2.36 declares its functions for C++ without extern "C".
UniqueFd openPidfd(pid_t pid) {
  return UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

Result<std::optional<ExitStatus>> waitResult(int pidfd) {
  siginfo_t info{};
  rusage usage{};
  // The C library's waitid() has no place for the usage; the kernel's has.
  while (::syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | WNOHANG, &usage) != 0) {
    if (errno != EINTR) return systemError("waitid of a worker", errno);
  }
  if (info.si_pid == 0) return std::optional<ExitStatus>{};
  const auto milliseconds = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_usec) / 1000;
  };
  return std::optional{ExitStatus{.signaled = info.si_code != CLD_EXITED,
                                  .code = info.si_status,
                                  .core_dumped = info.si_code == CLD_DUMPED,
                                  .cpu_ms = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime),
                                  .rss_max_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024}};
}

bool descendsFromThis(pid_t pid) {
  constexpr int kGenerationsMax = 1000;
  for (int generation = 0; generation < kGenerationsMax; ++generation) {
    const auto process = processOf(pid);
    if (!process || process->parent == ::getpid()) return true;
    if (process->parent <= 1) return false;
    pid = process->parent;
  }
  return true;  // so deep a chain is nobody's shell
}

std::optional<Usage> usageOf(pid_t pid) {
  const std::string text = readProc(procPath(pid, "stat"));
  const auto fields = statFields(text);
  if (fields.size() < 22) return std::nullopt;
  const auto ticks = static_cast<std::uint64_t>(numberAt(fields, 11) + numberAt(fields, 12));
  return Usage{.cpu_ms = ticks * 1000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)),
               .rss_bytes = static_cast<std::uint64_t>(numberAt(fields, 21)) *
                            static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
               .thread_count = static_cast<std::uint32_t>(numberAt(fields, 17))};
}

std::optional<Usage> usageOfTree(pid_t pid) {
  auto total = usageOf(pid);
  if (!total) return total;
  std::vector<pid_t> open{pid};
  for (std::size_t looked = 0; !open.empty() && looked < kTreeProcessesMax; ++looked) {
    const pid_t each = open.back();
    open.pop_back();
    for (const pid_t child : childrenOf(each)) {
      const auto usage = usageOf(child);
      if (!usage) continue;
      total->cpu_ms += usage->cpu_ms;
      total->rss_bytes += usage->rss_bytes;
      total->thread_count += usage->thread_count;
      open.push_back(child);
    }
  }
  return total;
}

std::optional<std::uint64_t> openFilesOf(pid_t pid) {
  const std::string folder = procPath(pid, "fd");
  struct stat status {};
  // Newer kernels say the count as the folder's size.
  if (::stat(folder.c_str(), &status) == 0 && status.st_size > 0) return static_cast<std::uint64_t>(status.st_size);
  if (::access(folder.c_str(), R_OK) != 0) return std::nullopt;
  return numbersIn(folder).size();
}

bool signalProcess(int pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
}

std::size_t signalTree(pid_t worker, std::string_view tag, int signal) {
  std::unordered_set<pid_t> reached;
  const auto belongs = [&](const Process& each) {
    return each.group == worker || (!each.zombie && bearsTag(each.pid, tag));
  };
  for (int round = 0; round < kKillRoundsMax; ++round) {
    bool found_new = false;
    std::vector<Process> tree = treeOf({worker}, belongs);
    if (signal == SIGKILL && tree.size() > 1) {
      stopAll({worker}, belongs);
      tree = treeOf({worker}, belongs);
    }
    for (const Process& process : tree) {
      if (!reached.insert(process.pid).second) continue;
      found_new = true;
      if (const UniqueFd handle = handleOf(process)) signalProcess(handle.get(), signal);
    }
    // Other signals are a request, sent once to whoever is there.
    if (!found_new || signal != SIGKILL) break;
  }
  return reached.size();
}

std::vector<pid_t> adoptedChildren(const std::vector<pid_t>& known) {
  bool listed = false;
  std::vector<pid_t> children = childrenOf(::getpid(), &listed);
  if (!listed) {
    for (const Process& process : allProcesses()) {
      if (process.parent == ::getpid()) children.push_back(process.pid);
    }
  }
  const std::unordered_set<pid_t> ours(known.begin(), known.end());
  std::erase_if(children, [&](pid_t pid) { return ours.contains(pid); });
  return children;
}

void reapAdopted(const std::vector<pid_t>& known) {
  for (const pid_t pid : adoptedChildren(known))
    ::waitpid(pid, nullptr, WNOHANG);
}

std::size_t killStrays(const std::vector<pid_t>& known, const std::vector<std::string>& living) {
  std::size_t killed = 0;
  for (const pid_t pid : adoptedChildren(known)) {
    const auto process = processOf(pid);
    if (!process || process->zombie) continue;
    // Without a tag it is a plugin's that wiped its environment or may not be looked into: this process starts nothing
    // but workers. One without arguments is in the middle of an exec, and is looked at another time.
    const std::string tag = tagOf(pid);
    if (tag.empty() && readProc(procPath(pid, "cmdline")).empty()) continue;
    if (std::find(living.begin(), living.end(), tag) != living.end()) continue;
    killed += signalTree(pid, tag, SIGKILL);
  }
  return killed;
}

std::size_t killLeftBehind(pid_t worker, std::string_view tag, const std::vector<pid_t>& known) {
  ::kill(-worker, SIGKILL);
  std::size_t killed = 0;
  std::unordered_set<pid_t> seen;
  // A process that ends between two looks hands its children on to us: so until a look shows nobody new. The usual
  // case, in which nothing was left, costs one.
  for (int round = 0; round < kKillRoundsMax; ++round) {
    bool found_new = false;
    bool any_left = false;
    for (const pid_t pid : adoptedChildren(known)) {
      found_new = seen.insert(pid).second || found_new;
      const auto process = processOf(pid);
      if (process && process->zombie) ::waitpid(pid, nullptr, WNOHANG);
      any_left = any_left || (process && !process->zombie && (process->group == worker || bearsTag(pid, tag)));
    }
    if (seen.empty()) return 0;
    if (!found_new) break;
    if (any_left) killed += signalTree(worker, tag, SIGKILL);
  }
  reapAdopted(known);
  return killed;
}

Result<std::size_t> endDescendants(std::chrono::milliseconds timeout) {
  constexpr int kBetweenLooksMs = 1;  // SIGKILL takes a process less, and one that is new is to be found soon
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const auto nobodyElse = [](const Process&) { return false; };
  std::unordered_set<pid_t> ended;
  for (;;) {
    reapAdopted({});
    const std::vector<pid_t> children = adoptedChildren({});
    if (children.empty()) return ended.size();
    const std::unordered_set<pid_t> roots(children.begin(), children.end());
    stopAll(roots, nobodyElse);
    std::string pids;
    UniqueFd last;
    for (const Process& process : treeOf(roots, nobodyElse)) {
      ended.insert(process.pid);
      pids += fmt::format(" {}", process.pid);
      UniqueFd handle = handleOf(process);
      if (handle && signalProcess(handle.get(), SIGKILL)) last = std::move(handle);
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error{Code::Timeout, fmt::format("processes that plugins started do not end:{}; they may hang in a system "
                                              "call; the next start ends them",
                                              pids)};
    }
    pollfd end{last.get(), POLLIN, 0};
    ::poll(&end, 1, kBetweenLooksMs);
  }
}

std::string tagOf(pid_t pid) {
  const std::string environment = readProc(procPath(pid, "environ"));
  for (std::string_view rest = environment; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    const std::string_view variable = rest.substr(0, end);
    if (variable.starts_with(kWorkerVariable)) return std::string{variable.substr(kWorkerVariable.size())};
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

Result<std::size_t> sweepOrphans(std::string_view state_tag, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::unordered_set<pid_t> seen;
  for (;;) {
    const auto orphans = treeOf({}, [&](const Process& each) { return isOrphanOf(each, state_tag); });
    if (orphans.empty()) return seen.size();
    std::vector<UniqueFd> handles;
    for (const Process& orphan : orphans) {
      seen.insert(orphan.pid);
      UniqueFd handle = handleOf(orphan);
      if (handle && signalProcess(handle.get(), SIGKILL)) handles.push_back(std::move(handle));
    }
    bool in_time = std::chrono::steady_clock::now() < deadline;
    for (const UniqueFd& handle : handles) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd ended{handle.get(), POLLIN, 0};
      in_time = in_time && left.count() > 0 && ::poll(&ended, 1, static_cast<int>(left.count())) > 0;
    }
    if (in_time) continue;
    std::string pids;
    for (const Process& orphan : orphans)
      pids += fmt::format(" {}", orphan.pid);
    return Error{
        Code::Timeout,
        fmt::format("processes of an earlier host on the same state directory do not end:{}; end them (they may "
                    "hang in a system call or belong to another user) and start again",
                    pids)};
  }
}

}  // namespace longhaul::host::process
