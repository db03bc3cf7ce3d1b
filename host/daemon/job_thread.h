// The one thread for what blocks and is nobody else's: hashing, staging, reading folders and secrets, deleting. Jobs
// run in the order given. run() on the loop; owns its thread.
#pragma once

#include <functional>
#include <memory>

#include "host/base/event_loop.h"

namespace longhaul::host::daemon {

class JobThread {
 public:
  explicit JobThread(EventLoop& loop);
  // Ends the job under way; those that wait are dropped, and no `done` comes any more.
  ~JobThread();

  // `work` on the thread, then `done` on the loop. Neither may throw.
  void run(std::function<void()> work, std::function<void()> done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace longhaul::host::daemon
