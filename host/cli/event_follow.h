// Follows the daemon's events (server-sent events): one stream, connected again where it was when the daemon goes away
// and comes back. Blocking; one thread.
#pragma once

#include <functional>
#include <string>

#include "host/cli/api.h"

namespace longhaul::host::cli {

struct EventNews {
  std::function<void(const Json& event)> event;  // also {"kind": "resync", "reason": …}
  std::function<void()> pause;                   // nothing more came with the last ones: a good time to flush
  std::function<void(const std::string& sentence)> note;
};

// `after`: the id of the last event that is known. Returns only with an error that waiting does not mend.
Error followEvents(const Api& api, const Target& target, std::string after, const EventNews& news);

}  // namespace longhaul::host::cli
