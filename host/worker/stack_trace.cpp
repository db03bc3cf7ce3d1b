#include "host/worker/stack_trace.h"

#include <unwind.h>

#include <atomic>

namespace longhaul::host::worker {
namespace {

struct Walk {
  std::uint64_t from = 0;
  bool found = false;  // the handler's own frames lie before
  std::uint64_t* frames = nullptr;
  std::size_t frames_max = 0;
  std::uint32_t count = 0;
  std::uint32_t* published = nullptr;
};

void add(Walk& walk, std::uint64_t address) {
  walk.frames[walk.count] = address;
  std::atomic_ref<std::uint32_t>{*walk.published}.store(++walk.count, std::memory_order_release);
}

_Unwind_Reason_Code step(_Unwind_Context* context, void* raw) {
  Walk& walk = *static_cast<Walk*>(raw);
  int before_instruction = 0;
  const std::uint64_t address = _Unwind_GetIPInfo(context, &before_instruction);
  if (address == 0) return _URC_END_OF_STACK;
  if (!walk.found) {
    walk.found = address == walk.from;
    return _URC_NO_REASON;
  }
  if (walk.count >= walk.frames_max) return _URC_END_OF_STACK;
  add(walk, before_instruction != 0 ? address : address - 1);
  return _URC_NO_REASON;
}

}  // namespace

Interrupted interrupted(const ucontext_t& context) {
#if defined(__x86_64__)
  return {static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RIP]),
          static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RSP])};
#elif defined(__aarch64__)
  return {context.uc_mcontext.pc, context.uc_mcontext.sp};
#else
#error "where do this architecture's instruction and stack pointer lie in a ucontext_t?"
#endif
}

void takeFailedJump(const ucontext_t& context, std::uint64_t* frames, std::uint32_t& count) {
  Walk walk{.frames = frames, .published = &count};
  const Interrupted at = interrupted(context);
  add(walk, at.instruction);
#if defined(__x86_64__)
  add(walk, *reinterpret_cast<const std::uint64_t*>(at.stack_pointer) - 1);
#elif defined(__aarch64__)
  add(walk, context.uc_mcontext.regs[30] - 1);
#endif
}

void takeFrames(const Interrupted& from, std::uint64_t* frames, std::size_t frames_max, std::uint32_t& count) {
  Walk walk{.from = from.instruction, .frames = frames, .frames_max = frames_max, .published = &count};
  add(walk, from.instruction);
  _Unwind_Backtrace(step, &walk);
}

}  // namespace longhaul::host::worker
