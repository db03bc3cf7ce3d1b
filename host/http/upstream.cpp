#include "host/http/upstream.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "host/http/upstream_limits.h"

namespace longhaul::host::http {
namespace {

using services::HttpFailure;

// Its server closed it, or said what nobody asked for.
bool isUsable(int fd) {
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

}  // namespace

// Of one exchange.
class Upstream::Owner final : public UpstreamOwner {
 public:
  Owner(Upstream& upstream, std::string instance) : upstream_(upstream), instance_(std::move(instance)) {
    ++server().under_way_count;
  }

  UniqueFd takeIdle() override {
    auto& idle = server().idle;
    while (!idle.empty()) {
      UniqueFd fd = std::move(idle.back().fd);
      idle.pop_back();
      if (isUsable(fd.get())) return fd;
    }
    return {};
  }

  void keepIdle(UniqueFd fd) override {
    auto& idle = server().idle;
    if (idle.size() >= kUpstreamIdleMax) idle.pop_front();
    idle.push_back({std::move(fd), upstream_.loop_.timers().now() + kUpstreamIdle});
    upstream_.dropIdle();
  }

  void over() override { --server().under_way_count; }

 private:
  Server& server() { return upstream_.servers_[instance_]; }

  Upstream& upstream_;
  const std::string instance_;
};

Upstream::Upstream(EventLoop& loop, services::InstanceHttp& tables, Find find)
    : loop_(loop), tables_(tables), find_(std::move(find)) {}

Upstream::~Upstream() {
  loop_.timers().cancel(timer_);
}

std::unique_ptr<services::HttpExchange> Upstream::open(services::HttpAsked asked, services::HttpEvents& events) {
  auto found = find_(asked.instance);
  if (!found) return tables_.open(std::move(asked), events);
  Server& server = servers_[asked.instance];
  const UpstreamAddress address = found->address.value_or(UpstreamAddress{});
  if (server.address != address) {
    server.address = address;
    server.idle.clear();
  }
  std::optional<HttpFailure> refused;
  if (!found->down.empty() || !found->address) {
    refused = HttpFailure{
        .status = 503,
        .detail = found->down.empty() ? "the listener of the plugin's HTTP server is not open" : std::move(found->down),
        .retry_after_s = found->retry_after_s > 0 ? found->retry_after_s : 1};
  } else if (server.under_way_count >= kUpstreamAtOnce) {
    refused = HttpFailure{.status = 503,
                          .detail = fmt::format("{} requests to this instance are under way already", kUpstreamAtOnce),
                          .retry_after_s = 1};
  }
  auto owner = std::make_unique<Owner>(*this, asked.instance);
  auto exchange = std::make_unique<UpstreamExchange>(loop_, address, std::move(asked), events, std::move(owner));
  if (refused) exchange->refuse(std::move(*refused));
  return exchange;
}

// Those whose time is over, and of instances that are gone all that is known.
void Upstream::dropIdle() {
  const TimePoint now = loop_.timers().now();
  std::optional<TimePoint> next;
  for (auto& [instance, server] : servers_) {
    while (!server.idle.empty() && server.idle.front().until <= now)
      server.idle.pop_front();
    if (!server.idle.empty() && (!next || server.idle.front().until < *next)) next = server.idle.front().until;
  }
  std::erase_if(servers_, [&](const auto& entry) {
    return entry.second.idle.empty() && entry.second.under_way_count == 0 && !find_(entry.first);
  });
  loop_.timers().cancel(std::exchange(timer_, TimerId::None));
  if (!next) return;
  timer_ = loop_.timers().at(*next, [this] {
    timer_ = TimerId::None;
    dropIdle();
  });
}

std::size_t Upstream::underWayCount(std::string_view instance) const {
  const auto found = servers_.find(instance);
  return found == servers_.end() ? 0 : found->second.under_way_count;
}

std::size_t Upstream::idleCount(std::string_view instance) const {
  const auto found = servers_.find(instance);
  return found == servers_.end() ? 0 : found->second.idle.size();
}

}  // namespace longhaul::host::http
