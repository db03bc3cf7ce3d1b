// The last requests, as they came: what an operator looks at while writing a mapping. Those that were taken outlive the
// worker in the key `samples` of the integration context; those that were refused are of this worker only, since
// anybody can make them. Fields that hold secrets are not kept. Any thread.
#ifndef WEBHOOK_PLUGIN_SAMPLES_H
#define WEBHOOK_PLUGIN_SAMPLES_H

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "document.h"
#include "exchange.h"

namespace webhook_plugin {

class Samples {
 public:
  static constexpr std::size_t kBodyBytesMax = 16u << 10;
  static constexpr std::size_t kRefusedBodyBytesMax = 2u << 10;
  static constexpr std::size_t kRefusedMax = 10;

  // `secret_field`: in lower case, may be empty. `context`: the integration context, with the samples of workers
  // before.
  Samples(std::size_t max, std::string secret_field, std::string_view context);

  void taken(const Request& request, const Json& answer, const std::string& time);
  void refused(const Request& request, const Refusal& refusal, const std::string& time);

  // What patchIntegrationContext wants, if something changed since the last call; the caller writes it.
  std::optional<std::string> takePatch();
  // The patch was not written: it is due again.
  void patchFailed();

  // {"samples": […], "refused": […]}, the newest first, at most `limit` of each.
  std::string shown(std::size_t limit) const;

 private:
  Json describe(const Request& request, const std::string& time, std::size_t body_bytes_max) const;

  const std::size_t max_;
  const std::string secret_field_;
  mutable std::mutex mutex_;
  std::deque<Json> samples_;  // the newest last
  std::deque<Json> refused_;
  bool changed_ = false;
};

}  // namespace webhook_plugin

#endif
