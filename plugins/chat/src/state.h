// What the chat keeps in the integration context: channels, open questions, lines that nobody fetched yet. Values with
// their JSON, in XSOAR's shapes where there is one (`mirrors` and `questions`, each a JSON text). Pure; any thread.
#ifndef CHAT_PLUGIN_STATE_H
#define CHAT_PLUGIN_STATE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chat_plugin {

constexpr std::size_t kSeenMax = 200;   // entries of a channel that are remembered as sent: a retry is near, never far
constexpr std::size_t kLinesMax = 500;  // lines that wait, over all users; with the next, under the context's 1 MiB
constexpr std::size_t kLineTextBytesMax = 1024;  // of a line that waits; the war room has the whole text

// A mirrored incident.
struct Channel {
  std::string incident;
  std::string type = "all";        // all, chat
  std::string direction = "both";  // both, FromDemisto, ToDemisto
  bool auto_close = true;
  std::vector<std::string> members;
  std::vector<std::string> seen;  // ids of entries, the newest last

  std::string name() const { return "incident-" + incident; }
};

constexpr std::size_t kClosedMax = 100;  // questions that are over and are remembered: an answer may be repeated

struct Question {
  std::string thread;  // "q3": how its answer names it
  std::string entitlement;
  std::string to;  // user, or channel
  std::string reply;
  std::string expiry;  // as it came: "2026-11-24 12:00:00" or "2026-11-24T12:00:00Z"; UTC
  std::string sent;
  std::string default_response;
  std::vector<std::string> options;
};

// A line on its way to one user.
struct Line {
  std::int64_t number = 0;  // the user may see a line again after a crash: by its number it is known
  std::string to;
  std::string channel;  // empty: to the user alone
  std::string text;
  bool keep = false;  // a question: not dropped for others
};

struct State {
  std::vector<Channel> channels;
  std::vector<Question> questions;
  std::vector<Question> closed;  // that are over, the newest last
  std::vector<Line> lines;
  std::int64_t line_count = 0;      // ever
  std::int64_t question_count = 0;  // ever

  Channel* channel(std::string_view name);
  const Channel* channel(std::string_view name) const;
  Question* question(std::string_view thread);
  // It is over: it goes to the closed ones.
  void close(std::string_view thread);

  // Over kLinesMax the oldest that may go does; returns how many did.
  std::size_t send(std::string to, std::string channel, std::string text, bool keep = false);
};

// Unknown keys and broken values are passed over: an operator can write the context.
State readState(std::string_view context);

// All of it, as patchIntegrationContext takes it.
std::string toPatch(const State& state);

// Seconds since 1970 of a question's expiry; 0 if it has none, or one in another form.
std::int64_t expirySeconds(std::string_view text);

// "2026-11-24 12:00:00"
std::string timeText(std::int64_t seconds);

}  // namespace chat_plugin

#endif
