// An alternate stack for each thread, so that the handler of a stack overflow has where to run: for main by a call, for
// every other thread by the pthread_create and thrd_create that this program exports and that a plugin's calls bind to.
// Likewise pthread_sigmask and sigprocmask are exported: they leave the signals open that carry a refusal of the
// sandbox, a fault or the question for a stack. Many libraries block all signals in their threads, and a refused system
// call there would end the process instead of returning an error. A thread that was made otherwise (clone) has neither,
// and costs only the record of its crash. Any thread.
#pragma once

#include <csignal>
#include <cstdint>

namespace longhaul::host::worker {

// Main, before any code of the plugin: its alternate stack, and where its own stack ends.
void prepareMainThread();

// The signals that no thread of this process blocks through the C library.
const sigset_t& openSignals();

// Whether a fault of the calling thread at this address comes from the end of its stack. Async-signal-safe.
bool isStackOverflow(std::uint64_t address, std::uint64_t stack_pointer);

}  // namespace longhaul::host::worker
