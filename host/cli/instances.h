// Instances as verbs need them: names and globs resolved by the daemon, and how one is told in words.
#pragma once

#include <string>
#include <vector>

#include "host/cli/session.h"

namespace longhaul::host::cli {

// The instance objects of these names and globs, sorted by name; no names: all. NOT_FOUND when any of them matches
// nothing, with the nearest name.
Result<std::vector<Json>> selectInstances(const Api& api, const std::vector<std::string>& names);

// `*`, `?` or `[` in it.
bool isGlob(std::string_view name);

// "127.0.0.1:514/udp", "unix:/run/chat.sock": of a path the transport would look like a part.
std::string listenerText(const Json& listener);

Tone toneOfState(std::string_view state);
Tone toneOfHealth(std::string_view state);
// "running for 3 h 12 min", "backoff, next start in 4 s".
std::string stateText(const Json& instance, std::int64_t now_us);

}  // namespace longhaul::host::cli
