#include "host/store/worker_thread.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace longhaul::host::store {

std::thread startThread(const char* name, std::function<void()> body) {
  // The mask is inherited, so it is set around the start: no signal can reach the new thread before it blocks them.
  // Those of a fault of its own stay open: blocked, they would end the process without the handler's report.
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    sigdelset(&blocked, fault);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  std::thread thread{[name, run = std::move(body)] {
    pthread_setname_np(pthread_self(), name);
    run();
  }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace longhaul::host::store
