#include "host/http/guess_limit.h"

#include <algorithm>

namespace longhaul::host::http {

int GuessLimit::waitS(std::string_view who, TimePoint now) const {
  const auto found = guesses_.find(who);
  if (found == guesses_.end() || found->second.count < most_) return 0;
  const Duration left = found->second.since + window_ - now;
  if (left <= Duration::zero()) return 0;
  return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(left).count());
}

void GuessLimit::wrong(std::string_view who, TimePoint now) {
  auto found = guesses_.find(who);
  if (found == guesses_.end()) {
    if (guesses_.size() >= kept_) {
      guesses_.erase(std::min_element(guesses_.begin(), guesses_.end(), [](const auto& left, const auto& right) {
        return left.second.since < right.second.since;
      }));
    }
    found = guesses_.emplace(who, Guesses{now}).first;
  }
  if (found->second.since + window_ <= now) found->second = {now};
  ++found->second.count;
}

}  // namespace longhaul::host::http
