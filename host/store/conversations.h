// Values of the store: questions to people (entitlements) and incidents that a chat mirrors. Plain structs. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/ids.h"
#include "host/store/people.h"

namespace longhaul::host::store {

enum class EntitlementState : std::uint8_t { Open = 0, Answered = 1, Expired = 2 };

// A question of an incident to one user through a chat, and its answer. Outside it is `guid@incident[|task]`.
struct Entitlement {
  std::int64_t id = 0;  // the cursor of lists
  std::string guid;     // unique
  IncidentId incident;
  std::string task_id;
  InstanceId instance;  // of the chat that it is asked through
  std::string to;       // username
  std::string message;
  std::vector<std::string> options;  // the answers to choose from; empty: any text
  std::string reply;                 // what the chat says to an answer: {user} and {response} stand for them
  std::string default_response;      // the answer when the time is out
  std::string asked_by;
  std::int64_t created_at_us = 0;
  std::int64_t expires_at_us = 0;   // 0: never
  std::int64_t remind_at_us = 0;    // 0: no reminder
  std::int64_t sent_at_us = 0;      // the chat took it; 0: not yet
  std::int64_t reminded_at_us = 0;  // 0: not yet
  EntitlementState state = EntitlementState::Open;
  std::string answered_by;  // a username, else what the chat said; empty: nobody, the time was out
  std::int64_t answered_at_us = 0;
  std::string answer;
  EntryId entry;  // with the answer
  bool operator==(const Entitlement&) const = default;
};

// Part of a commit. NOT_FOUND: no such question of this incident (and task). ALREADY_ANSWERED: once only, with who and
// when; the same by the same person again replays the first. The commit's first entry is the answer's.
struct AnswerEntitlement {
  std::string guid;
  IncidentId incident;
  std::string task_id;  // empty: not looked at
  UserRef by;
  std::string by_text;  // when nobody is found by `by`
  std::string answer;
  bool expired = false;  // the host's: the time was out
};
// The host's own. A time of 0 changes nothing.
struct MarkEntitlement {
  std::string guid;
  std::int64_t sent_at_us = 0;
  std::int64_t reminded_at_us = 0;
};
struct EntitlementQuery {
  std::optional<IncidentId> incident;
  std::optional<std::string> to;
  std::optional<EntitlementState> state;
  std::optional<std::int64_t> before_id;  // cursor, newest first
  std::optional<std::int64_t> after_id;   // cursor, oldest first
  std::size_t limit = 0;
};

enum class MirrorType : std::uint8_t { None = 0, All = 1, Chat = 2 };
enum class MirrorDirection : std::uint8_t { Both = 0, FromDemisto = 1, ToDemisto = 2 };

// An incident whose war room goes to a chat instance: a durable outbox, whose cursor is `sent_entry`.
struct Mirror {
  IncidentId incident;
  InstanceId instance;
  std::string instance_name;  // as read
  MirrorType type = MirrorType::All;
  MirrorDirection direction = MirrorDirection::Both;
  bool auto_close = false;
  std::int64_t sent_entry = 0;  // id of the newest entry that was handed over, or needed not to be
  std::int64_t created_at_us = 0;
  bool operator==(const Mirror&) const = default;
};
// Part of a commit, by its instance. A new mirror begins behind the newest entry; type None ends one.
struct SetMirror {
  IncidentId incident;
  MirrorType type = MirrorType::All;
  MirrorDirection direction = MirrorDirection::Both;
  bool auto_close = false;
};
// The host's own. The cursor goes forward only; a mirror that ended meanwhile is no error.
struct AdvanceMirror {
  IncidentId incident;
  InstanceId instance;
  std::int64_t sent_entry = 0;
};
struct EndMirror {
  IncidentId incident;
  InstanceId instance;
};
struct MirrorQuery {
  std::optional<IncidentId> incident;
  std::optional<InstanceId> instance;
};

}  // namespace longhaul::host::store
