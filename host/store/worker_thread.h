// Starts a thread of the store: named, with every signal blocked that the loop wants to see. Any thread.
#pragma once

#include <functional>
#include <thread>

namespace longhaul::host::store {

// `name` is at most 15 bytes, as the kernel keeps it.
std::thread startThread(const char* name, std::function<void()> body);

}  // namespace longhaul::host::store
