// What people write to a chat's bot: text to one command. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace longhaul::host::services {

struct ListIncidents {
  enum class Which : std::uint8_t { Active, Mine, Closed };
  Which which = Which::Active;
  std::int64_t page = 1;
};
struct ListTasks {
  std::int64_t page = 1;
};
struct NewIncidentAsked {
  std::string details;
};
struct MirrorAsked {
  std::int64_t incident = 0;
};
struct ShowAsked {
  std::int64_t incident = 0;
};
struct CloseAsked {
  std::int64_t incident = 0;
  std::string reason;
};
struct AssignAsked {
  std::int64_t incident = 0;
  std::string user;  // "me": who writes
};
// A command that lacks something: a sentence for the person.
struct Misunderstood {
  std::string text;
};
struct HelpAsked {};

using ChatCommand = std::variant<HelpAsked, ListIncidents, ListTasks, NewIncidentAsked, MirrorAsked, ShowAsked,
                                 CloseAsked, AssignAsked, Misunderstood>;

// Words without case, any white space between them.
ChatCommand parseChat(std::string_view text);

// XSOAR's text; with more lines for what is ours.
std::string chatHelp(bool may_change);

}  // namespace longhaul::host::services
