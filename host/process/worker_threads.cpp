#include "host/process/worker_threads.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string_view>

#include "host/base/text.h"
#include "host/base/worker_contract.h"
#include "host/base/worker_limits.h"
#include "host/process/proc_files.h"

namespace longhaul::host::process {
namespace {

std::vector<pid_t> threadIds(pid_t pid) {
  std::vector<pid_t> threads = numbersIn(procPath(pid, "task"));
  const auto main = std::find(threads.begin(), threads.end(), pid);
  if (main != threads.end()) std::iter_swap(threads.begin(), main);
  if (threads.size() > kStackThreadsMax) threads.resize(kStackThreadsMax);
  return threads;
}

// The plugin names its threads; nothing of a name may act on a terminal.
std::string nameOf(pid_t pid, pid_t thread) {
  std::string name = readProc(taskPath(pid, thread, "comm"));
  if (!name.empty() && name.back() == '\n') name.pop_back();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return name;
}

}  // namespace

QueueWaits queueWaitsOf(pid_t pid) {
  QueueWaits waits;
  for (const pid_t thread : threadIds(pid)) {
    // "time on a processor, time in its queue, turns", in nanoseconds.
    const std::string text = readProc(taskPath(pid, thread, "schedstat"));
    const std::size_t begin = text.find(' ');
    if (begin == std::string::npos) continue;
    const std::string_view rest = std::string_view{text}.substr(begin + 1);
    const auto waited = parseInt(rest.substr(0, rest.find(' ')));
    if (waited && *waited > 0) waits[thread] = static_cast<std::uint64_t>(*waited);
  }
  return waits;
}

std::uint64_t longestWaitNs(const QueueWaits& before, const QueueWaits& now) {
  std::uint64_t longest = 0;
  for (const auto& [thread, waited] : now) {
    const auto known = before.find(thread);
    const std::uint64_t from = known == before.end() ? 0 : known->second;
    longest = std::max(longest, waited - std::min(waited, from));
  }
  return longest;
}

std::vector<ThreadState> threadsOf(pid_t pid) {
  std::vector<ThreadState> states;
  for (const pid_t thread : threadIds(pid)) {
    const std::string stat = readProc(taskPath(pid, thread, "stat"));
    const auto fields = statFields(stat);
    if (fields.empty()) continue;
    std::string waits_in = readProc(taskPath(pid, thread, "wchan"));
    if (waits_in == "0") waits_in.clear();
    states.push_back({thread, nameOf(pid, thread), fields[0].front(), std::move(waits_in)});
  }
  return states;
}

bool isTraced(pid_t pid) {
  const std::string stat = readProc(procPath(pid, "stat"));
  const auto fields = statFields(stat);
  return !fields.empty() && fields[0] == "t";
}

bool askForStack(pid_t pid, pid_t thread, int index) {
  siginfo_t info{};
  info.si_signo = kStackSignal;
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_int = index;
  return ::syscall(SYS_rt_tgsigqueueinfo, pid, thread, kStackSignal, &info) == 0;
}

}  // namespace longhaul::host::process
