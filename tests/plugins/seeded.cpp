// Faults that plugins really have, and ways to use up a stack. Its parameter "fault" names one; before it comes, a few
// server calls, the last of them another one for each. Each fault is a function of its own name, so that a card can be
// held to it: FAULTS in tests/integration/cards_test.py. Nothing of it is exported.
#undef NDEBUG
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <threads.h>
#include <unistd.h>

#include <cassert>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <longhaul/sdk.hpp>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#define FAULT __attribute__((noinline))
#if defined(__x86_64__)
#define X86 1
#else
#define X86 0
#endif

namespace {

volatile int sink = 0;
int* volatile nowhere = nullptr;
char* volatile wild_text = reinterpret_cast<char*>(0x1234);

// ---- bad addresses

FAULT void nullInLoop() {
  *nowhere = 1;
  sink = 1;
}

FAULT void nullInThread() {
  sink = *nowhere;
  sink = 2;
}

FAULT void nullInCommand() {
  *nowhere = 3;
  sink = 3;
}

FAULT int deepest(const int* at) {
  return *at + 1;
}
FAULT int deeper(const int* at) {
  return deepest(at) + 1;
}
FAULT void readDeepDown() {
  sink = deeper(nowhere) + 1;
}

FAULT void inLambda() {
  const auto walk = [](int* volatile* list) FAULT {
    **list = 5;
    sink = 5;
  };
  int* volatile list = nowhere;
  walk(&list);
  sink = 6;
}

FAULT void copyFromNowhere() {
  char there[64];
  std::memcpy(there, wild_text, sizeof there);
  sink = there[0];
}

FAULT void measureNowhere() {
  sink = static_cast<int>(std::strlen(wild_text)) + 1;
}

FAULT void readPastTheFile() {
  const int file = ::memfd_create("short", MFD_CLOEXEC);
  if (::ftruncate(file, 4096) != 0) std::abort();
  auto* bytes = static_cast<volatile char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0));
  if (::ftruncate(file, 0) != 0) std::abort();
  sink = bytes[100];
  sink = 7;
}

// ---- bad jumps

FAULT void callWildPointer() {
  void (*volatile function)() = reinterpret_cast<void (*)()>(std::uintptr_t{0x10020});
  function();
  sink = 8;
}

FAULT void callNull() {
  void (*volatile function)() = nullptr;
  function();
  sink = 9;
}

// What an overflow of a buffer does to the way back.
FAULT __attribute__((no_sanitize_address)) void returnToGarbage() {
#if X86
  __asm__ volatile("movabsq $0x4141414141414141, %%rax; pushq %%rax; ret" : : : "rax", "memory");
#else
  __asm__ volatile("mov x30, #0x41414141; ret" : : : "x30", "memory");
#endif
  sink = 10;
}

struct Shape {
  explicit Shape(int size) { measure(size); }
  virtual ~Shape() = default;
  FAULT void measure(int size) {
    volatile int kept = size;
    sink = area() + kept;
  }
  virtual int area() = 0;
};
struct Square : Shape {
  Square() : Shape(1) {}
  int area() override { return 1; }
};
FAULT void callPureVirtual() {
  const Square square;
  sink = 11;
}

// ---- what a program does to itself

FAULT void giveUp() {
  std::abort();
}

FAULT void assertSomething() {
  assert(sink == 12345 && "the queue is whole");
  sink = 12;
}

FAULT void throwInThread() {
  sink = 13;
  throw std::runtime_error("nobody catches it");
}

FAULT void freeTwice() {
  char* volatile text = static_cast<char*>(std::malloc(24));
  std::free(text);
  std::free(text);
  sink = 14;
}

FAULT void raiseIt() {
  std::raise(SIGSEGV);
  sink = 15;
}

__attribute__((noinline, no_sanitize_undefined)) void divideByZero() {
#if X86
  volatile int zero = 0;
  sink = 100 / zero;
#else
  std::raise(SIGFPE);
#endif
  sink = 16;
}

FAULT void illegalInstruction() {
#if X86
  __asm__ volatile("ud2");
#else
  __asm__ volatile(".inst 0");
#endif
  sink = 17;
}

FAULT void onSignal(int) {
  *nowhere = 18;
  sink = 18;
}

// ---- stacks that are used up

FAULT int recurse(int level) {
  volatile char frame[200];
  frame[level % 200] = static_cast<char>(level);
  sink = level;
  if (sink < 0) return 0;
  return recurse(level + 1) + frame[(level + 1) % 200];
}

FAULT int ping(int level);
FAULT int pong(int level) {
  volatile char frame[100];
  frame[level % 100] = 1;
  return ping(level + 1) + frame[(level + 1) % 100];
}
FAULT int ping(int level) {
  volatile char frame[300];
  frame[level % 300] = 1;
  sink = level;
  if (sink < 0) return 0;
  return pong(level + 1) + frame[(level + 1) % 300];
}

FAULT void overflowMain() {
  sink = recurse(0);
}
FAULT void overflowThread() {
  sink = recurse(0);
}

void* inThread(void*) {
  overflowThread();
  return nullptr;
}
int inC11Thread(void*) {
  overflowThread();
  return 0;
}

void onThread(void* (*routine)(void*), std::size_t stack_bytes) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, stack_bytes) != 0) std::abort();
  pthread_t thread;
  if (pthread_create(&thread, &attributes, routine, nullptr) != 0) std::abort();
  pthread_join(thread, nullptr);
}

void onOwnStack(void* (*routine)(void*)) {
  constexpr std::size_t kBytes = 16U << 20U;
  constexpr std::size_t kGuard = 4096;
  auto* memory =
      static_cast<char*>(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::mprotect(memory, kGuard, PROT_NONE);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstack(&attributes, memory + kGuard, kBytes - kGuard) != 0) std::abort();
  pthread_t thread;
  if (pthread_create(&thread, &attributes, routine, nullptr) != 0) std::abort();
  pthread_join(thread, nullptr);
}

void onC11Thread() {
  thrd_t thread;
  if (thrd_create(&thread, inC11Thread, nullptr) != thrd_success) std::abort();
  thrd_join(thread, nullptr);
}

// An ordinary bad address while the stack is nearly used up is told from its end.
void* nullNearTheEnd(void*) {
  volatile char most[40U << 10U];
  most[0] = 1;
  nullInThread();
  sink = most[0];
  return nullptr;
}

// ---- secrets

std::string base64(const std::string& text) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6)
      out += kDigits[bits >> static_cast<unsigned>(count - 6) & 63U];
  }
  if (count > 0) out += kDigits[bits << static_cast<unsigned>(6 - count) & 63U];
  return out;
}

// Wherever a crash could take it from: texts, the name of a thread, the stack, the heap, registers.
FAULT void spill(const longhaul::Server& server, const std::string& secret) {
  char on_stack[256] = "";
  std::snprintf(on_stack, sizeof on_stack, "%s", secret.c_str());
  std::fprintf(stderr, "login with %s failed\nAuthorization: Basic %s\n", secret.c_str(),
               base64("user:" + secret).c_str());
  server.error("login with " + secret);
  server.updateModuleHealth("no login with " + secret, true);
  pthread_setname_np(pthread_self(), secret.substr(0, 15).c_str());
#if X86
  std::uint64_t words[2];
  std::memcpy(words, on_stack, sizeof words);
  __asm__ volatile("movq $0x10, %%rdx; movq %0, (%%rdx)" : : "r"(words[0]), "r"(words[1]) : "rdx", "memory");
#else
  *nowhere = on_stack[0];
#endif
  sink = on_stack[0];
}

class Seeded : public longhaul::CommandPlugin {
 public:
  explicit Seeded(longhaul::Server server) : CommandPlugin(server) {
    onCommand("fault", [this](const longhaul::Command&) {
      callFirst();
      nullInCommand();
      return std::string("never");
    });
    if (server.parameter("fault", "") == "error") {
      throw std::runtime_error("no login with " + server.parameter("token", ""));
    }
  }

  void longRunningExecution() override {
    server().ready();
    const std::string fault = server().parameter("fault", "");
    const std::map<std::string, std::function<void()>> faults{
        {"null-loop", nullInLoop},
        {"null-thread", [] { std::thread(nullInThread).join(); }},
        {"abort", giveUp},
        {"assert", assertSomething},
        {"throw", [] { std::thread(throwInThread).join(); }},
        {"pure-virtual", callPureVirtual},
        {"double-free", freeTwice},
        {"overflow-main", overflowMain},
        {"overflow-thread", [] { std::thread(overflowThread).join(); }},
        {"divide", divideByZero},
        {"illegal", illegalInstruction},
        {"bus", readPastTheFile},
        {"wild-call", callWildPointer},
        {"null-call", callNull},
        {"smashed", returnToGarbage},
        {"deep", readDeepDown},
        {"lambda", inLambda},
        {"signal-handler", [] { std::signal(SIGUSR1, onSignal), std::raise(SIGUSR1); }},
        {"memcpy", copyFromNowhere},
        {"strlen", measureNowhere},
        {"raise", raiseIt},
        {"overflow-circle", [] { sink = ping(0); }},
        {"overflow-tiny", [] { onThread(inThread, 64U << 10U); }},
        {"overflow-own-stack", [] { onOwnStack(inThread); }},
        {"overflow-c11", onC11Thread},
        {"null-near-end", [] { onThread(nullNearTheEnd, 64U << 10U); }},
    };
    if (fault == "spill" || fault == "spill-thread") {
      const std::string secret = server().parameter("token", "");
      if (fault == "spill") spill(server(), secret);
      std::thread([&] { spill(server(), secret); }).join();
    }
    if (const auto found = faults.find(fault); found != faults.end()) {
      callFirst();
      found->second();
      server().error("still there");
    }
    stopToken().wait();
  }

 private:
  // The last one is the parameter "last".
  void callFirst() {
    const std::map<std::string, std::function<void()>> calls{
        {"createIncidents",
         [this] {
           longhaul::Incident incident;
           incident.name = "before the fault";
           server().createIncidents({incident});
         }},
        {"patchIntegrationContext", [this] { server().patchIntegrationContext(R"({"step":1})"); }},
        {"mergeIntegrationContext", [this] { server().mergeIntegrationContext("rows", R"([{"id":"1"}])", "id"); }},
        {"setLastRun", [this] { server().setLastRun(R"({"time":1})"); }},
        {"updateModuleHealth", [this] { server().updateModuleHealth("pulling", false); }},
    };
    for (const auto& [name, call] : calls)
      call();
    calls.at(server().parameter("last", "setLastRun"))();
  }
};

}  // namespace

LONGHAUL_PLUGIN(Seeded);
