// The worker's copy of the integration context and of the last run, read at memory speed by any thread. Thread-safe.
//
// Versions of a context follow each other without a gap. Each change comes exactly once, in the reply to the call that
// made it or as a push for an operator's write; but replies are read by the threads that made the calls, so changes
// come here in any order. They are applied in the order of versions: one whose predecessor is missing waits, and the
// call whose reply it was waits with it, so that after a call returns every thread reads its effect.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/protocol/messages.h"

namespace longhaul::host::worker {

struct ContextSnapshot {
  std::int64_t version = 0;
  std::string text;  // JSON object, keys in byte order
};

class ContextCopy {
 public:
  // Called, on whichever thread, when the operator's change of this version was applied.
  using PushApplied = std::function<void(std::int64_t version)>;
  explicit ContextCopy(PushApplied push_applied) : push_applied_(std::move(push_applied)) {}

  // What the worker starts with. Once, before any change.
  void start(std::int64_t version, const std::vector<protocol::ContextValue>& values);
  // One change, from a reply or pushed for an operator. Applies it and what waited for it, or keeps it until its
  // predecessor comes. False: too many wait, so one must be lost.
  enum class Origin { Reply, Push };
  bool add(std::int64_t version, bool whole, const std::vector<protocol::ContextValue>& changes, Origin origin);
  // Until the copy has this version. False: a change before it did not come in time.
  bool waitFor(std::int64_t version, std::chrono::milliseconds timeout);

  std::shared_ptr<const ContextSnapshot> read();
  std::int64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  struct Change {
    bool whole = false;
    bool pushed = false;
    std::vector<std::pair<std::string, std::optional<std::string>>> values;
  };
  void apply(Change change);
  std::shared_ptr<const ContextSnapshot> cached();

  PushApplied push_applied_;
  std::mutex mutex_;  // of values_ and pending_
  std::condition_variable advanced_;
  std::map<std::string, std::string> values_;
  std::map<std::int64_t, Change> pending_;
  std::atomic<std::int64_t> version_{0};

  // Readers take only this one while the text of the version is there.
  std::mutex cache_mutex_;
  std::shared_ptr<const ContextSnapshot> cache_;
};

class LastRunCopy {
 public:
  // Kept if it is newer than what is there.
  void set(std::int64_t version, std::string_view object);
  std::shared_ptr<const std::string> read();

 private:
  std::mutex mutex_;
  std::int64_t version_ = -1;
  std::shared_ptr<const std::string> object_ = std::make_shared<const std::string>("{}");
};

// Appends a JSON string of a UTF-8 text.
void appendJsonString(std::string_view text, std::string& out);

}  // namespace longhaul::host::worker
