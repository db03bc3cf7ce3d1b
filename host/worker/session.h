// What the server table works on: the channel's ends, the copies of what the host told, the stop signal, the log. Made
// by main before the plugin is loaded and never destroyed: other threads of the plugin may use it until _exit.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "host/protocol/log_ring.h"
#include "host/protocol/messages.h"
#include "host/worker/call_pool.h"
#include "host/worker/context_copy.h"
#include "host/worker/control_socket.h"
#include "host/worker/stop_signal.h"
#include "longhaul/types.h"

namespace longhaul::host::worker {

// Set once, from Start, before the plugin's create; read by any thread from then on.
struct Facts {
  bool signals_ready = false;
  bool one_shot = false;
  std::int64_t context_schema = 0;
  std::int64_t state_schema = 0;
  std::uint64_t context_bytes_max = 0;
  std::string instance;
  std::string params;
  std::string version;
  std::string urls;
  std::string license_id;
  std::map<std::string, std::string, std::less<>> parameters;
  std::map<std::string, int, std::less<>> listeners;
};

class Session {
 public:
  // `control_fd`, `call_fd`: the worker's ends; `page`: the mapping of kSharedPageBytes; `wake_fd`: an eventfd that the
  // control thread polls.
  Session(int control_fd, int call_fd, void* page, int wake_fd);

  // Thread-safe. False between fork and exec of a child, and after destroy: calls answer NOT_IN_WORKER.
  bool isOpen() const { return open_.load(std::memory_order_relaxed); }
  void close() { open_.store(false); }
  // In the child of a fork: nothing of the channel stays usable. Async-signal-safe.
  void closeInForkedChild();

  void start(const protocol::Start& message);
  // Applies what a reply says to the copies, and waits until they have it. A reply that the copies cannot follow ends
  // the worker.
  void applyReply(const protocol::Reply& reply);
  // The same for a reply whose call gave up: nobody waits for it.
  void applyLateReply(const protocol::Reply& reply);
  // An operator's change.
  void applyPush(const protocol::ContextChange& change);

  // Writes one line; gives the status that the plugin gets.
  longhaul_status_t log(protocol::LogLevel level, std::string_view text);
  // The last line of level error, for Bye and Failed; cut to kErrorTextBytesMax.
  std::string lastErrorLine();
  // Sends Ready at its first call.
  void sayReady();
  void wakeControlThread() const;
  // The control thread rings, once there is one. Async-signal-safe.
  void oweDoorbell();

  // Says why, and ends the process. Any thread.
  [[noreturn]] void fail(protocol::Stage stage, longhaul_status_t status, std::string_view text);

  ControlSocket control;
  CallPool calls;
  ContextCopy context;
  LastRunCopy last_run;
  StopSignal stop;
  protocol::LogRingWriter ring;
  Facts facts;
  std::atomic<std::uint64_t> last_request_id{0};
  // A doorbell that found the control socket busy: the control thread rings it.
  std::atomic<bool> doorbell_owed{false};

 private:
  [[noreturn]] void failWithoutChange(std::int64_t version);

  int wake_fd_;
  std::atomic<bool> open_{true};
  std::atomic<bool> ready_said_{false};
  std::mutex error_line_mutex_;
  std::string error_line_;
};

}  // namespace longhaul::host::worker
