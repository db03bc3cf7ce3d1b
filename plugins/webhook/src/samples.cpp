#include "samples.h"

#include <algorithm>
#include <array>

#include "longhaul/sdk/json.hpp"
#include "text.h"

namespace webhook_plugin {
namespace {

constexpr std::string_view kKey = "samples";
constexpr std::size_t kFieldBytesMax = 512;
constexpr std::size_t kFieldsMax = 50;
constexpr std::array<std::string_view, 4> kSecretFields{"authorization", "cookie", "proxy-authorization", "x-api-key"};

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json newestFirst(const std::deque<Json>& rows, std::size_t limit) {
  Json out = Json::array();
  for (auto row = rows.rbegin(); row != rows.rend() && out.size() < limit; ++row)
    out.push_back(*row);
  return out;
}

}  // namespace

Samples::Samples(std::size_t max, std::string secret_field, std::string_view context)
    : max_(max), secret_field_(std::move(secret_field)) {
  // An operator can write the context: whatever is no object is passed over.
  const auto kept = longhaul::jsonMember(context, kKey);
  const Json rows = kept ? Json::parse(*kept, nullptr, false) : Json();
  if (!rows.is_array()) return;
  for (const Json& row : rows)
    if (row.is_object()) samples_.push_back(row);
  while (samples_.size() > max_) {
    samples_.pop_front();
    changed_ = true;
  }
}

Json Samples::describe(const Request& request, const std::string& time, std::size_t body_bytes_max) const {
  Json fields = Json::object();
  for (const auto& [name, value] : request.fields) {
    if (fields.size() == kFieldsMax) break;
    const bool secret =
        name == secret_field_ || std::find(kSecretFields.begin(), kSecretFields.end(), name) != kSecretFields.end();
    std::string shown = secret ? "(not kept)" : value;
    cutUtf8(shown, kFieldBytesMax);
    fields[name] = std::move(shown);
  }
  std::string body = request.body;
  cutUtf8(body, body_bytes_max);
  return {{"time", time},     {"client", request.client}, {"method", request.method},         {"path", request.path},
          {"fields", fields}, {"body", std::move(body)},  {"bodyBytes", request.body.size()}, {"query", request.query}};
}

void Samples::taken(const Request& request, const Json& answer, const std::string& time) {
  if (max_ == 0) return;
  Json sample = describe(request, time, kBodyBytesMax);
  sample["answer"] = answer;
  const std::lock_guard lock(mutex_);
  samples_.push_back(std::move(sample));
  if (samples_.size() > max_) samples_.pop_front();
  changed_ = true;
}

void Samples::refused(const Request& request, const Refusal& refusal, const std::string& time) {
  Json sample = describe(request, time, kRefusedBodyBytesMax);
  sample["status"] = refusal.status;
  sample["reason"] = refusal.reason;
  const std::lock_guard lock(mutex_);
  refused_.push_back(std::move(sample));
  if (refused_.size() > kRefusedMax) refused_.pop_front();
}

std::optional<std::string> Samples::takePatch() {
  const std::lock_guard lock(mutex_);
  if (!changed_) return std::nullopt;
  changed_ = false;
  Json rows = Json::array();
  for (const Json& sample : samples_)
    rows.push_back(sample);
  return dumped({{std::string(kKey), std::move(rows)}});
}

void Samples::patchFailed() {
  const std::lock_guard lock(mutex_);
  changed_ = true;
}

std::string Samples::shown(std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  return dumped({{"samples", newestFirst(samples_, limit)}, {"refused", newestFirst(refused_, limit)}});
}

}  // namespace webhook_plugin
