// The state in the integration context, changed by the loop and by commands at once: each change reads what is there,
// and is durable when it returns; a failure leaves everything as it was. Any thread.
#ifndef CHAT_PLUGIN_MEMORY_H
#define CHAT_PLUGIN_MEMORY_H

#include <functional>
#include <mutex>

#include "longhaul/sdk/server.hpp"
#include "state.h"

namespace chat_plugin {

class Memory {
 public:
  explicit Memory(longhaul::Server server) : server_(server) {}

  State read() const { return readState(server_.getIntegrationContext()); }

  // `change` gives false: nothing to write. Throws longhaul::Error when the host does not take it; while its queue or
  // its disk is full, it is tried until stop.
  void change(const std::function<bool(State&)>& change);

 private:
  longhaul::Server server_;
  std::mutex mutex_;  // over reading and writing: two changes follow each other
};

}  // namespace chat_plugin

#endif
