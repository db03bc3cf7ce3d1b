// Log lines that a stranger on the network can cause: each kind at most once in ten seconds, with a count of what was
// left out in between. One thread.
#ifndef SYSLOG_PLUGIN_NOTICES_H
#define SYSLOG_PLUGIN_NOTICES_H

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include "longhaul/sdk.hpp"

namespace syslog_plugin {

class Notices {
 public:
  enum class Kind { Truncated, Refused, StoreWaits, StoreBack, Connections, Accept, Cut, Count };
  static constexpr std::chrono::seconds kQuiet{10};

  explicit Notices(longhaul::Server server) : server_(server) {}

  void info(Kind kind, const std::string& text) { say(kind, text, false); }
  void error(Kind kind, const std::string& text) { say(kind, text, true); }

 private:
  struct State {
    bool said = false;
    std::chrono::steady_clock::time_point said_at;
    std::size_t left_out_count = 0;
  };

  void say(Kind kind, const std::string& text, bool is_error) {
    State& state = states_.at(static_cast<std::size_t>(kind));
    const auto now = std::chrono::steady_clock::now();
    if (state.said && now - state.said_at < kQuiet) {
      ++state.left_out_count;
      return;
    }
    const std::string line =
        state.left_out_count == 0 ? text : text + " (" + std::to_string(state.left_out_count) + " more like this)";
    state = {true, now, 0};
    if (is_error) {
      server_.error(line);
    } else {
      server_.info(line);
    }
  }

  longhaul::Server server_;
  std::array<State, static_cast<std::size_t>(Kind::Count)> states_{};
};

}  // namespace syslog_plugin

#endif
