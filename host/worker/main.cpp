#include "host/worker/worker.h"

// A sanitizer would take the deadly signals for a report of its own and exit with a code: how a worker ends is told by
// its handlers and by the kernel. What it finds itself ends like any other damage, by SIGABRT. Leaks are looked for by
// ptrace, which a worker may not use.
#if defined(__SANITIZE_ADDRESS__)
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:use_sigaltstack=0:"
         "abort_on_error=1:detect_leaks=0";
}
extern "C" const char* __ubsan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:use_sigaltstack=0:"
         "abort_on_error=1:print_stacktrace=1";
}
#elif defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:use_sigaltstack=0";
}
#endif

int main(int argc, char** argv) {
  longhaul::host::worker::runWorker(argc, argv);
}
