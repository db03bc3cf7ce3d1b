// Runs what the host asks beside the loop: the plugin's test and its commands (longhaul/commands.h), each on a thread
// of its own, so that one that hangs holds up neither the loop nor another. execute() is the control thread's; begin()
// and end() are main's. Never destroyed: a thread may still be in the plugin when the process ends.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "host/worker/session.h"
#include "longhaul/commands.h"

namespace longhaul::host::worker {

class Commands {
 public:
  // `table`: the plugin's, or null when it has none.
  Commands(Session& session, const longhaul_commands_t* table) : session_(session), table_(table) {}

  // Control thread: runs it once the plugin is created, and answers with CommandDone.
  void execute(const protocol::Execute& asked);

  void begin(longhaul_plugin_t* plugin);
  // Takes no further commands and returns once none is under way: what comes next is destroy. Whoever waits longer than
  // the stop deadline is ended by the host.
  void end();

 private:
  struct Job;
  void run(const Job& job);
  void answer(std::uint64_t id, longhaul_status_t status, std::uint32_t said, std::string_view text);
  longhaul_plugin_t* enter();
  void leave();

  Session& session_;
  const longhaul_commands_t* table_;
  std::mutex mutex_;
  std::condition_variable changed_;
  longhaul_plugin_t* plugin_ = nullptr;  // between begin and end
  bool ended_ = false;
  std::size_t running_count_ = 0;  // threads, from their start on
};

}  // namespace longhaul::host::worker
