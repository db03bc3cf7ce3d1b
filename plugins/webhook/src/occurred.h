// Times as senders write them. Pure; any thread.
#ifndef WEBHOOK_PLUGIN_OCCURRED_H
#define WEBHOOK_PLUGIN_OCCURRED_H

#include <optional>
#include <string>
#include <string_view>

namespace webhook_plugin {

// "2026-11-24T12:00:00.5+01:00" (also with a blank for the T; without a zone it is UTC), or a number of seconds,
// milliseconds, microseconds or nanoseconds since 1970, told apart by its size ("1355517523.000005" is seconds). Gives
// RFC 3339; nothing for anything else, and for a year beyond 1970 to 9999.
std::optional<std::string> readOccurred(std::string_view text);

}  // namespace webhook_plugin

#endif
