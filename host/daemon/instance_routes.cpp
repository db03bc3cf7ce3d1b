#include "host/daemon/instance_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "host/config/http_access.h"
#include "host/supervisor/http_entrance.h"

namespace longhaul::host::daemon {
namespace {

constexpr int kAgainWhenDown = 30;  // where nothing is known of when it serves again

config::HttpAccess accessIn(const std::string& config) {
  const auto json = parseJson(config.empty() ? "{}" : config);
  if (!json || !json->is_object() || !json->contains("http")) return {};
  return config::httpFromRecord(json->at("http"));
}

// What a client can send: a field's value has no control characters, and none is no secret.
Result<http::RouteAccess> accessWith(const config::HttpAccess& access, const Result<std::string>& secret) {
  if (!secret) return secret.error();
  if (secret->empty()) return Error{Code::Invalid, "the secret of http is empty"};
  const bool has_control = std::any_of(secret->begin(), secret->end(),
                                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  const bool has_edge = secret->front() == ' ' || secret->back() == ' ';
  if (access.access == config::Access::Basic) return http::basicRoute(access.user, *secret);
  if (has_control || has_edge) {
    return Error{Code::Invalid,
                 "the secret of http has a line end, another control character, or a blank at one of its "
                 "ends, which no header field can carry"};
  }
  if (access.access == config::Access::Header) return http::headerRoute(access.header, *secret);
  return http::tokenRoute(*secret);
}

http::UpstreamAddress addressOf(const config::Address& address) {
  return {.unix_path = address.unix_path, .host = address.host, .port = address.port};
}

}  // namespace

InstanceRoutes::InstanceRoutes(EventLoop& loop, supervisor::Supervisor& supervisor, admin::RunJob run_job,
                               ReadSecret read_secret)
    : supervisor_(supervisor),
      run_job_(std::move(run_job)),
      read_secret_(std::move(read_secret)),
      gate_(loop.timers(), {.config = [this](std::string_view name) { return supervisor_.http().configOf(name); },
                            .read =
                                [this](const std::string& instance, const std::string& config,
                                       const std::function<void(http::ConfiguredGate::Read)>& done) {
                                  read(instance, config, done);
                                }}),
      upstream_(loop, supervisor.http(), [this](std::string_view name) { return serverOf(name); }) {
  subscription_ = supervisor_.subscribe([this](InstanceId id) {
    if (const auto name = supervisor_.http().nameOf(id)) gate_.changed(*name);
  });
}

InstanceRoutes::~InstanceRoutes() {
  supervisor_.unsubscribe(subscription_);
}

void InstanceRoutes::read(const std::string& instance, const std::string& config,
                          const std::function<void(http::ConfiguredGate::Read)>& done) const {
  const config::HttpAccess access = accessIn(config);
  if (access.access == config::Access::Closed) return done({.access = http::closedRoute()});
  if (access.access == config::Access::None) return done({.access = http::openRoute()});
  const auto reference = config::parseReference(access.secret);
  if (!reference) {
    return done({.access = Error{Code::Invalid,
                                 "the secret of http is no reference; \"longhaul secret set NAME "
                                 "http/secret -\" gives it one"}});
  }
  auto opened = std::make_shared<Result<std::string>>(std::string{});
  run_job_(
      [opened, instance, reference = *reference, read_secret = read_secret_] {
        *opened = read_secret(instance, reference, std::string(config::kHttpSecretPlace));
      },
      [opened, access, done, is_file = reference->kind != config::Reference::Kind::Encrypted] {
        done({.access = accessWith(access, *opened), .may_change = is_file});
      });
}

std::optional<http::UpstreamServer> InstanceRoutes::serverOf(std::string_view instance) const {
  const auto server = supervisor_.http().serverOf(instance);
  if (!server) return std::nullopt;
  http::UpstreamServer found;
  if (server->address) found.address = addressOf(*server->address);
  if (!server->serves) {
    found.down = fmt::format("{} is {}", instance, server->state);
    found.retry_after_s = server->again_in_s > 0 ? static_cast<int>(server->again_in_s) : kAgainWhenDown;
  }
  return found;
}

std::optional<admin::RouteView> InstanceRoutes::view(const std::string& instance,
                                                     const http::RouteCounts* counts) const {
  if (supervisor_.http().configOf(instance) == nullptr) return std::nullopt;
  const http::ConfiguredGate::Report gate = gate_.report(instance);
  admin::RouteView view{.path = fmt::format("/instance/execute/{}", instance),
                        .access = std::string(toText(gate.kind)),
                        .user = gate.user,
                        .header = gate.field,
                        .trouble = gate.trouble,
                        .refused_count = static_cast<std::int64_t>(gate.refused_count),
                        .refused_client = gate.refused_client,
                        .refused_at_us = gate.refused_at_us};
  if (const auto server = serverOf(instance)) {
    view.leads_to = server->address ? fmt::format("the plugin's own HTTP server at {}", toText(*server->address))
                                    : "the plugin's own HTTP server, whose listener is not open";
    if (view.trouble.empty()) view.trouble = server->down;
  } else if (supervisor_.http().serves(instance)) {
    view.leads_to = "the plugin's handler of longhaul.http/1";
  }
  if (!gate.trouble.empty()) view.access = std::string(toText(accessIn(*supervisor_.http().configOf(instance)).access));
  const http::RouteCounts::Counts* row = counts == nullptr ? nullptr : counts->find(instance);
  if (row == nullptr) return view;
  for (const std::uint64_t count : row->answers)
    view.requests_count += static_cast<std::int64_t>(count);
  view.under_way_count = static_cast<std::int64_t>(row->under_way_count);
  view.failed_at_us = row->failed_at_us;
  view.failed_status = row->failed_status;
  view.failure = row->failure;
  return view;
}

}  // namespace longhaul::host::daemon
