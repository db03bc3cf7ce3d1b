#include "host/admin/waiting.h"

#include <algorithm>
#include <array>

#include "host/base/text.h"

namespace longhaul::host::admin {
namespace {

constexpr std::array<std::string_view, 3> kGoals{"running", "stopped", "settled"};

bool isOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::string_view goalName(Goal goal) {
  return kGoals[static_cast<std::size_t>(goal)];
}

std::optional<Goal> parseGoal(std::string_view name) {
  for (std::size_t i = 0; i < kGoals.size(); ++i) {
    if (kGoals[i] == name) return static_cast<Goal>(i);
  }
  return std::nullopt;
}

std::string Since::text() const {
  return std::to_string(generation) + (refusal_counts ? "r" : "");
}

std::optional<Since> Since::parse(std::string_view text) {
  Since since;
  since.refusal_counts = text.ends_with('r');
  if (since.refusal_counts) text.remove_suffix(1);
  const auto generation = parseInt(text);
  if (!generation || *generation < 0) return std::nullopt;
  since.generation = *generation;
  return since;
}

std::optional<Verdict> judge(const supervisor::InstanceView& view, Goal goal, const Since& since) {
  const bool no_worker = !view.current && !view.incoming;
  const auto reached = [&] { return Verdict{true, view.reason}; };
  const auto failed = [&] { return Verdict{false, view.reason}; };

  if (goal != Goal::Stopped && since.refusal_counts && view.state == "running" && !view.incoming &&
      !view.refused.empty()) {
    return Verdict{false, view.refused};
  }
  const bool runs =
      view.state == "running" && !view.incoming && view.current && view.current->generation.value > since.generation;
  if (goal != Goal::Stopped && runs) return reached();
  const bool ended_well = no_worker && isOneOf(view.state, {"idle", "completed"});
  if (ended_well) return reached();
  // A wish that is stored and not taken up yet: it is still shown as disabled.
  if (view.state == "disabled" && view.enabled) return std::nullopt;
  const bool rests = no_worker && isOneOf(view.state, {"disabled", "orphaned", "refused", "held"});
  if (rests) return goal == Goal::Running ? failed() : reached();
  if (isOneOf(view.state, {"crash-loop", "quarantined"})) {
    if (goal == Goal::Running) return failed();
    if (goal == Goal::Settled) return reached();
  }
  return std::nullopt;
}

}  // namespace longhaul::host::admin
