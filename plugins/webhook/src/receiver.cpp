#include "receiver.h"

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include "longhaul/sdk/outcome.hpp"
#include "text.h"

namespace webhook_plugin {
namespace {

using longhaul::Status;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kChallengeBytesMax = 1024;

std::int64_t nowSeconds() {
  using std::chrono::duration_cast;
  return duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string timeText(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string memberText(const Json& json, const char* name) {
  if (!json.is_object()) return {};
  const auto at = json.find(name);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// What the sender is told when the host did not take the incidents.
Refusal refusalOf(Status status, const std::string& text) {
  switch (status) {
    case Status::kInvalid:
      return {422, "the host refused the incidents: " + text};
    case Status::kTooLarge:
      return {413, "the incidents are too large: " + text};
    case Status::kMismatch:
      return {409, "this delivery was taken before, with another content: a delivery's id may not be used again"};
    case Status::kBusy:
    case Status::kStoreFull:
      return {503, "the host does not take incidents now: " + text};
    case Status::kTimeout:
    case Status::kFenced:
    case Status::kClosed:
      return {503, "this worker ends or got no answer: send it again"};
    default:
      return {500, std::string("the host answered ") + longhaul::statusName(status) + ": " + text};
  }
}

std::string requestsWere(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " request was" : " requests were");
}

}  // namespace

Receiver::Receiver(longhaul::Server server, const Settings& settings)
    : server_(server),
      settings_(settings),
      samples_(settings.samples_max, secretField(settings.verification), server.getIntegrationContext()) {}

Answer Receiver::handle(const Request& request) {
  Answer answer;
  if (const auto refusal = take(request, answer)) return refuse(request, *refusal);
  return answer;
}

std::optional<Refusal> Receiver::take(const Request& request, Answer& answer) {
  if (request.method != "POST" && request.method != "PUT")
    return Refusal{405, "the method is " + oneLine(request.method.substr(0, 32)) + ", POST is wanted"};
  const Verified verified = verify(settings_.verification, request, nowSeconds());
  if (verified.refusal) return verified.refusal;
  const Document document = readDocument(request);
  if (document.refusal) return document.refusal;

  const std::string challenge = memberText(document.json, "challenge");
  if (memberText(document.json, "type") == "url_verification" && !challenge.empty() &&
      challenge.size() <= kChallengeBytesMax) {
    server_.info("answered Slack's url_verification");
    answer = {200, {{"content-type", "text/plain; charset=utf-8"}, {"x-content-type-options", "nosniff"}}, challenge};
    return std::nullopt;
  }
  if (settings_.verification.scheme == Scheme::kGithub && request.field("x-github-event") == "ping") {
    answer = answerTo(request, {{"incidents", Json::array()}, {"pong", true}});
    return std::nullopt;
  }
  const Mapped mapped = settings_.mapping.map(document, request);
  if (mapped.refusal) return mapped.refusal;
  return create(request, document, verified, mapped, answer);
}

std::optional<Refusal> Receiver::create(const Request& request, const Document& document, const Verified& verified,
                                        const Mapped& mapped, Answer& answer) {
  Json json{{"incidents", Json::array()}, {"skipped", mapped.skipped}};
  if (!mapped.warnings.empty()) json["warnings"] = mapped.warnings;
  if (!mapped.incidents.empty()) {
    const std::string incidents = longhaul::toJson(mapped.incidents);
    const std::string key = keyOf(request, document, verified);
    longhaul::CreateOptions options;
    if (!key.empty()) options.idempotency_key = key;
    auto made = server_.tryCreateIncidents(incidents, options);
    const auto deadline = Clock::now() + kHostTimeout;
    for (auto wait = std::chrono::milliseconds(10); made.mayRetry() && Clock::now() < deadline; wait *= 2) {
      if (server_.stopToken().waitFor(std::min(wait, std::chrono::milliseconds(500)))) break;
      made = server_.tryCreateIncidents(incidents, options);
    }
    if (!made.ok()) return refusalOf(made.status, made.error);
    for (const longhaul::CreatedIncident& one : made.value)
      json["incidents"].push_back({{"id", one.id}, {"name", one.name}});
    json["replayed"] = made.replayed();
    if (made.replayed()) {
      server_.info("a request from " + request.client + " came again; it counted the first time");
    } else {
      const std::lock_guard lock(mutex_);
      counts_.incidents += static_cast<std::int64_t>(made.value.size());
    }
  }
  for (const std::string& warning : mapped.warnings)
    server_.debug(warning);
  answer = answerTo(request, std::move(json));
  return std::nullopt;
}

// What decides whether a request was here before. An id in the body that the mapping names is the sender's word. A
// signature covers the whole body, so that whoever repeats a captured request gains nothing by another delivery id in
// its header; that header alone counts where nothing is signed.
std::string Receiver::keyOf(const Request& request, const Document& document, const Verified& verified) const {
  std::string id = settings_.mapping.deliveryId(document, request);
  // Slack signs a retry anew.
  if (id.empty() && settings_.verification.scheme == Scheme::kSlack) id = memberText(document.json, "event_id");
  if (!id.empty()) return "id:" + toHex(sha256(id));
  if (!verified.signature.empty() && settings_.once) return "signature:" + toHex(verified.signature);
  const auto delivery = settings_.delivery_field.empty() ? std::nullopt : request.field(settings_.delivery_field);
  return delivery && !delivery->empty() ? "delivery:" + toHex(sha256(*delivery)) : std::string();
}

Answer Receiver::answerTo(const Request& request, Json json) {
  Answer answer{200, {{"content-type", "application/json"}}, dumped(json) + "\n"};
  // A thousand ids tell an operator nothing.
  constexpr std::size_t kShownMax = 10;
  Json& incidents = json["incidents"];
  if (incidents.size() > kShownMax) incidents.erase(incidents.begin() + kShownMax, incidents.end());
  samples_.taken(request, json, timeText(nowSeconds()));
  const std::lock_guard lock(mutex_);
  ++counts_.requests;
  return answer;
}

Answer Receiver::refuse(const Request& request, const Refusal& refusal) {
  samples_.refused(request, refusal, timeText(nowSeconds()));
  logRefusal(request, refusal);
  Answer answer;
  answer.status = refusal.status;
  answer.fields = {{"content-type", "application/problem+json"}};
  if (refusal.status == 401) answer.fields.emplace_back("www-authenticate", "Webhook");
  if (refusal.status == 405) answer.fields.emplace_back("allow", "POST, PUT");
  if (refusal.status == 503) answer.fields.emplace_back("retry-after", "5");
  answer.body =
      dumped({{"status", refusal.status}, {"title", "The webhook was refused"}, {"detail", refusal.reason}}) + "\n";
  return answer;
}

// At most one line a second: anybody can be refused as often as they like.
void Receiver::logRefusal(const Request& request, const Refusal& refusal) {
  std::string line = "refused " + oneLine(request.method.substr(0, 32)) + " " + oneLine(request.path.substr(0, 200)) +
                     " from " + request.client + " with " + std::to_string(refusal.status) + ": " + refusal.reason;
  {
    const std::lock_guard lock(mutex_);
    ++counts_.refused;
    counts_.last_refusal = line;
    const auto now = Clock::now();
    if (logged_at_ != Clock::time_point{} && now - logged_at_ < std::chrono::seconds(1)) {
      ++unlogged_;
      return;
    }
    if (unlogged_ > 0) line += " (and " + std::to_string(unlogged_) + " more before it)";
    unlogged_ = 0;
    logged_at_ = now;
  }
  server_.error(line);
}

void Receiver::tick() {
  Counts counts;
  {
    const std::lock_guard lock(mutex_);
    std::swap(counts, counts_);
  }
  if (counts.incidents > 0) {
    const std::string pulled = "{\"eventsPulled\":" + std::to_string(counts.incidents) + ",\"assetsPulled\":0}";
    if (!server_.tryUpdateModuleHealth(pulled).ok()) {
      const std::lock_guard lock(mutex_);
      counts_.incidents += counts.incidents;
    }
  }
  if (counts.refused > 0) {
    warned_ = server_
                  .tryUpdateModuleHealth(requestsWere(counts.refused) + " refused, the last: " + counts.last_refusal,
                                         longhaul::HealthKind::kWarning)
                  .ok();
  } else if (warned_ && counts.requests > 0) {
    warned_ = !server_.tryUpdateModuleHealth("").ok();
  }
  if (const auto patch = samples_.takePatch()) {
    const auto written = server_.tryPatchIntegrationContext(*patch);
    if (!written.ok()) {
      samples_.patchFailed();
      server_.debug("the samples could not be kept: " + written.error);
    }
  }
}

std::string Receiver::tryOut(const Request& request) const {
  const Document document = readDocument(request);
  if (document.refusal) throw std::invalid_argument(document.refusal->reason);
  const Mapped mapped = settings_.mapping.map(document, request);
  if (mapped.refusal) throw std::invalid_argument(mapped.refusal->reason);
  return "{\"incidents\":" + longhaul::toJson(mapped.incidents) + ",\"skipped\":" + std::to_string(mapped.skipped) +
         ",\"id\":" + longhaul::quoteJson(settings_.mapping.deliveryId(document, request)) +
         ",\"warnings\":" + dumped(Json(mapped.warnings)) + "}";
}

}  // namespace webhook_plugin
