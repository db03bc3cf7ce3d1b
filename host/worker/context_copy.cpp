#include "host/worker/context_copy.h"

#include "host/base/limits.h"

namespace longhaul::host::worker {
namespace {

using Values = std::vector<std::pair<std::string, std::optional<std::string>>>;

Values ownedOf(const std::vector<protocol::ContextValue>& changes) {
  Values values;
  values.reserve(changes.size());
  for (const protocol::ContextValue& each : changes) {
    values.emplace_back(each.key, each.value ? std::optional<std::string>{*each.value} : std::nullopt);
  }
  return values;
}

std::string textOf(const std::map<std::string, std::string>& values) {
  std::size_t bytes = 2;
  for (const auto& [key, value] : values)
    bytes += key.size() + value.size() + 4;
  std::string text;
  text.reserve(bytes);
  text += '{';
  for (const auto& [key, value] : values) {
    if (text.size() > 1) text += ',';
    appendJsonString(key, text);
    text += ':';
    text += value;
  }
  text += '}';
  return text;
}

}  // namespace

void appendJsonString(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void ContextCopy::start(std::int64_t version, const std::vector<protocol::ContextValue>& values) {
  const std::lock_guard lock{mutex_};
  apply(Change{.whole = true, .pushed = false, .values = ownedOf(values)});
  version_.store(version, std::memory_order_release);
}

void ContextCopy::apply(Change change) {
  if (change.whole) values_.clear();
  for (auto& [key, value] : change.values) {
    if (value) {
      values_.insert_or_assign(std::move(key), std::move(*value));
    } else {
      values_.erase(key);
    }
  }
}

bool ContextCopy::add(std::int64_t version, bool whole, const std::vector<protocol::ContextValue>& changes,
                      Origin origin) {
  Change change{.whole = whole, .pushed = origin == Origin::Push, .values = ownedOf(changes)};
  std::vector<std::int64_t> pushes;
  {
    const std::lock_guard lock{mutex_};
    std::int64_t now = version_.load(std::memory_order_relaxed);
    if (version <= now) {  // what the worker started with has it
      if (change.pushed) pushes.push_back(version);
    } else if (pending_.size() >= kContextChangesPendingMax) {
      return false;
    } else {
      pending_.emplace(version, std::move(change));
    }
    for (auto next = pending_.begin(); next != pending_.end() && next->first == now + 1;) {
      now = next->first;
      if (next->second.pushed) pushes.push_back(now);
      apply(std::move(next->second));
      next = pending_.erase(next);
    }
    version_.store(now, std::memory_order_release);
  }
  advanced_.notify_all();
  for (const std::int64_t each : pushes)
    push_applied_(each);
  return true;
}

bool ContextCopy::waitFor(std::int64_t version, std::chrono::milliseconds timeout) {
  if (version_.load(std::memory_order_acquire) >= version) return true;
  std::unique_lock lock{mutex_};
  return advanced_.wait_for(lock, timeout, [&] { return version_.load(std::memory_order_relaxed) >= version; });
}

std::shared_ptr<const ContextSnapshot> ContextCopy::cached() {
  const std::lock_guard lock{cache_mutex_};
  return cache_ && cache_->version == version() ? cache_ : nullptr;
}

std::shared_ptr<const ContextSnapshot> ContextCopy::read() {
  if (auto snapshot = cached()) return snapshot;
  // The text of a version is put together at its first reading: a plugin that only writes never pays for it.
  const std::lock_guard lock{mutex_};
  if (auto snapshot = cached()) return snapshot;
  auto snapshot = std::make_shared<const ContextSnapshot>(ContextSnapshot{version(), textOf(values_)});
  const std::lock_guard cache_lock{cache_mutex_};
  cache_ = snapshot;
  return snapshot;
}

void LastRunCopy::set(std::int64_t version, std::string_view object) {
  auto copy = std::make_shared<const std::string>(object);
  const std::lock_guard lock{mutex_};
  if (version <= version_) return;
  version_ = version;
  object_ = std::move(copy);
}

std::shared_ptr<const std::string> LastRunCopy::read() {
  const std::lock_guard lock{mutex_};
  return object_;
}

}  // namespace longhaul::host::worker
