#include "host/cli/waiting.h"

#include <algorithm>

namespace longhaul::host::cli {

Result<Waited> waitFor(const Api& api, const WaitFor& what, std::chrono::steady_clock::time_point deadline) {
  using std::chrono::milliseconds;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const milliseconds step = std::clamp<milliseconds>(left, milliseconds{0}, kWaitStep);
    Target target{"/instances"};
    target.step(what.name).query("wait", what.state);
    if (!what.since.empty()) target.query("since", what.since);
    target.query("timeoutMs", step.count());
    auto answer = api.call({.target = target.text()}, step + kAnswerTimeout);
    if (!answer) return std::move(answer).error();
    if (!answer->ok()) return problemOf(*answer);
    const Json& wait = memberAt(answer->body, "wait");
    const std::string outcome = textAt(wait, "outcome");
    Waited waited{.reason = textAt(wait, "reason"), .instance = answer->body};
    if (outcome == "reached") waited.outcome = Waited::Outcome::Reached;
    if (outcome == "failed") waited.outcome = Waited::Outcome::Failed;
    if (waited.outcome != Waited::Outcome::Timeout || left <= step) return waited;
  }
}

}  // namespace longhaul::host::cli
