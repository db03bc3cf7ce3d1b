#include "host/process/spawn.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace longhaul::host::process {
namespace {

std::vector<char*> pointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Spawning::Spawning() {
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes_);
}

Spawning::~Spawning() {
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes_);
}

// In the child they are copied to low numbers one after the other, so none of the sources may have such a number: a
// source below the end is replaced by a copy above it.
Result<void> Spawning::pass(const std::vector<int>& descriptors, int first) {
  const int end = first + static_cast<int>(descriptors.size());
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    int source = descriptors[i];
    if (source < end) {
      UniqueFd copy{::fcntl(source, F_DUPFD_CLOEXEC, end)};
      if (!copy) return systemError("copy a descriptor for a worker", errno);
      source = copy.get();
      copies_.push_back(std::move(copy));
    }
    ::posix_spawn_file_actions_adddup2(&actions, source, first + static_cast<int>(i));
  }
  // What this process opened is closed on exec; this is for what it inherited itself.
  ::posix_spawn_file_actions_addclosefrom_np(&actions, end);
  return {};
}

int Spawning::start(const std::string& program, std::vector<std::string> arguments, std::vector<std::string> variables,
                    pid_t& pid) {
  // Both are inherited otherwise: what the daemon blocks and ignores is no business of a plugin.
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  // sigfillset() leaves out two signals of the C library, which posix_spawn would then make ignored in the child.
  std::memset(&all, 0xff, sizeof all);
  ::posix_spawnattr_setsigmask(&attributes_, &none);
  ::posix_spawnattr_setsigdefault(&attributes_, &all);
  ::posix_spawnattr_setpgroup(&attributes_, 0);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
  // A plugin of real-time priority would keep everybody else off its processor, and the kernel takes no such process
  // into a control group of version 1. The attributes say SCHED_OTHER unless told otherwise.
  const int policy = ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
  if (policy == SCHED_FIFO || policy == SCHED_RR) flags |= POSIX_SPAWN_SETSCHEDULER;
  ::posix_spawnattr_setflags(&attributes_, flags);
  return ::posix_spawn(&pid, program.c_str(), &actions, &attributes_, pointersTo(arguments).data(),
                       pointersTo(variables).data());
}

void addSanitizerOptions([[maybe_unused]] std::vector<std::string>& variables) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) variables.push_back(std::string{name} + "=" + value);
  }
#endif
}

}  // namespace longhaul::host::process
