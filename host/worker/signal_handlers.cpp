#include "host/worker/signal_handlers.h"
#include "host/base/worker_limits.h"

#include <link.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "host/base/worker_contract.h"
#include "host/protocol/shared_page.h"
#include "host/worker/stack_trace.h"
#include "host/worker/thread_stacks.h"

namespace longhaul::host::worker {
namespace {

using protocol::RecordState;

constexpr int kSeccompCode = 1;  // SYS_SECCOMP of newer headers: the filter, and not a stray kill()
constexpr int kOtherCrashMs = 1000;

// For the handlers, which have no argument of their own. Set before they are installed.
protocol::PageHeader* header = nullptr;
protocol::ThreadStack* stacks = nullptr;
Session* session_of_process = nullptr;
pid_t worker_pid = 0;
pid_t host_pid = 0;
std::atomic<bool> crashing{false};

pid_t threadId() {
  return static_cast<pid_t>(::syscall(SYS_gettid));
}

// A child that the plugin forks keeps the handlers, but has no page.
bool isWorker() {
  return ::getpid() == worker_pid;
}

void publish(std::uint32_t& state) {
  std::atomic_ref<std::uint32_t>{state}.store(static_cast<std::uint32_t>(RecordState::Written),
                                              std::memory_order_release);
}

void record(int signal, const siginfo_t& info, ucontext_t& context) {
  const Interrupted at = interrupted(context);
  protocol::CrashRecord& crash = header->crash;
  crash.signal = signal;
  crash.code = info.si_code;
  crash.thread = threadId();
  crash.system_call = -1;
  if (info.si_code <= 0) {
    crash.sender_pid = info.si_pid;
  } else if (signal == SIGSYS) {
    crash.system_call = info.si_syscall;
  } else {
    crash.address = reinterpret_cast<std::uint64_t>(info.si_addr);
    const bool by_access = signal == SIGSEGV || signal == SIGBUS;
    crash.stack_overflow = by_access && isStackOverflow(crash.address, at.stack_pointer) ? 1 : 0;
  }
  ::prctl(PR_GET_NAME, crash.thread_name);
  publish(crash.state);
  // Last: on a damaged stack the search may fault, which ends the process with what is written already.
  if (signal == SIGSEGV && crash.address == at.instruction) {
    takeFailedJump(context, {header->modules, kModulesMax}, crash.frames, kCrashFramesMax, crash.frames_count,
                   crash.guessed_count);
  } else {
    takeFrames(at, crash.frames, kCrashFramesMax, crash.frames_count);
  }
}

// The default action comes when the handler returns: the signal is blocked until then.
void dieOf(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  ::syscall(SYS_tgkill, ::getpid(), threadId(), signal);
}

void onDeadly(int signal, siginfo_t* info, void* context) {
  if (isWorker()) {
    // The first thread that crashes is the one that is told of; a second one waits until it has ended the process.
    if (crashing.exchange(true)) {
      ::poll(nullptr, 0, kOtherCrashMs);
    } else {
      record(signal, *info, *static_cast<ucontext_t*>(context));
    }
  }
  dieOf(signal);
}

void setResult(ucontext_t& context, int error_number) {
#if defined(__x86_64__)
  context.uc_mcontext.gregs[REG_RAX] = -error_number;
#elif defined(__aarch64__)
  context.uc_mcontext.regs[0] = static_cast<std::uint64_t>(-static_cast<std::int64_t>(error_number));
#endif
}

void count(int system_call) {
  const auto index = std::min(static_cast<std::uint32_t>(system_call), static_cast<std::uint32_t>(kSystemCallsMax - 1));
  // The host is told of the first one of a kind, and reads the numbers whenever it looks.
  if (std::atomic_ref<std::uint32_t>{header->denied_count[index]}.fetch_add(1, std::memory_order_relaxed) == 0) {
    session_of_process->oweDoorbell();
  }
}

void onSystemCall(int signal, siginfo_t* info, void* context) {
  const int error_number = errno;
  if (info->si_code != kSeccompCode || info->si_errno == static_cast<int>(Refusal::Kill)) {
    return onDeadly(signal, info, context);
  }
  const bool no_access = info->si_errno == static_cast<int>(Refusal::NoAccess);
  if (isWorker()) count(info->si_syscall);
  setResult(*static_cast<ucontext_t*>(context), no_access ? EACCES : EPERM);
  errno = error_number;
}

void onStackAsked(int, siginfo_t* info, void* context) {
  const int error_number = errno;
  const auto index = static_cast<std::size_t>(info->si_value.sival_int);
  if (info->si_code == SI_QUEUE && info->si_pid == host_pid && index < kStackThreadsMax && isWorker()) {
    protocol::ThreadStack& stack = stacks[index];
    stack.thread = threadId();
    takeFrames(interrupted(*static_cast<const ucontext_t*>(context)), stack.frames, kStackFramesMax,
               stack.frames_count);
    publish(stack.state);
  }
  errno = error_number;
}

void install(int signal, void (*handler)(int, siginfo_t*, void*), bool alone) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  // Nothing interrupts the record of a crash. A fault in it is blocked then, and so takes its default action.
  if (alone) {
    ::sigfillset(&action.sa_mask);
  } else {
    ::sigemptyset(&action.sa_mask);
  }
  ::sigaction(signal, &action, nullptr);
}

// The notes of a program header that is in memory: names and texts padded to four bytes.
std::uint64_t buildIdHead(const char* at, std::size_t size) {
  const char* const end = at + size;
  const auto padded = [](std::uint64_t bytes) { return (bytes + 3) & ~std::uint64_t{3}; };
  while (static_cast<std::size_t>(end - at) >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof note);
    const std::uint64_t whole = sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
    if (whole > static_cast<std::uint64_t>(end - at)) return 0;
    std::uint64_t head = 0;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz >= sizeof head &&
        std::memcmp(at + sizeof note, "GNU", 4) == 0) {
      std::memcpy(&head, at + sizeof note + 4, sizeof head);
      return head;
    }
    at += whole;
  }
  return 0;
}

struct Modules {
  protocol::ModuleRecord* records;
  std::string_view plugin_path;
  std::size_t count = 1;  // the plugin's place is the first
};

int addModule(dl_phdr_info* info, std::size_t, void* raw) {
  Modules& modules = *static_cast<Modules*>(raw);
  const std::string_view path = info->dlpi_name[0] != 0 ? info->dlpi_name : "longhaul-worker";
  const bool is_plugin = path == modules.plugin_path;
  if (!is_plugin && modules.count >= kModulesMax) return 0;
  protocol::ModuleRecord& module = modules.records[is_plugin ? 0 : modules.count++];
  std::uint64_t low = UINT64_MAX;
  std::uint64_t high = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    low = std::min(low, static_cast<std::uint64_t>(segment.p_vaddr));
    high = std::max(high, static_cast<std::uint64_t>(segment.p_vaddr + segment.p_memsz));
  }
  if (low >= high) return 0;
  module.build_id_head = 0;
  for (int i = 0; i < info->dlpi_phnum && module.build_id_head == 0; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE || segment.p_vaddr < low || segment.p_vaddr + segment.p_memsz > high) continue;
    module.build_id_head =
        buildIdHead(reinterpret_cast<const char*>(info->dlpi_addr + segment.p_vaddr), segment.p_memsz);
  }
  const std::string_view name = is_plugin ? "plugin" : path.substr(path.rfind('/') + 1);
  const std::size_t bytes = std::min(name.size(), sizeof module.name - 1);
  std::memcpy(module.name, name.data(), bytes);
  module.name[bytes] = 0;
  module.begin = info->dlpi_addr + low;
  module.end = info->dlpi_addr + high;
  return 0;
}

}  // namespace

void installSignalHandlers(void* page, Session& session, pid_t host) {
  header = protocol::headerOf(page);
  stacks = protocol::stacksOf(page);
  session_of_process = &session;
  worker_pid = ::getpid();
  host_pid = host;
  prepareMainThread();
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    install(signal, onDeadly, true);
  install(SIGSYS, onSystemCall, false);
  install(kStackSignal, onStackAsked, true);
}

void recordModules(void* page, const char* plugin_path) {
  Modules modules{.records = protocol::headerOf(page)->modules, .plugin_path = plugin_path};
  ::dl_iterate_phdr(addModule, &modules);
}

}  // namespace longhaul::host::worker
