// What became of one call of a plugin. Values; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "host/base/result.h"
#include "host/store/values.h"

namespace longhaul::host::services {

struct Outcome {
  std::int32_t status = 0;
  std::string payload;  // an encoded protocol::Reply, or the error's text
  // News for whoever shows the instance.
  std::size_t incidents_created = 0;
  std::int64_t context_version = 0;     // 0: unchanged
  std::optional<store::Health> health;  // changed
};
using Answer = std::function<void(Outcome)>;

// The error's text, cut to what a plugin can take.
Outcome failure(const Error& error);
// A reply that changed nothing of the worker's copies.
Outcome success(std::string_view result);
Error queueFull();
Error readersBusy();

}  // namespace longhaul::host::services
