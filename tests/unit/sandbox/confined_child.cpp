#include "confined_child.h"

#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>

#include "host/base/worker_contract.h"
#include "host/sandbox/apply.h"

namespace longhaul::host::test {
namespace {

constexpr int kNotConfined = 200;

// What the worker's handler does with a refused call, without the counting.
void answerRefused(int, siginfo_t* info, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext;
  const auto refusal = static_cast<Refusal>(info->si_errno);
  if (refusal == Refusal::Kill) {
    ::signal(SIGSYS, SIG_DFL);
    ::raise(SIGSYS);
    return;
  }
  const int error = refusal == Refusal::NoAccess ? EACCES : EPERM;
#if defined(__x86_64__)
  registers.gregs[REG_RAX] = -error;
#else
  registers.regs[0] = static_cast<unsigned long long>(-error);
#endif
}

[[noreturn]] void runChild(sandbox::Confinement& confinement, const std::function<int()>& attempt,
                           const sandbox::ProgramFor* filter, int faults) {
  struct sigaction action {};
  action.sa_sigaction = answerRefused;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  ::sigaction(SIGSYS, &action, nullptr);
  std::string fault;
  if (filter != nullptr) {
    auto program = sandbox::seccompProgram(*filter, ::getpid());
    if (program) {
      confinement.seccomp = *program;
    } else {
      fault = program.error().message;
    }
  }
  if (!fault.empty() || !sandbox::apply(confinement, fault)) {
    (void)!::write(faults, fault.data(), fault.size());
    ::_exit(kNotConfined);
  }
  ::_exit(attempt());
}

}  // namespace

Tried tryConfined(sandbox::Confinement confinement, const std::function<int()>& attempt,
                  const sandbox::ProgramFor* filter) {
  int faults[2];
  Tried tried;
  if (::pipe(faults) != 0) return tried;
  const pid_t child = ::fork();
  if (child == 0) runChild(confinement, attempt, filter, faults[1]);
  ::close(faults[1]);
  char text[512];
  for (ssize_t count = 0; (count = ::read(faults[0], text, sizeof text)) > 0;)
    tried.fault.append(text, static_cast<std::size_t>(count));
  ::close(faults[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) tried.signal = WTERMSIG(status);
  if (WIFEXITED(status)) tried.value = WEXITSTATUS(status);
  return tried;
}

}  // namespace longhaul::host::test
