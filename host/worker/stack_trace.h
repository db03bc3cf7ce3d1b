// The frames of a thread that a signal interrupted, taken inside of the handler. Async-signal-safe as far as an
// unwinder can be: no lock, no memory of the heap. A damaged stack may end it by a fault of its own, so each frame is
// published as it is found.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "host/protocol/shared_page.h"

namespace longhaul::host::worker {

// Where the thread was, in its own words.
struct Interrupted {
  std::uint64_t instruction = 0;
  std::uint64_t stack_pointer = 0;
};
Interrupted interrupted(const ucontext_t& context);

// Writes at most `frames_max` addresses, the innermost first, and their number into `count`. The first one is where the
// thread was; of callers each address is inside of the call, not behind it.
void takeFrames(const Interrupted& from, std::uint64_t* frames, std::size_t frames_max, std::uint32_t& count);

// For a thread that jumped to where no code is: that address, the call that led there, and its callers. Where the stack
// was overwritten and no call is to be seen, what lies on it and looks like a return into the plugin follows instead:
// `guessed_count` of the last frames. `modules` is what lies where, the plugin first. `context` is as before when it
// returns.
void takeFailedJump(ucontext_t& context, std::span<const protocol::ModuleRecord> modules, std::uint64_t* frames,
                    std::size_t frames_max, std::uint32_t& count, std::uint32_t& guessed_count);

}  // namespace longhaul::host::worker
