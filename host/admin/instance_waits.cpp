#include "host/admin/instance_waits.h"

#include <utility>
#include <vector>

namespace longhaul::host::admin {

InstanceWaits::~InstanceWaits() {
  for (const auto& [id, wait] : waits_)
    timers_.cancel(wait.timer);
}

void InstanceWaits::add(WaitId id, InstanceId instance, std::string name, Goal goal, Since since, Duration timeout,
                        Ended ended) {
  const TimerId timer = timers_.after(timeout, [this, id] {
    const auto node = waits_.extract(id);
    if (node) node.mapped().ended(find_(node.mapped().name), std::nullopt);
  });
  waits_.emplace(id, Wait{instance, std::move(name), goal, since, timer, std::move(ended)});
}

void InstanceWaits::cancel(WaitId id) {
  if (const auto node = waits_.extract(id)) timers_.cancel(node.mapped().timer);
}

// A reply may add and cancel waits: ids are gathered first and looked up one by one.
void InstanceWaits::changed(InstanceId instance) {
  std::vector<WaitId> ids;
  for (const auto& [id, wait] : waits_) {
    if (wait.instance == instance) ids.push_back(id);
  }
  for (const WaitId id : ids) {
    const auto found = waits_.find(id);
    if (found == waits_.end()) continue;
    const auto view = find_(found->second.name);
    const auto verdict = view ? judge(*view, found->second.goal, found->second.since) : std::nullopt;
    if (view && !verdict) continue;
    const auto node = waits_.extract(found);
    timers_.cancel(node.mapped().timer);
    node.mapped().ended(view, verdict);
  }
}

}  // namespace longhaul::host::admin
