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

// ---- calls that went nowhere

constexpr std::size_t kSearchedWords = 512;  // of the stack: 4 KiB, the frames of a few functions
constexpr std::uint32_t kGuessedMax = 8;

std::uint64_t returnAddress(const ucontext_t& context) {
#if defined(__x86_64__)
  return *reinterpret_cast<const std::uint64_t*>(context.uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
  return context.uc_mcontext.regs[30];
#endif
}

void comeBack(ucontext_t& context, std::uint64_t instruction) {
#if defined(__x86_64__)
  context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(instruction);
  context.uc_mcontext.gregs[REG_RSP] += 8;
#elif defined(__aarch64__)
  context.uc_mcontext.pc = instruction;
#endif
}

// Whether the instruction before it is a call. What is no code may have these bytes too: then it is a wrong guess.
__attribute__((no_sanitize_address)) bool followsCall(std::uint64_t address) {
#if defined(__x86_64__)
  const auto* const end = reinterpret_cast<const unsigned char*>(address);
  if (end[-5] == 0xe8) return true;  // call near
  constexpr int kCallBytesMax = 7;
  for (int size = 2; size <= kCallBytesMax; ++size) {  // call *…: FF /2 with what belongs to it
    if (end[-size] == 0xff && (end[1 - size] & 0x38) == 0x10) return true;
  }
  return false;
#elif defined(__aarch64__)
  const std::uint32_t call = *reinterpret_cast<const std::uint32_t*>(address - 4);
  return (call & 0xfc000000U) == 0x94000000U || (call & 0xfffffc1fU) == 0xd63f0000U;  // bl, blr
#endif
}

bool isReturnInto(std::span<const protocol::ModuleRecord> modules, std::uint64_t address) {
  constexpr std::uint64_t kBefore = 8;
  for (const protocol::ModuleRecord& module : modules) {
    if (address >= module.begin + kBefore && address < module.end) return followsCall(address);
  }
  return false;
}

__attribute__((no_sanitize_address)) void takeFromStack(Walk& walk, std::uint64_t stack_pointer,
                                                        std::span<const protocol::ModuleRecord> modules,
                                                        std::uint32_t& guessed_count) {
  const auto* const words = reinterpret_cast<const std::uint64_t*>(stack_pointer & ~std::uint64_t{7});
  for (std::size_t i = 0; i < kSearchedWords && guessed_count < kGuessedMax; ++i) {
    if (!isReturnInto(modules, words[i]) || walk.count >= walk.frames_max) continue;
    ++guessed_count;
    add(walk, words[i] - 1);
  }
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

void takeFailedJump(ucontext_t& context, std::span<const protocol::ModuleRecord> modules, std::uint64_t* frames,
                    std::size_t frames_max, std::uint32_t& count, std::uint32_t& guessed_count) {
  Walk walk{.frames = frames, .frames_max = frames_max, .published = &count};
  const Interrupted at = interrupted(context);
  add(walk, at.instruction);
  const std::uint64_t back = returnAddress(context);
  if (!isReturnInto(modules, back)) {
    takeFromStack(walk, at.stack_pointer, modules.first(1), guessed_count);
    return;
  }
  // As if the call had come back at once: from there the unwinder finds its way.
  const ucontext_t before = context;
  comeBack(context, back - 1);
  walk.from = back - 1;
  add(walk, back - 1);
  _Unwind_Backtrace(step, &walk);
  context = before;
}

void takeFrames(const Interrupted& from, std::uint64_t* frames, std::size_t frames_max, std::uint32_t& count) {
  Walk walk{.from = from.instruction, .frames = frames, .frames_max = frames_max, .published = &count};
  add(walk, from.instruction);
  _Unwind_Backtrace(step, &walk);
}

}  // namespace longhaul::host::worker
