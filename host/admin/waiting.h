// When a wait for an instance is over: the command line's verbs wait for what they caused. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/supervisor/instance_view.h"

namespace longhaul::host::admin {

enum class Goal : std::uint8_t { Running, Stopped, Settled };
std::string_view goalName(Goal goal);  // "running", "stopped", "settled"
std::optional<Goal> parseGoal(std::string_view name);

// How it was when an act began, so that what was there before is not taken for its effect. Clients keep its text and
// know nothing of what is in it.
struct Since {
  std::int64_t generation = 0;  // a worker counts only when it is newer
  bool refusal_counts = false;  // the act asked for another target: that it was given up is a failure
  bool operator==(const Since&) const = default;

  std::string text() const;
  static std::optional<Since> parse(std::string_view text);
};

struct Verdict {
  bool reached = false;  // false: without an operator it will not be
  std::string reason;
  bool operator==(const Verdict&) const = default;
};

// Nothing: it may still come.
std::optional<Verdict> judge(const supervisor::InstanceView& view, Goal goal, const Since& since);

}  // namespace longhaul::host::admin
