// What the chat does, without its sockets: the host's commands on one side, what people write on the other, and the
// questions whose time is over.
//
// Commands come from threads of their own, people's lines and expiry from the loop; every function may be called at
// once. What has to outlive the worker is in Memory before a function returns. No lock is held over a call of the host
// that may call a command of this plugin ("mirror 42").
#ifndef CHAT_PLUGIN_ROOM_H
#define CHAT_PLUGIN_ROOM_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "longhaul/sdk.hpp"
#include "memory.h"

namespace chat_plugin {

// Who sits at a connection.
struct Person {
  std::string name;                    // as it said hello
  std::optional<longhaul::User> user;  // as the host knows it

  // Under which lines wait.
  const std::string& key() const { return user ? user->username : name; }
};

// What a line of a person came to.
struct Reply {
  std::string text;  // may be empty; several lines
  bool done = true;  // false: `text` is why not
};

class Room {
 public:
  // `changed` is called when lines may wait, from any thread.
  Room(longhaul::Server server, bool anyone_can_open, std::function<void()> changed);

  // --- The host's commands. They throw what the command's failure is.
  std::string sendNotification(const longhaul::Command& command);
  std::string mirrorInvestigation(const longhaul::Command& command);
  std::string closeChannel(const longhaul::Command& command);

  // --- People
  Person meet(std::string name) const;
  // `key`: the person's own id of the line, empty if it gave none: a line under a key counts once.
  Reply handle(const Person& person, std::string_view line, std::string_view key);

  // --- The loop
  std::vector<Line> waiting() const { return memory_.read().lines; }
  void fetched(const std::vector<std::int64_t>& numbers);
  // Answers what is over by now with its default; gives when the next one is due, 0 if none is.
  std::int64_t expire(std::int64_t now_seconds);

 private:
  std::string ask(const longhaul::Command& command, const std::string& message);
  std::string userNamed(const std::string& to) const;
  Reply say(const Person& person, std::string_view rest, std::string_view key);
  Reply answer(const Person& person, std::string_view rest);
  Reply join(const Person& person, const std::string& name, bool in);
  Reply listChannels(const Person& person) const;
  Reply listQuestions(const Person& person) const;
  Reply direct(const Person& person, std::string_view line, std::string_view key);
  void change(const std::function<bool(State&)>& change);
  void send(State& state, std::string to, const std::string& channel, std::string text, bool keep = false);

  longhaul::Server server_;
  Memory memory_;
  const bool anyone_can_open_;
  const std::function<void()> changed_;
};

}  // namespace chat_plugin

#endif
