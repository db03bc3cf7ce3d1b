// The one thread that reads the control socket once the worker has started: stop, commands, changes of the context,
// further call sockets, and the end of the host, which is the end of this process. It also does what others must not
// wait for: doorbells that found the socket busy, answers whose call gave up, closing what is idle. It sleeps while
// there is nothing of that.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "host/worker/commands.h"
#include "host/worker/session.h"
#include "longhaul/plugin.h"

namespace longhaul::host::worker {

class ControlThread {
 public:
  ControlThread(Session& session, const longhaul_descriptor_t& descriptor, Commands& commands, int wake_fd)
      : session_(session), descriptor_(descriptor), commands_(commands), wake_fd_(wake_fd) {}

  // Starts the thread, with all signals blocked: they are the plugin's, on its own threads. False with errno.
  bool start();

  // Main: from now on stop() may be called on it, and it is, if the host asked already.
  void pluginCreated(longhaul_plugin_t* plugin);
  // Main, before destroy: returns once a stop() under way has returned; none comes afterwards.
  void pluginEnds();

 private:
  void run();
  void handleMessages();
  void handle(ControlSocket::Message& message);
  void callStop();
  void readGivenUp();

  Session& session_;
  const longhaul_descriptor_t& descriptor_;
  Commands& commands_;
  int wake_fd_;
  std::vector<std::unique_ptr<CallSocket>> given_up_;

  std::mutex plugin_mutex_;
  longhaul_plugin_t* plugin_ = nullptr;  // between create and destroy
  bool stop_called_ = false;
};

}  // namespace longhaul::host::worker
