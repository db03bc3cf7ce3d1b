// What a worker's handlers left in the shared page, as the host reads it: each word once, checked, and made into texts
// that can be shown. The worker may have written anything: a report is never more than that worker's word about its own
// end, and whoever uses it compares it with what the kernel says. Any thread; values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/protocol/shared_page.h"

namespace longhaul::host::protocol {

struct CrashReport {
  int signal = 0;
  int code = 0;        // si_code
  int thread = 0;      // the kernel's number; main has the process's
  int sender_pid = 0;  // of a signal that was sent; 0: the kernel's own finding
  int system_call = -1;
  std::uint64_t address = 0;
  bool stack_overflow = false;
  std::string thread_name;
  std::vector<std::string> frames;  // "plugin+0x1234", "libc.so.6+0x3c", or the bare address
  std::uint32_t guessed_count = 0;  // so many of the last of them were found on a damaged stack, and may be wrong
};
// Nothing: the handler did not run.
std::optional<CrashReport> readCrash(const void* page);

// A file that lay in the worker's memory.
struct Module {
  std::string name;           // "plugin", "libc.so.6"
  std::string build_id_head;  // its first eight bytes, hexadecimal; empty: none
};
std::vector<Module> readModules(const void* page);

// How often each system call was refused since the worker's start, of those that were; by number.
std::vector<std::pair<int, std::uint32_t>> readDenied(const void* page);

// The stack that a thread wrote into the place of this index; nothing: it has not (yet), or it was another thread.
std::optional<std::vector<std::string>> readStack(const void* page, std::size_t index, int thread);

}  // namespace longhaul::host::protocol
