#include "host/store/write_checks.h"

#include <fmt/format.h>

#include "host/base/limits.h"
#include "host/base/text.h"

namespace longhaul::host::store {
namespace {

std::size_t contextBytes(const ContextWrite& write) {
  std::size_t bytes = 0;
  if (const auto* replace = std::get_if<ReplaceContext>(&write)) {
    for (const auto& [key, value] : replace->values)
      bytes += key.size() + value.size();
  } else if (const auto* patch = std::get_if<PatchContext>(&write)) {
    for (const auto& [key, value] : patch->changes)
      bytes += key.size() + (value ? value->size() : 0);
  } else if (const auto* merge = std::get_if<MergeContext>(&write)) {
    bytes += merge->key.size() + merge->list.size() + merge->id_field.size();
  }
  return bytes;
}

std::size_t commitBytes(const CommitWrite& write) {
  std::size_t bytes = write.idempotency_key.size() + write.request_hash.size();
  for (const auto& incident : write.incidents) {
    bytes += sizeof incident + incident.name.size() + incident.type.size() + incident.body.size();
  }
  for (const auto& entry : write.entries)
    bytes += sizeof entry + entry.author.size() + entry.text.size();
  if (write.context) bytes += contextBytes(*write.context);
  if (write.last_run) bytes += write.last_run->size();
  if (write.health) bytes += write.health->text.size();
  return bytes;
}

Error tooLarge(std::string_view what, std::size_t found, std::size_t limit) {
  return Error{Code::TooLarge, fmt::format("{} has {} bytes, the limit is {}", what, found, limit)};
}

}  // namespace

std::size_t writeBytes(const Write& write) {
  std::size_t bytes = sizeof write;
  if (const auto* commit = std::get_if<CommitWrite>(&write)) bytes += commitBytes(*commit);
  if (const auto* put = std::get_if<PutInstance>(&write)) bytes += put->config.size() + put->grants.size();
  if (const auto* death = std::get_if<AddDeath>(&write)) bytes += death->death.card.size();
  if (const auto* fence = std::get_if<Fence>(&write)) bytes += fence->death ? fence->death->card.size() : 0;
  return bytes;
}

Result<void> checkCommit(const CommitWrite& write) {
  if (!write.instance &&
      (write.generation || write.context || write.last_run || write.health || !write.idempotency_key.empty())) {
    return Error{Code::Invalid, "a write of no instance holds incidents and entries only"};
  }
  if (write.idempotency_key.size() > kIdempotencyKeyBytesMax) {
    return tooLarge("the idempotency key", write.idempotency_key.size(), kIdempotencyKeyBytesMax);
  }
  if (!write.idempotency_key.empty() && write.request_hash.empty()) {
    return Error{Code::Invalid, "an idempotency key came without the hash of its request"};
  }
  if (write.incidents.size() > kIncidentsPerCallMax) {
    return Error{Code::TooLarge, fmt::format("{} incidents in one call, the limit is {}: send them in several calls",
                                             write.incidents.size(), kIncidentsPerCallMax)};
  }
  for (const auto& incident : write.incidents) {
    if (incident.name.size() > kIncidentNameBytesMax) {
      return tooLarge("an incident's name", incident.name.size(), kIncidentNameBytesMax);
    }
    if (incident.type.size() > kIncidentNameBytesMax) {
      return tooLarge("an incident's type", incident.type.size(), kIncidentNameBytesMax);
    }
  }
  for (const auto& entry : write.entries) {
    if (entry.text.size() > kEntryBytesMax) return tooLarge("an entry", entry.text.size(), kEntryBytesMax);
    const auto* index = std::get_if<std::size_t>(&entry.incident);
    if (index != nullptr && *index >= write.incidents.size()) {
      return Error{Code::Invalid,
                   fmt::format("an entry names incident {} of the call, which creates {} (counted from 0)", *index,
                               write.incidents.size())};
    }
  }
  if (write.last_run && write.last_run->size() > kLastRunBytesMax) {
    return tooLarge("the last run", write.last_run->size(), kLastRunBytesMax);
  }
  if (write.health && write.health->text.size() > kHealthTextBytesMax) {
    return tooLarge("the health text", write.health->text.size(), kHealthTextBytesMax);
  }
  return {};
}

Result<void> checkStatus(const SetIncidentStatus& write) {
  if (write.status == "active" || write.status == "closed") return {};
  return Error{Code::Invalid, fmt::format("an incident is active or closed, not \"{}\"", write.status)};
}

Result<void> checkPut(const PutInstance& write) {
  if (!isName(write.name)) {
    return Error{Code::Invalid,
                 fmt::format("\"{}\" is no name for an instance: 1 to 63 of a-z A-Z 0-9 . _ -, the first "
                             "a letter or digit",
                             write.name)};
  }
  return {};
}

Result<void> checkContextPair(std::string_view key, std::string_view value) {
  if (key.size() > kContextKeyBytesMax) return tooLarge("a key of the context", key.size(), kContextKeyBytesMax);
  if (value.size() > kContextValueBytesMax) {
    return tooLarge(fmt::format("the value of \"{}\" in the context", key), value.size(), kContextValueBytesMax);
  }
  return {};
}

Result<void> checkContextSize(std::size_t bytes_before, std::size_t bytes_after, std::size_t keys_before,
                              std::size_t keys_after, std::size_t bytes_max) {
  const std::size_t limit = bytes_max == 0 ? kContextBytesMax : bytes_max;
  if (bytes_after > limit && bytes_after > bytes_before) {
    return tooLarge("the context with its keys", bytes_after, limit);
  }
  if (keys_after > kContextKeysMax && keys_after > keys_before) {
    return Error{Code::TooLarge, fmt::format("the context has {} keys, the limit is {}", keys_after, kContextKeysMax)};
  }
  return {};
}

Error noInstance(InstanceId instance) {
  return {Code::NotFound, fmt::format("no instance has id {}; it may have been removed", instance.value)};
}

Error noIncident(IncidentId incident) {
  return {Code::NotFound, fmt::format("no incident has id {}", incident.value)};
}

Error fenced(Generation of_write, Generation stored) {
  return {Code::Fenced,
          fmt::format("this worker has generation {} and was replaced by generation {}: nothing was written",
                      of_write.value, stored.value)};
}

Error keyMismatch(std::string_view key) {
  return {Code::Mismatch, fmt::format("idempotency key \"{}\" was used for another request: take a new key for a new "
                                      "request",
                                      key)};
}

Error contextConflict(std::int64_t expected, std::int64_t stored) {
  return {Code::Conflict, fmt::format("the context has version {}, not {}: read it and try again", stored, expected)};
}

Error quarantinedValue(std::string_view key) {
  return {Code::Internal,
          fmt::format("the stored value of \"{}\" failed its checksum and is not used: set the key anew", key)};
}

}  // namespace longhaul::host::store
