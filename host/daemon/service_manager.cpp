#include "host/daemon/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "host/base/text.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::daemon {
namespace {

// At the start, before there are threads or workers that could look at the environment.
std::string takeVariable(const char* name) {
  const char* found = std::getenv(name);  // NOLINT: one thread
  std::string value = found == nullptr ? "" : found;
  ::unsetenv(name);  // NOLINT: likewise
  return value;
}

std::int64_t monotonicUs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

ServiceManager::ServiceManager(TimerQueue& timers) : timers_(timers), socket_(takeVariable("NOTIFY_SOCKET")) {
  const auto watchdog_us = parseInt(takeVariable("WATCHDOG_USEC"));
  const auto pid = parseInt(takeVariable("WATCHDOG_PID"));
  if (socket_.empty() || !watchdog_us || *watchdog_us <= 0 || (pid && *pid != ::getpid())) return;
  alive_every_ = std::chrono::microseconds{*watchdog_us / 2};  // as sd_watchdog_enabled(3) advises
  keepAlive();
}

ServiceManager::~ServiceManager() {
  timers_.cancel(timer_);
}

void ServiceManager::keepAlive() {
  say("WATCHDOG=1");
  timer_ = timers_.after(alive_every_, [this] { keepAlive(); });
}

void ServiceManager::ready(std::string_view status) {
  say(fmt::format("READY=1\nSTATUS={}", status));
}

void ServiceManager::reloading() {
  say(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonicUs()));
}

void ServiceManager::stopping() {
  say("STOPPING=1");
}

// A manager that does not read is its own problem: nothing waits for it.
void ServiceManager::say(std::string_view text) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';  // an abstract one
  const UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  (void)::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace longhaul::host::daemon
