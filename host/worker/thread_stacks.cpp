#include "host/worker/thread_stacks.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <threads.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <new>

#include "host/base/worker_contract.h"

// The C library's own end of main's stack, above which are arguments and environment.
extern "C" void* __libc_stack_end;

namespace longhaul::host::worker {
namespace {

// The unwinder needs some 8 KiB, the kernel's frame with all vector registers up to 11 KiB. Not touched is not used.
constexpr std::size_t kAlternateStackBytes = 64U << 10;
// A call below the stack's end touches memory so near to the stack pointer; a larger frame is probed page by page.
constexpr std::uint64_t kReachBytes = 64U << 10;
constexpr std::uint64_t kAboveBytes = 256;

// The arguments and the environment lie above __libc_stack_end and count for the limit of main's stack.
constexpr std::uint64_t kArgumentsBytes = 256U << 10;

// Below it the calling thread's stack is at its end; 0: unknown.
thread_local constinit std::uint64_t stack_end = 0;

alignas(64) char main_alternate_stack[kAlternateStackBytes];

bool useStack(void* memory) {
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = kAlternateStackBytes;
  return ::sigaltstack(&stack, nullptr) == 0;
}

// The end of a thread, whichever way it takes, also by pthread_exit and pthread_cancel.
void releaseStack(void* memory) {
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  if (::sigaltstack(&none, nullptr) == 0) ::munmap(memory, kAlternateStackBytes);
}

pthread_key_t stackKey() {
  static const pthread_key_t key = [] {
    pthread_key_t made{};
    return ::pthread_key_create(&made, releaseStack) == 0 ? made : pthread_key_t{};
  }();
  return key;
}

void prepareThread() {
  void* memory = ::mmap(nullptr, kAlternateStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return;  // it runs without
  if (!useStack(memory) || ::pthread_setspecific(stackKey(), memory) != 0) return releaseStack(memory);

  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return;
  void* low = nullptr;
  std::size_t size = 0;
  if (::pthread_attr_getstack(&attributes, &low, &size) == 0) stack_end = reinterpret_cast<std::uint64_t>(low);
  ::pthread_attr_destroy(&attributes);
}

struct Begin {
  void* (*routine)(void*);
  void* argument;
};

struct BeginC11 {
  thrd_start_t routine;
  void* argument;
};

template <class Given>
Given prepared(void* raw) {
  const Given given = *std::unique_ptr<Given>{static_cast<Given*>(raw)};
  const int error_number = errno;
  prepareThread();
  errno = error_number;
  return given;
}

[[maybe_unused]] void* begin(void* raw) {
  const auto given = prepared<Begin>(raw);
  return given.routine(given.argument);
}

[[maybe_unused]] int beginC11(void* raw) {
  const auto given = prepared<BeginC11>(raw);
  return given.routine(given.argument);
}

// The next definition after this program's: the C library's, or a sanitizer's in front of it.
template <class Function>
Function next(std::atomic<void*>& known, const char* name) {
  void* found = known.load(std::memory_order_relaxed);
  if (found == nullptr) {
    found = ::dlsym(RTLD_NEXT, name);
    known.store(found, std::memory_order_relaxed);
  }
  return reinterpret_cast<Function>(found);
}

// What is to be blocked, without the signals that stay open.
sigset_t withoutOpen(const sigset_t& wanted) {
  sigset_t blocked = wanted;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    if (::sigismember(&openSignals(), signal) == 1) ::sigdelset(&blocked, signal);
  }
  return blocked;
}

using SetMask = int (*)(int, const sigset_t*, sigset_t*);

[[maybe_unused]] int setMask(SetMask set, int how, const sigset_t* wanted, sigset_t* before) {
  if (wanted == nullptr || how == SIG_UNBLOCK) return set(how, wanted, before);
  const sigset_t blocked = withoutOpen(*wanted);
  return set(how, &blocked, before);
}

}  // namespace

const sigset_t& openSignals() {
  static const sigset_t signals = [] {
    sigset_t made;
    ::sigemptyset(&made);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, kStackSignal})
      ::sigaddset(&made, signal);
    return made;
  }();
  return signals;
}

void prepareMainThread() {
  useStack(main_alternate_stack);
  stackKey();
  openSignals();
  rlimit limit{};
  const auto top = reinterpret_cast<std::uint64_t>(__libc_stack_end);
  // Without a limit it ends where other memory begins; then only what lies next to the stack pointer tells.
  if (::getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < top)
    stack_end = top - limit.rlim_cur + kArgumentsBytes;
}

bool isStackOverflow(std::uint64_t address, std::uint64_t stack_pointer) {
  if (address + kReachBytes < stack_pointer) return false;
  if (address < stack_pointer + kAboveBytes) return true;
  return stack_pointer < stack_end && address < stack_end;  // inside of a large frame
}

}  // namespace longhaul::host::worker

// With clang a sanitizer's run time lies in this program and defines these names itself: there threads do without.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LONGHAUL_NAMES_TAKEN
#endif
#endif
#ifndef LONGHAUL_NAMES_TAKEN

extern "C" {

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*routine)(void*), void* argument) {
  using namespace longhaul::host::worker;
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static constinit std::atomic<void*> known{nullptr};
  std::unique_ptr<Begin> given{new (std::nothrow) Begin{routine, argument}};
  if (!given) return EAGAIN;
  const int failed = next<Create>(known, "pthread_create")(thread, attributes, begin, given.get());
  if (failed == 0) (void)given.release();
  return failed;
}

// The C library's own does not come by pthread_create.
int thrd_create(thrd_t* thread, thrd_start_t routine, void* argument) {
  using namespace longhaul::host::worker;
  using Create = int (*)(thrd_t*, thrd_start_t, void*);
  static constinit std::atomic<void*> known{nullptr};
  std::unique_ptr<BeginC11> given{new (std::nothrow) BeginC11{routine, argument}};
  if (!given) return thrd_nomem;
  const int made = next<Create>(known, "thrd_create")(thread, beginC11, given.get());
  if (made == thrd_success) (void)given.release();
  return made;
}

int pthread_sigmask(int how, const sigset_t* wanted, sigset_t* before) {
  using namespace longhaul::host::worker;
  static constinit std::atomic<void*> known{nullptr};
  return setMask(next<SetMask>(known, "pthread_sigmask"), how, wanted, before);
}

int sigprocmask(int how, const sigset_t* wanted, sigset_t* before) {
  using namespace longhaul::host::worker;
  static constinit std::atomic<void*> known{nullptr};
  return setMask(next<SetMask>(known, "sigprocmask"), how, wanted, before);
}

}  // extern "C"

#endif
