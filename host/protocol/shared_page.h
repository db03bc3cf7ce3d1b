// The page that host and worker share: where each part lies, and what a worker leaves in it for the case that it dies.
// The worker is not trusted: the host reads each word once, checks its range, copies before it looks, and believes a
// record of nothing but that worker's own end. The file behind the page (memfd) is sealed against shrinking, so that a
// touch never faults.
//
// Layout: kPageHeaderBytes of PageHeader, kLogRingBytes of lines (log_ring.h), kPageStacksBytes of ThreadStack. Memory
// behind a part that nobody touches is not used.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/base/worker_limits.h"

namespace longhaul::host::protocol {

// The last word of a record that is written, by a release store; before it the others mean nothing.
enum class RecordState : std::uint32_t { Empty = 0, Written = 1 };

// By the worker's handler of a deadly signal, before the signal takes its effect.
struct CrashRecord {
  std::uint32_t state;
  std::int32_t signal;
  std::int32_t code;         // si_code: above 0 the kernel's own finding, else somebody sent it
  std::int32_t thread;       // the kernel's number; the process's own is main's
  std::uint64_t address;     // si_addr of a fault
  std::int32_t sender_pid;   // of a signal that was sent
  std::int32_t system_call;  // number, of SIGSYS by the filter; -1: none
  std::uint32_t stack_overflow;
  std::uint32_t frames_count;  // grows while they are found: a damaged stack ends the search, not what was found before
  std::uint32_t
      guessed_count;  // of the last of them: words of the stack that look like returns, where no unwinder goes
  char thread_name[16];
  std::uint64_t frames[kCrashFramesMax];  // addresses inside of the instructions, the innermost first
};

// Part of the process's memory that came from a file, written when the plugin was loaded.
struct ModuleRecord {
  std::uint64_t begin, end;     // addresses; 0, 0: none
  std::uint64_t build_id_head;  // its first eight bytes, as they lie in memory; 0: it has none
  char name[40];                // the file's name, cut at its end
};

struct PageHeader {
  alignas(64) std::uint64_t head;  // the worker writes this line of the cache …
  std::uint64_t dropped_count;     // lines that found the ring full
  std::uint64_t progress_count;    // calls of progress()
  alignas(64) std::uint64_t tail;  // … and the host this one
  std::uint32_t host_sleeps;       // 1: ring the doorbell after writing
  // By the number of the system call: how often the filter refused it. The last one is all that are beyond.
  alignas(64) std::uint32_t denied_count[kSystemCallsMax];
  CrashRecord crash;
  ModuleRecord modules[kModulesMax];
};
static_assert(sizeof(PageHeader) <= kPageHeaderBytes);

// One thread of a worker that makes no progress, by its handler of kStackSignal.
struct ThreadStack {
  std::uint32_t state;
  std::int32_t thread;
  std::uint32_t frames_count;
  std::uint32_t unused;
  std::uint64_t frames[kStackFramesMax];
};
static_assert(sizeof(ThreadStack) * kStackThreadsMax <= kPageStacksBytes);

inline constexpr std::size_t kPageStacksOffset = kPageHeaderBytes + kLogRingBytes;
inline constexpr std::size_t kSharedPageBytes = kPageStacksOffset + kPageStacksBytes;

inline PageHeader* headerOf(void* page) {
  return static_cast<PageHeader*>(page);
}
inline ThreadStack* stacksOf(void* page) {
  return reinterpret_cast<ThreadStack*>(static_cast<char*>(page) + kPageStacksOffset);
}

}  // namespace longhaul::host::protocol
