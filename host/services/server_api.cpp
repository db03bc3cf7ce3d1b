#include "host/services/server_api.h"

#include <fmt/format.h>

#include "host/base/limits.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/protocol/messages.h"
#include "host/services/areas.h"

namespace longhaul::host::services {
namespace {

using protocol::Method;
using store::CommitWrite;

// What is needed of the call when the store has answered.
struct Pending {
  Method method;
  std::vector<std::string> names;  // of the incidents, in order
};

Result<void> setKey(CommitWrite& write, protocol::OptionalText key, Method method, std::string_view payload) {
  if (!key || key->empty()) return {};
  if (key->size() > kIdempotencyKeyBytesMax) {
    return Error{Code::TooLarge,
                 fmt::format("idempotency key: {} bytes, at most {}", key->size(), kIdempotencyKeyBytesMax)};
  }
  write.idempotency_key = *key;
  Sha256 hash;
  hash.update(protocol::methodName(method));
  hash.update(payload);
  write.request_hash = hash.finishHex();
  return {};
}

template <class Part, class Value>
Result<void> put(Part& part, Result<Value> value) {
  if (!value) return std::move(value).error();
  part = std::move(*value);
  return {};
}

Result<void> readCommit(const protocol::Commit& call, CommitWrite& write, std::string_view instance, const Warn& warn) {
  Result<void> done;
  if (call.create_incidents) done = put(write.incidents, readIncidents(*call.create_incidents, write.at_us, warn));
  if (done && call.add_entries) {
    done = put(write.entries, readEntries(*call.add_entries, write.incidents.size(), instance));
  }
  if (done && call.patch_context) done = put(write.context, readPatch(*call.patch_context));
  if (done && call.last_run) done = put(write.last_run, readLastRun(*call.last_run));
  return done;
}

// false: the payload is not this method's. `done` has the refusal.
bool readCall(Method method, std::string_view payload, const Caller& caller, const Warn& warn, CommitWrite& write,
              bool& nothing_to_write, Result<void>& done) {
  switch (method) {
    case Method::createIncidents: {
      protocol::CreateIncidents call;
      if (!decode(payload, call)) return false;
      done = setKey(write, call.idempotency_key, method, payload);
      if (done) {
        done = readCommit({call.incidents, std::nullopt, call.patch_context, call.last_run, std::nullopt}, write,
                          caller.name, warn);
      }
      return true;
    }
    case Method::commit: {
      protocol::Commit call;
      if (!decode(payload, call)) return false;
      done = setKey(write, call.idempotency_key, method, payload);
      if (done) done = readCommit(call, write, caller.name, warn);
      return true;
    }
    case Method::addEntry: {
      protocol::AddEntry call;
      if (!decode(payload, call)) return false;
      done = setKey(write, call.idempotency_key, method, payload);
      if (!done) return true;
      auto entry = readEntry(call, caller.name);
      if (entry) {
        write.entries.push_back(std::move(*entry));
      } else {
        done = std::move(entry).error();
      }
      return true;
    }
    case Method::updateModuleHealth: {
      protocol::UpdateModuleHealth call;
      if (!decode(payload, call)) return false;
      auto health = readHealth(call, *caller.health, write.at_us);
      if (!health) {
        done = std::move(health).error();
      } else {
        write.health = std::move(*health);
        nothing_to_write = !write.health.has_value();
      }
      return true;
    }
    case Method::setIntegrationContext: {
      protocol::SetIntegrationContext call;
      if (!decode(payload, call)) return false;
      done = put(write.context, readContext(call.object, call.version));
      return true;
    }
    case Method::patchIntegrationContext: {
      protocol::PatchIntegrationContext call;
      if (!decode(payload, call)) return false;
      done = put(write.context, readPatch(call.object));
      return true;
    }
    case Method::mergeIntegrationContext: {
      protocol::MergeIntegrationContext call;
      if (!decode(payload, call)) return false;
      done = put(write.context, readMerge(call));
      return true;
    }
    case Method::setLastRun: {
      protocol::SetLastRun call;
      if (!decode(payload, call)) return false;
      done = put(write.last_run, readLastRun(call.object));
      return true;
    }
    case Method::findUser:
    case Method::handleEntitlementForUser:
    case Method::mirrorInvestigation:
    case Method::directMessage:
    case Method::createIndicators:
    case Method::searchIndicators:
      done = Error{Code::Absent, fmt::format("{} is not offered by this host yet", protocol::methodName(method))};
      return true;
  }
  return false;
}

std::string resultText(const Pending& pending, const store::Committed& committed) {
  switch (pending.method) {
    case Method::createIncidents:
      return incidentsJson(committed.incidents, pending.names);
    case Method::addEntry:
      return committed.entries.empty() ? std::string{}
                                       : entryIdText(committed.entries[0], committed.entry_incidents[0]);
    case Method::commit: {
      std::string entries;
      for (std::size_t i = 0; i < committed.entries.size(); ++i) {
        entries +=
            fmt::format("{}\"{}\"", i == 0 ? "" : ",", entryIdText(committed.entries[i], committed.entry_incidents[i]));
      }
      return fmt::format(R"({{"incidents":{},"entries":[{}],"contextVersion":{}}})",
                         incidentsJson(committed.incidents, pending.names), entries,
                         committed.context_version ? std::to_string(*committed.context_version) : "null");
    }
    default:
      return {};
  }
}

Outcome failure(const Error& error) {
  Outcome outcome;
  outcome.status = static_cast<std::int32_t>(error.code);
  outcome.payload = error.message.substr(0, kErrorTextBytesMax);
  while (!isUtf8(outcome.payload))
    outcome.payload.pop_back();  // not cut inside a character
  return outcome;
}

}  // namespace

bool ServerApi::call(const Caller& caller, Method method, std::string_view payload, const Warn& warn, Answer answer) {
  CommitWrite write;
  write.instance = caller.instance;
  write.generation = caller.generation;
  write.at_us = wall_clock_();
  write.context_bytes_max = caller.context_bytes_max;
  bool nothing_to_write = false;
  Result<void> done;
  if (!readCall(method, payload, caller, warn, write, nothing_to_write, done)) return false;
  if (!done) {
    answer(failure(done.error()));
    return true;
  }
  Pending pending{method, {}};
  if (nothing_to_write) {
    answer(Outcome{.payload = encodeReply({}, {})});
    return true;
  }
  pending.names.reserve(write.incidents.size());
  for (const auto& incident : write.incidents)
    pending.names.push_back(incident.name);
  const std::optional<store::Health> health = write.health;
  auto completion = [answer, pending = std::move(pending), health](store::WriteResult result) {
    if (!result) {
      answer(failure(result.error()));
      return;
    }
    const auto& committed = std::get<store::Committed>(*result);
    Outcome outcome;
    outcome.status = committed.replayed ? 1 : 0;  // REPLAYED
    outcome.payload = encodeReply(committed, resultText(pending, committed));
    if (!committed.replayed) outcome.incidents_created = committed.incidents.size();
    if (committed.context) outcome.context_version = committed.context->version;
    outcome.health = health;
    answer(std::move(outcome));
  };
  if (!store_.submit(std::move(write), std::move(completion))) {
    answer(failure({Code::Busy, fmt::format("the store's queue is full ({} writes or {} bytes): try again",
                                            kStoreQueueWritesMax, kStoreQueueBytesMax)}));
  }
  return true;
}

}  // namespace longhaul::host::services
