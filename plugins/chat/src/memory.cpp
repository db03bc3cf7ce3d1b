#include "memory.h"

namespace chat_plugin {

void Memory::change(const std::function<bool(State&)>& change) {
  const std::lock_guard lock(mutex_);
  State state = read();
  if (!change(state)) return;
  const std::string patch = toPatch(state);
  longhaul::untilTaken(server_.stopToken(), [&] { return server_.tryPatchIntegrationContext(patch); }).take();
}

}  // namespace chat_plugin
