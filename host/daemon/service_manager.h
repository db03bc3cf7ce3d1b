// What a service manager wants to know (sd_notify(3) of systemd): ready, reloading, stopping, and that the loop still
// turns. Without NOTIFY_SOCKET all of it does nothing. Loop only.
#pragma once

#include <string>
#include <string_view>

#include "host/base/timer_queue.h"

namespace longhaul::host::daemon {

class ServiceManager {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and takes them out of the environment, so that no worker has
  // them.
  explicit ServiceManager(TimerQueue& timers);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  void ready(std::string_view status);
  void reloading();
  void stopping();

 private:
  void say(std::string_view text) const;
  void keepAlive();

  TimerQueue& timers_;
  std::string socket_;  // empty: nobody asks
  Duration alive_every_{};
  TimerId timer_ = TimerId::None;
};

}  // namespace longhaul::host::daemon
