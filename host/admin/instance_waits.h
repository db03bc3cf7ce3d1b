// Long polls for the state of an instance: each ends when its verdict is there, when its time is over, or when the
// instance is gone. Loop only. Replies run from changed() and from timers, never from add().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "host/admin/waiting.h"
#include "host/base/ids.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::admin {

enum class WaitId : std::uint64_t { None = 0 };

class InstanceWaits {
 public:
  using Find = std::function<std::optional<supervisor::InstanceView>(const std::string& name)>;
  // No view: the instance was removed. No verdict: the time is over.
  using Ended =
      std::function<void(const std::optional<supervisor::InstanceView>& view, const std::optional<Verdict>& verdict)>;

  InstanceWaits(TimerQueue& timers, Find find) : timers_(timers), find_(std::move(find)) {}
  ~InstanceWaits();
  InstanceWaits(const InstanceWaits&) = delete;
  InstanceWaits& operator=(const InstanceWaits&) = delete;

  // `id` is the caller's, not in use.
  void add(WaitId id, InstanceId instance, std::string name, Goal goal, Since since, Duration timeout, Ended ended);
  void cancel(WaitId id);
  // Something of this instance changed, or it is gone. Not called from inside a reply.
  void changed(InstanceId instance);
  std::size_t size() const { return waits_.size(); }

 private:
  struct Wait {
    InstanceId instance;
    std::string name;
    Goal goal{};
    Since since;
    TimerId timer{};
    Ended ended;
  };

  TimerQueue& timers_;
  Find find_;
  std::map<WaitId, Wait> waits_;
};

}  // namespace longhaul::host::admin
