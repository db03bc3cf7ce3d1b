// What the daemon serves by TCP, from its settings: addresses, names and TLS, and what it says about them. Loop only.
#pragma once

#include <string>

#include "host/admin/sessions.h"
#include "host/base/result.h"
#include "host/base/timer_queue.h"
#include "host/config/web_config.h"
#include "host/http/server.h"

namespace longhaul::host::daemon {

class Web {
 public:
  // Server, sessions and timers outlive it.
  Web(http::Server& server, admin::Sessions& sessions, TimerQueue& timers)
      : server_(server), sessions_(sessions), timers_(timers) {}
  ~Web() { timers_.cancel(timer_); }
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;

  // Nothing to listen on is no fault.
  Result<void> open(const config::WebConfig& config);
  // SIGHUP: the certificate is read anew; a bad one leaves the old one in use.
  void reload();

 private:
  void watch();

  http::Server& server_;
  admin::Sessions& sessions_;
  TimerQueue& timers_;
  config::WebConfig config_;
  std::string seen_;  // of the files of the certificate, what tells one writing from another
  TimerId timer_ = TimerId::None;
};

}  // namespace longhaul::host::daemon
