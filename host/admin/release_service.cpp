#include "host/admin/release_service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "host/admin/body.h"
#include "host/admin/manifest_json.h"
#include "host/base/counted.h"
#include "host/base/text.h"

namespace longhaul::host::admin {
namespace {

// What one release is to its plugin, in a word for a table.
std::string_view stateOf(const supervisor::ReleasesView& view, const supervisor::ReleaseView& each) {
  if (each.release.digest == view.candidate) return lifecycle::stageName(view.stage);
  if (each.release.digest == view.stable) return "stable";
  if (each.release.bad_us != 0) return "bad";
  return each.staged ? "kept" : "collected";
}

Json toJson(const supervisor::ReleasesView& view, const supervisor::ReleaseView& each) {
  const lifecycle::Release& release = each.release;
  Json json{{"digest", release.digest},
            {"version", release.version},
            {"state", stateOf(view, each)},
            {"active", each.active},
            {"staged", each.staged},
            {"instances", each.instances},
            {"arrivedAt", formatTimeUs(release.arrived_us)}};
  if (release.ready_us != 0) json["firstReadyAt"] = formatTimeUs(release.ready_us);
  if (release.stable_us != 0) json["stableAt"] = formatTimeUs(release.stable_us);
  if (release.bad_us != 0) {
    json["badAt"] = formatTimeUs(release.bad_us);
    json["badReason"] = release.bad_reason;
  }
  if (release.kept) json["keep"] = true;
  return json;
}

Json toJson(const supervisor::ReleasesView& view) {
  Json rows = Json::array();
  for (const supervisor::ReleaseView& each : view.releases)
    rows.push_back(toJson(view, each));
  Json json{{"plugin", view.plugin},
            {"stage", lifecycle::stageName(view.stage)},
            {"stable", view.stable},
            {"releases", std::move(rows)}};
  if (!view.candidate.empty()) json["candidate"] = view.candidate;
  if (!view.canary.empty()) json["canary"] = view.canary;
  if (view.watched_until_us != 0) json["watchedUntil"] = formatTimeUs(view.watched_until_us);
  return json;
}

}  // namespace

Failure ReleaseService::unknownPlugin(const std::string& plugin) const {
  const auto ids = catalog_.ids();
  if (std::find(ids.begin(), ids.end(), plugin) != ids.end()) {
    return notFound(fmt::format("no release of plugin \"{}\" ever counted", plugin),
                    "\"longhaul plugins\" says what its file is refused for");
  }
  std::string hint = didYouMean(plugin, ids);
  if (hint.empty()) hint = "\"longhaul plugins\" lists them";
  return notFound(fmt::format("there is no plugin \"{}\"", replaceNonUtf8(plugin)), std::move(hint));
}

Answer ReleaseService::manifest(const std::string& plugin) const {
  const catalog::PluginFile* file = supervisor_.fileOf(plugin);
  if (file == nullptr) file = catalog_.latest(plugin);
  if (file == nullptr) return unknownPlugin(plugin);
  return dumpJson(admin::toJson(*file));
}

Answer ReleaseService::history(const std::string& plugin) const {
  const auto view = supervisor_.releases(plugin);
  if (!view) return unknownPlugin(plugin);
  return dumpJson(toJson(*view));
}

std::optional<ReleaseService::Standing> ReleaseService::standing(const std::string& plugin,
                                                                 const Digest& digest) const {
  const auto view = supervisor_.releases(plugin);
  if (!view) return std::nullopt;
  for (const supervisor::ReleaseView& each : view->releases) {
    if (each.release.digest != digest) continue;
    Standing standing{.state = std::string(stateOf(*view, each))};
    if (each.release.bad_us != 0) {
      standing.reason = fmt::format("it is bad: {}", each.release.bad_reason);
      standing.code = lifecycle::Reason::ReleaseBad;
    } else if (!view->canary.empty() && digest == view->candidate) {
      standing.reason = fmt::format("it is tried in {} first", view->canary);
      standing.code = lifecycle::Reason::WaitsForCanary;
    }
    return standing;
  }
  return std::nullopt;
}

supervisor::Supervisor::Done ReleaseService::answerWithHistory(const std::string& plugin, const Reply& reply) const {
  return [this, alive = std::weak_ptr<bool>(alive_), plugin, reply](const Result<void>& result) {
    if (alive.expired()) return;
    reply(result ? history(plugin) : Answer{toFailure(result.error())});
  };
}

void ReleaseService::allow(const std::string& plugin, std::string_view body, const Reply& reply) {
  if (!supervisor_.releases(plugin)) return reply(unknownPlugin(plugin));
  Body asked(body, {"digest", "keep"});
  const std::string digest = asked.neededText("digest", "a digest, or its first digits");
  const Json& keep = asked.member("keep");
  if (!keep.is_null() && !keep.is_boolean()) asked.fail("keep", "true or false");
  if (asked.failure()) return reply(*asked.failure());
  supervisor_.allowRelease(plugin, digest, keep.is_boolean() && keep.get<bool>(), answerWithHistory(plugin, reply));
}

void ReleaseService::rollBack(const std::string& plugin, std::string_view body, const std::string& who,
                              const Reply& reply) {
  if (!supervisor_.releases(plugin)) return reply(unknownPlugin(plugin));
  Body asked(body, {"digest"});
  const std::string digest = asked.text("digest").value_or("");
  if (asked.failure()) return reply(*asked.failure());
  supervisor_.rollBack(plugin, digest, who, answerWithHistory(plugin, reply));
}

void ReleaseService::remove(const std::string& plugin, bool yes, const Reply& reply) {
  if (!supervisor_.releases(plugin) && catalog_.latest(plugin) == nullptr) return reply(unknownPlugin(plugin));
  std::vector<std::string> enabled;
  for (const supervisor::InstanceView& view : supervisor_.list()) {
    if (view.plugin == plugin && view.enabled) enabled.push_back(view.name);
  }
  if (const catalog::PluginFile* file = catalog_.active(plugin)) {
    return reply(conflict(fmt::format("{} is in a plugin folder", file->source.native()),
                          fmt::format("take the file away first; its instances run on until \"longhaul plugin remove "
                                      "{}\"",
                                      plugin)));
  }
  if (!yes) {
    return reply(needsYes(enabled.empty()
                              ? fmt::format("the staged files of {} and their history would be deleted", plugin)
                              : fmt::format("{} would be disabled ({}), and the staged files of {} and their history "
                                            "deleted; the instances with their context stay",
                                            counted(enabled.size(), "instance"), fmt::join(enabled, ", "), plugin)));
  }
  supervisor_.removePlugin(plugin,
                           [alive = std::weak_ptr<bool>(alive_), plugin, enabled, reply](const Result<void>& result) {
                             if (alive.expired()) return;
                             if (!result) return reply(toFailure(result.error()));
                             reply(dumpJson({{"plugin", plugin}, {"removed", true}, {"disabled", enabled}}));
                           });
}

}  // namespace longhaul::host::admin
