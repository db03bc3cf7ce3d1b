// What becomes of a request: who sent it, what it holds, which incidents come of it, and what is answered. Requests
// come from many threads at once; the loop's tick() writes samples and health.
#ifndef WEBHOOK_PLUGIN_RECEIVER_H
#define WEBHOOK_PLUGIN_RECEIVER_H

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "longhaul/sdk/server.hpp"
#include "samples.h"
#include "settings.h"

namespace webhook_plugin {

class Receiver {
 public:
  static constexpr std::chrono::seconds kTick{5};
  // So long a request waits for a host whose queue or disk is full, before it is told to come again.
  static constexpr std::chrono::seconds kHostTimeout{10};

  // `settings` outlives it.
  Receiver(longhaul::Server server, const Settings& settings);

  Answer handle(const Request& request);

  // A request that nobody could read to its end.
  Answer refuse(const Request& request, const Refusal& refusal);

  // The loop's, every kTick and once at the end.
  void tick();

  std::string samples(std::size_t limit) const { return samples_.shown(limit); }
  // What the request would make, as JSON; nothing is made. Throws std::invalid_argument with the reason of a refusal.
  std::string tryOut(const Request& request) const;

 private:
  struct Counts {
    std::int64_t requests = 0;  // that were taken
    std::int64_t incidents = 0;
    std::int64_t refused = 0;
    std::string last_refusal;
  };

  std::optional<Refusal> take(const Request& request, Answer& answer);
  std::optional<Refusal> create(const Request& request, const Document& document, const Verified& verified,
                                const Mapped& mapped, Answer& answer);
  std::string keyOf(const Request& request, const Document& document, const Verified& verified) const;
  Answer answerTo(const Request& request, Json json);
  void logRefusal(const Request& request, const Refusal& refusal);

  const longhaul::Server server_;
  const Settings& settings_;
  Samples samples_;

  std::mutex mutex_;
  Counts counts_;  // since the last tick
  std::chrono::steady_clock::time_point logged_at_{};
  std::int64_t unlogged_ = 0;  // refusals since then
  bool warned_ = false;        // the loop's
};

}  // namespace webhook_plugin

#endif
