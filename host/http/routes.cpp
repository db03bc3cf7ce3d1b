#include "host/http/routes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/http/conversation_routes.h"
#include "host/http/event_source.h"
#include "host/http/openapi.h"
#include "host/http/people_routes.h"
#include "host/http/secret_routes.h"

namespace longhaul::host::http {
namespace {

using admin::Act;
using admin::WaitId;

// Where the name or id stands in /api/v1/instances/{name}/…, /api/v1/plugins/{name}/… and /api/v1/incidents/{id}/….
constexpr std::size_t kNameAt = 3;
// In /api/v1/instances/{name}/context/snapshots/{id}.
constexpr std::size_t kSnapshotAt = 6;

const std::string& name(const Call& call) {
  return call.segments[kNameAt];
}

WaitId answer(Call& call, admin::Answer answer) {
  call.reply(std::move(answer));
  return WaitId::None;
}

// The query's fault, if it has one, is the answer.
bool isWrong(Call& call) {
  if (call.query.failure()) call.reply(*call.query.failure());
  return call.query.failure().has_value();
}

template <Act kAct>
WaitId act(Call& call) {
  call.service.act(name(call), kAct, call.reply);
  return WaitId::None;
}

WaitId getInstances(Call& call) {
  return answer(call, call.service.list(call.query.texts("name")));
}

WaitId getInstance(Call& call) {
  const auto goal = call.query.parsed("wait", admin::parseGoal, "running, stopped or settled");
  const auto since = call.query.parsed("since", admin::Since::parse, "what an act answered");
  constexpr std::int64_t kMost = std::chrono::milliseconds{kApiWaitMax}.count();
  const auto timeout_ms = call.query.number("timeoutMs", 0, kMost);
  if (isWrong(call)) return WaitId::None;
  if (!goal) return call.service.get(name(call), std::nullopt, call.reply);
  admin::WaitAsked asked{.goal = *goal, .since = since.value_or(admin::Since{})};
  if (timeout_ms) asked.timeout = std::chrono::milliseconds{*timeout_ms};
  return call.service.get(name(call), asked, call.reply);
}

WaitId removeInstance(Call& call) {
  const bool yes = call.query.flag("yes");
  if (!isWrong(call)) call.service.remove(name(call), yes, call.reply);
  return WaitId::None;
}

WaitId explainInstance(Call& call) {
  return answer(call, call.service.explain(name(call)));
}

WaitId explain(Call& call) {
  const auto target = call.query.text("target");
  if (!target || target->empty()) {
    return answer(call,
                  admin::invalid("the query parameter \"target\" is missing: wanted an instance or a file", "target"));
  }
  return answer(call, call.service.explain(*target));
}

WaitId logs(Call& call) {
  admin::LogsAsked asked;
  if (const auto lines = call.query.number("n", 0, static_cast<std::int64_t>(kLogPageLinesMax))) {
    asked.lines = static_cast<std::size_t>(*lines);
  }
  asked.since_us = call.query.time("since");
  asked.least_level =
      call.query.parsed("level", logs::parseLevel, "debug, info, warning or error").value_or(logs::LogLevel::Debug);
  asked.source = call.query.parsed("source", logs::parseSource, "plugin, stdout, stderr or host");
  asked.cursor = call.query.parsed("cursor", logs::LogCursor::parse, "what \"next\" said");
  asked.before = call.query.parsed("before", logs::LogCursor::parse, "what \"before\" said");
  constexpr std::int64_t kMost = std::chrono::milliseconds{kApiWaitMax}.count();
  asked.wait = std::chrono::milliseconds{call.query.number("waitMs", 0, kMost).value_or(0)};
  if (isWrong(call)) return WaitId::None;
  if (asked.cursor && asked.before) {
    return answer(call, admin::invalid("\"cursor\" and \"before\" read in two directions: say one of them", "before"));
  }
  return call.service.logs(name(call), asked, call.reply);
}

WaitId deaths(Call& call) {
  const auto limit = call.query.number("limit", 1, static_cast<std::int64_t>(kDeathsKeptMax));
  if (!isWrong(call)) {
    call.service.deaths(name(call), static_cast<std::size_t>(limit.value_or(kApiDeathsDefault)), call.reply);
  }
  return WaitId::None;
}

WaitId health(Call& call) {
  const auto limit = call.query.number("limit", 1, static_cast<std::int64_t>(kHealthHistoryMax));
  if (!isWrong(call)) {
    call.service.health(name(call), static_cast<std::size_t>(limit.value_or(kApiDeathsDefault)), call.reply);
  }
  return WaitId::None;
}

WaitId policy(Call& call) {
  return answer(call, call.service.policy(name(call)));
}

WaitId commands(Call& call) {
  return answer(call, call.service.commands(name(call)));
}

WaitId usage(Call& call) {
  return answer(call, call.service.usage(name(call)));
}

WaitId activity(Call& call) {
  const auto minutes = call.query.number("minutes", 1, static_cast<std::int64_t>(admin::kActivityMinutes));
  if (isWrong(call)) return WaitId::None;
  const auto count = static_cast<std::size_t>(minutes.value_or(admin::kActivityMinutesDefault));
  return answer(call, call.service.activity().text(call.query.texts("name"), count));
}

WaitId getContext(Call& call) {
  call.service.context(name(call), call.query.text("key"), call.reply);
  return WaitId::None;
}
WaitId getSnapshots(Call& call) {
  call.service.snapshots(name(call), call.reply);
  return WaitId::None;
}
WaitId getSnapshot(Call& call) {
  call.service.snapshot(name(call), call.segments[kSnapshotAt], call.reply);
  return WaitId::None;
}
WaitId putContext(Call& call) {
  call.service.replaceContext(name(call), call.body, call.request.if_match, call.reply);
  return WaitId::None;
}
WaitId patchContext(Call& call) {
  call.service.patchContext(name(call), call.body, call.reply);
  return WaitId::None;
}

WaitId apply(Call& call) {
  admin::ApplyAsked asked{.text = call.body,
                          .file = call.query.text("file").value_or("request"),
                          .dry_run = call.query.flag("dryRun"),
                          .yes = call.query.flag("yes")};
  if (!isWrong(call)) call.service.apply(std::move(asked), call.reply);
  return WaitId::None;
}

WaitId reload(Call& call) {
  const bool dry_run = call.query.flag("dryRun");
  const bool yes = call.query.flag("yes");
  if (!isWrong(call)) call.service.reload(dry_run, yes, call.reply);
  return WaitId::None;
}

std::optional<bool> parseOrder(std::string_view text) {
  if (text == "oldest") return true;
  if (text == "newest") return false;
  return std::nullopt;
}
std::optional<std::string> parseStatus(std::string_view text) {
  if (text != "active" && text != "closed") return std::nullopt;
  return std::string(text);
}

std::size_t limitOf(Call& call) {
  return static_cast<std::size_t>(
      call.query.number("limit", 1, static_cast<std::int64_t>(kPageRowsMax)).value_or(kPageRowsDefault));
}

WaitId getIncidents(Call& call) {
  const admin::IncidentsAsked asked{
      .instance = call.query.text("instance").value_or(""),
      .status = call.query.parsed("status", parseStatus, "active or closed").value_or(""),
      .type = call.query.text("type").value_or(""),
      .oldest_first = call.query.parsed("order", parseOrder, "newest or oldest").value_or(false),
      .limit = limitOf(call),
      .cursor = call.query.text("cursor").value_or(""),
  };
  if (!isWrong(call)) call.service.incidents(asked, call.reply);
  return WaitId::None;
}
WaitId getIncident(Call& call) {
  call.service.incident(name(call), call.reply);
  return WaitId::None;
}
WaitId incidentCounts(Call& call) {
  call.service.incidentCounts(call.reply);
  return WaitId::None;
}
WaitId createIncident(Call& call) {
  call.service.createIncident(call.body, call.reply);
  return WaitId::None;
}
WaitId getEntries(Call& call) {
  const std::size_t limit = limitOf(call);
  if (!isWrong(call)) call.service.entries(name(call), limit, call.query.text("cursor").value_or(""), call.reply);
  return WaitId::None;
}

WaitId addEntry(Call& call) {
  call.service.addEntry(name(call), call.body, call.caller.name, call.reply);
  return WaitId::None;
}

// Kinds and instances that there are none of would make a stream that says nothing.
admin::EventFilter eventFilter(Call& call) {
  admin::EventFilter filter;
  for (std::string& kind : call.query.texts("kind"))
    filter.kinds.insert(std::move(kind));
  if (auto instance = call.query.text("instance")) filter.instances.insert(std::move(*instance));
  return filter;
}
std::optional<admin::Failure> wrongKind(const admin::EventFilter& filter) {
  const std::vector<std::string> known(std::begin(admin::kEventKinds), std::end(admin::kEventKinds));
  for (const std::string& kind : filter.kinds) {
    if (std::find(known.begin(), known.end(), kind) != known.end()) continue;
    std::string hint = admin::didYouMean(kind, known);
    if (hint.empty()) hint = fmt::format("wanted {}", fmt::join(known, ", "));
    return admin::invalid(fmt::format("kind: \"{}\" is no kind of event", kind), "kind", std::move(hint));
  }
  return std::nullopt;
}

WaitId streamEvents(Call& call) {
  admin::EventFilter filter = eventFilter(call);
  std::string after = call.query.text("after").value_or("");
  if (after.empty()) after = call.request.last_event_id;
  if (isWrong(call)) return WaitId::None;
  if (const auto wrong = wrongKind(filter)) return answer(call, *wrong);
  admin::EventStream& events = call.service.events();
  const admin::EventReader reader{call.caller.name, call.caller.role};
  if (std::string full = events.fullFor(reader); !full.empty()) {
    return answer(call, admin::toFailure({Code::Busy, std::move(full)}));
  }
  auto source = EventSource::open(events, call.service.timers(), reader, std::move(filter), events.placeAfter(after));
  call.respond({.content_type = "text/event-stream", .stream = std::move(source)});
  return WaitId::None;
}
WaitId recentEvents(Call& call) {
  const admin::EventFilter filter = eventFilter(call);
  const auto count = call.query.number("n", 0, static_cast<std::int64_t>(admin::kEventsKept));
  if (isWrong(call)) return WaitId::None;
  if (const auto wrong = wrongKind(filter)) return answer(call, *wrong);
  return answer(call, admin::recentEventsText(call.service.events(),
                                              static_cast<std::size_t>(count.value_or(kPageRowsDefault)), filter));
}

WaitId execute(Call& call) {
  call.service.execute(name(call), call.body, call.caller.name, call.reply);
  return WaitId::None;
}
WaitId test(Call& call) {
  call.service.test(name(call), call.body, call.reply);
  return WaitId::None;
}
WaitId approve(Call& call) {
  call.service.approve(name(call), call.reply);
  return WaitId::None;
}
WaitId getParameters(Call& call) {
  return answer(call, call.service.parameters(name(call)));
}
WaitId setParameters(Call& call) {
  const bool dry_run = call.query.flag("dryRun");
  if (!isWrong(call)) {
    call.service.setParameters(name(call), call.body, dry_run, call.request.if_match, call.reply);
  }
  return WaitId::None;
}

WaitId backUp(Call& call) {
  call.service.backUp(call.body, call.reply);
  return WaitId::None;
}

WaitId version(Call& call) {
  return answer(call, call.service.version());
}
WaitId openApi(Call& call) {
  static const std::string kText = openApiText(call.service.versionNumber());
  return answer(call, kText);
}
WaitId configuration(Call& call) {
  return answer(call, call.service.configuration());
}
WaitId plugins(Call& call) {
  return answer(call, call.service.plugins());
}
WaitId pluginManifest(Call& call) {
  return answer(call, call.service.releases().manifest(name(call)));
}
WaitId pluginReleases(Call& call) {
  return answer(call, call.service.releases().history(name(call)));
}
WaitId rollBackPlugin(Call& call) {
  call.service.releases().rollBack(name(call), call.body, call.caller.name, call.reply);
  return WaitId::None;
}
WaitId allowRelease(Call& call) {
  call.service.releases().allow(name(call), call.body, call.reply);
  return WaitId::None;
}
WaitId removePlugin(Call& call) {
  const bool yes = call.query.flag("yes");
  if (!isWrong(call)) call.service.releases().remove(name(call), yes, call.reply);
  return WaitId::None;
}

std::vector<std::string_view> splitPath(std::string_view path) {
  std::vector<std::string_view> pieces;
  path.remove_prefix(1);
  for (std::size_t end = 0; end != std::string_view::npos; path.remove_prefix(end + 1)) {
    end = path.find('/');
    pieces.push_back(path.substr(0, end));
    if (end == std::string_view::npos) break;
  }
  return pieces;
}

bool isPlaceholder(std::string_view piece) {
  return piece.starts_with('{');
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> kRoutes{
      {"GET", "/api/v1/openapi.json", {}, Role::Read, 200, openApi, "", Tag::Given},
      {"GET", "/api/v1/version", {}, Role::Read, 200, version},
      {"GET", "/api/v1/configuration", {}, Role::Read, 200, configuration},
      {"POST", "/api/v1/backup", {}, Role::Admin, 201, backUp},
      {"POST", "/api/v1/reload", {"dryRun", "yes"}, Role::Admin, 200, reload},
      {"POST", "/api/v1/apply", {"dryRun", "yes", "file"}, Role::Admin, 200, apply},
      {"GET", "/api/v1/events", {"kind", "instance", "after"}, Role::Read, 200, streamEvents, "kind"},
      {"GET", "/api/v1/events/recent", {"kind", "instance", "n"}, Role::Read, 200, recentEvents, "kind"},
      {"GET", "/api/v1/explain", {"target"}, Role::Read, 200, explain},
      {"GET", "/api/v1/whoami", {}, Role::Read, 200, whoAmI},
      {"POST", "/api/v1/session/links", {}, Role::Read, 201, makeLoginLink},
      {"DELETE", "/api/v1/session", {}, Role::Read, 200, endSession},
      {"GET", "/api/v1/users", {"limit", "cursor"}, Role::Read, 200, getUsers},
      {"POST", "/api/v1/users", {}, Role::Admin, 201, addUser},
      {"GET", "/api/v1/users/{name}", {}, Role::Read, 200, getUser, "", Tag::Given},
      {"PATCH", "/api/v1/users/{name}", {}, Role::Admin, 200, changeUser, "", Tag::Taken},
      {"DELETE", "/api/v1/users/{name}", {"yes"}, Role::Admin, 200, removeUser},
      {"GET", "/api/v1/tokens", {}, Role::Admin, 200, getTokens},
      {"POST", "/api/v1/tokens", {}, Role::Admin, 201, addToken},
      {"DELETE", "/api/v1/tokens/{name}", {}, Role::Admin, 200, revokeToken},
      {"GET", "/api/v1/audit", {"actor", "target", "order", "limit", "cursor"}, Role::Admin, 200, getAudit},
      {"GET", "/api/v1/plugins", {}, Role::Read, 200, plugins, "", Tag::Given},
      {"GET", "/api/v1/plugins/{name}", {}, Role::Read, 200, pluginManifest, "", Tag::Given},
      {"DELETE", "/api/v1/plugins/{name}", {"yes"}, Role::Admin, 200, removePlugin},
      {"GET", "/api/v1/plugins/{name}/releases", {}, Role::Read, 200, pluginReleases},
      {"POST", "/api/v1/plugins/{name}/rollback", {}, Role::Operate, 200, rollBackPlugin},
      {"POST", "/api/v1/plugins/{name}/allow", {}, Role::Admin, 200, allowRelease},
      {"GET", "/api/v1/activity", {"name", "minutes"}, Role::Read, 200, activity, "name"},
      {"GET", "/api/v1/instances", {"name"}, Role::Read, 200, getInstances, "name"},
      {"GET", "/api/v1/instances/{name}", {"wait", "since", "timeoutMs"}, Role::Read, 200, getInstance},
      {"DELETE", "/api/v1/instances/{name}", {"yes"}, Role::Admin, 200, removeInstance},
      {"POST", "/api/v1/instances/{name}/enable", {}, Role::Operate, 200, act<Act::Enable>},
      {"POST", "/api/v1/instances/{name}/disable", {}, Role::Operate, 200, act<Act::Disable>},
      {"POST", "/api/v1/instances/{name}/restart", {}, Role::Operate, 200, act<Act::Restart>},
      {"POST", "/api/v1/instances/{name}/release", {}, Role::Operate, 200, act<Act::Release>},
      {"POST", "/api/v1/instances/{name}/execute", {}, Role::Operate, 200, execute},
      {"POST", "/api/v1/instances/{name}/test", {}, Role::Operate, 200, test},
      {"POST", "/api/v1/instances/{name}/approve", {}, Role::Admin, 200, approve},
      {"GET", "/api/v1/instances/{name}/parameters", {}, Role::Read, 200, getParameters, "", Tag::Given},
      {"PATCH", "/api/v1/instances/{name}/parameters", {"dryRun"}, Role::Admin, 200, setParameters, "", Tag::Taken},
      {"GET", "/api/v1/instances/{name}/explain", {}, Role::Read, 200, explainInstance},
      {"GET",
       "/api/v1/instances/{name}/logs",
       {"n", "since", "level", "source", "cursor", "before", "waitMs"},
       Role::Read,
       200,
       logs},
      {"GET", "/api/v1/instances/{name}/deaths", {"limit"}, Role::Read, 200, deaths},
      {"GET", "/api/v1/instances/{name}/health", {"limit"}, Role::Read, 200, health},
      {"GET", "/api/v1/instances/{name}/usage", {}, Role::Read, 200, usage},
      {"GET", "/api/v1/instances/{name}/commands", {}, Role::Read, 200, commands},
      {"GET", "/api/v1/instances/{name}/policy", {}, Role::Read, 200, policy},
      // A context may hold tokens of the plugin's: it is not for everybody who may look.
      {"GET", "/api/v1/instances/{name}/context", {"key"}, Role::Operate, 200, getContext, "", Tag::Given},
      {"GET", "/api/v1/instances/{name}/context/snapshots", {}, Role::Read, 200, getSnapshots},
      {"GET", "/api/v1/instances/{name}/context/snapshots/{id}", {}, Role::Operate, 200, getSnapshot},
      {"PUT", "/api/v1/instances/{name}/context", {}, Role::Operate, 200, putContext, "", Tag::Taken},
      {"PATCH", "/api/v1/instances/{name}/context", {}, Role::Operate, 200, patchContext},
      {"GET", "/api/v1/secrets", {"instance"}, Role::Read, 200, getSecrets},
      {"PUT", "/api/v1/instances/{name}/secrets/{parameter}", {}, Role::Admin, 200, putSecret},
      {"POST", "/api/v1/secrets/encrypt", {}, Role::Admin, 200, encryptSecret},
      {"POST", "/api/v1/secrets/rotate", {}, Role::Admin, 200, rotateSecrets},
      {"GET",
       "/api/v1/incidents",
       {"instance", "status", "type", "order", "limit", "cursor"},
       Role::Read,
       200,
       getIncidents},
      {"GET", "/api/v1/incident-counts", {}, Role::Read, 200, incidentCounts},
      {"POST", "/api/v1/incidents", {}, Role::Operate, 201, createIncident},
      {"GET", "/api/v1/incidents/{id}", {}, Role::Read, 200, getIncident, "", Tag::Given},
      {"POST", "/api/v1/incidents/{id}/close", {}, Role::Operate, 200, closeIncident},
      {"POST", "/api/v1/incidents/{id}/assign", {}, Role::Operate, 200, assignIncident},
      {"POST", "/api/v1/incidents/{id}/reopen", {}, Role::Operate, 200, reopenIncident},
      {"POST", "/api/v1/incidents/{id}/questions", {}, Role::Operate, 201, askQuestion},
      {"GET", "/api/v1/questions", {"incident", "to", "state", "limit", "cursor"}, Role::Read, 200, getQuestions},
      {"GET", "/api/v1/mirrors", {"instance", "incident"}, Role::Read, 200, getMirrors},
      {"GET", "/api/v1/indicators", {"value", "type", "limit", "cursor"}, Role::Read, 200, getIndicators},
      {"GET", "/api/v1/incidents/{id}/entries", {"limit", "cursor"}, Role::Read, 200, getEntries},
      {"POST", "/api/v1/incidents/{id}/entries", {}, Role::Operate, 201, addEntry},
  };
  return kRoutes;
}

std::string actName(const Route& route) {
  std::string name;
  const auto pieces = splitPath(route.path);
  for (std::size_t i = 2; i < pieces.size(); ++i) {  // behind /api/v1
    if (!isPlaceholder(pieces[i])) name += fmt::format("{}{}", name.empty() ? "" : ".", pieces[i]);
  }
  if (route.method == "DELETE") return name + ".remove";
  if (route.method == "PUT") return name + ".replace";
  if (route.method == "PATCH") return name + ".change";
  return route.done_status == 201 ? name + ".create" : name;
}

bool fits(std::string_view pattern, const std::vector<std::string>& segments) {
  const auto pieces = splitPath(pattern);
  if (pieces.size() != segments.size()) return false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (isPlaceholder(pieces[i]) ? segments[i].empty() : pieces[i] != segments[i]) return false;
  }
  return true;
}

std::string nearestPath(const std::vector<std::string>& segments) {
  std::vector<std::string> candidates{"/livez", "/readyz", "/metrics"};
  std::string path;
  for (const std::string& segment : segments)
    path += "/" + segment;
  for (const Route& route : routes()) {
    const auto pieces = splitPath(route.path);
    std::string candidate;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const bool filled = isPlaceholder(pieces[i]) && i < segments.size() && !segments[i].empty();
      candidate += fmt::format("/{}", filled ? std::string_view(segments[i]) : pieces[i]);
    }
    candidates.push_back(std::move(candidate));
  }
  return nearest(path, candidates).value_or("");
}

}  // namespace longhaul::host::http
