#include "host/services/server_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/limits.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/protocol/messages.h"
#include "host/services/areas.h"
#include "host/store/write_checks.h"

namespace longhaul::host::services {
namespace {

using protocol::Method;
using store::CommitWrite;

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

Result<void> readCommit(const protocol::Commit& call, CommitWrite& write, const CallerFacts& caller, const Warn& warn) {
  Result<void> done;
  if (call.create_incidents) done = put(write.incidents, readIncidents(*call.create_incidents, write.at_us, warn));
  if (done && call.add_entries) {
    done = put(write.entries, readEntries(*call.add_entries, write.incidents.size(), caller));
  }
  if (done && call.patch_context) done = put(write.context, readPatch(*call.patch_context));
  if (done && call.last_run) done = put(write.last_run, readLastRun(*call.last_run));
  return done;
}

struct ReadCall {
  bool nothing_to_write = false;
  std::optional<store::UserRef> opener;  // of createIncidents
};

// false: the payload is not this method's. `done` has the refusal.
bool readCall(Method method, std::string_view payload, const CallerFacts& caller,
              const std::optional<store::Health>& health_before, const Warn& warn, CommitWrite& write, ReadCall& read,
              Result<void>& done) {
  switch (method) {
    case Method::createIncidents: {
      protocol::CreateIncidents call;
      if (!decode(payload, call)) return false;
      done = setKey(write, call.idempotency_key, method, payload);
      if (done) {
        done = readCommit({call.incidents, std::nullopt, call.patch_context, call.last_run, std::nullopt}, write,
                          caller, warn);
      }
      if (call.user_id && !call.user_id->empty()) read.opener = {std::string{*call.user_id}, "", caller.plugin};
      return true;
    }
    case Method::commit: {
      protocol::Commit call;
      if (!decode(payload, call)) return false;
      done = setKey(write, call.idempotency_key, method, payload);
      if (done) done = readCommit(call, write, caller, warn);
      return true;
    }
    case Method::addEntry: {
      protocol::AddEntry call;
      if (!decode(payload, call)) return false;
      done = setKey(write, call.idempotency_key, method, payload);
      if (!done) return true;
      auto entry = readEntry(call, caller);
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
      auto health = readHealth(call, health_before, write.at_us);
      if (!health) {
        done = std::move(health).error();
      } else {
        write.health = std::move(*health);
        read.nothing_to_write = !write.health.has_value();
      }
      return true;
    }
    case Method::setIntegrationContext: {
      protocol::SetIntegrationContext call;
      if (!decode(payload, call)) return false;
      done = put(write.context, readContext(call.object, call.version));
      return true;
    }
    case Method::migrateContext: {
      protocol::SetIntegrationContext call;
      if (!decode(payload, call) || call.version < 0) return false;
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
    case Method::handleEntitlementForUser: {
      protocol::HandleEntitlement call;
      if (!decode(payload, call)) return false;
      done = readAnswer(call, caller, write);
      return true;
    }
    case Method::mirrorInvestigation: {
      protocol::MirrorInvestigation call;
      if (!decode(payload, call)) return false;
      done = put(write.mirror, readMirror(call));
      return true;
    }
    case Method::createIndicators: {
      protocol::CreateIndicators call;
      if (!decode(payload, call)) return false;
      done = put(write.indicators, readIndicators(call.indicators));
      return true;
    }
    case Method::findUser:
    case Method::directMessage:
    case Method::searchIndicators:
      return false;  // they are no writes
  }
  return false;
}

std::string resultText(Method method, const std::vector<std::string>& names, const store::Committed& committed) {
  switch (method) {
    case Method::createIncidents:
      return incidentsJson(committed.incidents, names);
    case Method::handleEntitlementForUser:
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
                         incidentsJson(committed.incidents, names), entries,
                         committed.context_version ? std::to_string(*committed.context_version) : "null");
    }
    case Method::createIndicators: {
      std::string created;
      for (const IndicatorId id : committed.indicators)
        created += fmt::format(R"({}{{"id":"{}"}})", created.empty() ? "" : ",", id.value);
      return "[" + created + "]";
    }
    default:
      return {};
  }
}

// Reads of a worker's own copy never come here, and health and log need no grant: whoever runs may say how it is. The
// write of a migration is the host's own demand.
bool needsGrant(Method method) {
  return method != Method::updateModuleHealth && method != Method::migrateContext;
}

Error notGranted(Method method, std::string_view instance) {
  return {Code::NotGranted,
          fmt::format("{0} is not granted to {1}: name it in the manifest under grants.serverApi, and approve it "
                      "(longhaul approve {1})",
                      protocol::methodName(method), instance)};
}

}  // namespace

bool ServerApi::call(const Caller& caller, Method method, std::string_view payload, const Warn& warn, Answer answer) {
  if (caller.granted_calls != nullptr && needsGrant(method)) {
    const auto& granted = *caller.granted_calls;
    if (std::find(granted.begin(), granted.end(), protocol::methodName(method)) == granted.end()) {
      answer(failure(notGranted(method, caller.name)));
      return true;
    }
  }
  const CallerFacts facts{caller.instance, caller.generation, std::string{caller.name}, std::string{caller.plugin}};
  if (method == Method::findUser) return findUser(facts, payload, std::move(answer));
  if (method == Method::searchIndicators) return searchIndicators(payload, std::move(answer));
  if (method == Method::directMessage) return directMessage(facts, payload, std::move(answer));
  CommitWrite write;
  write.instance = caller.instance;
  write.generation = caller.generation;
  write.at_us = wall_clock_();
  write.context_bytes_max = caller.context_bytes_max;
  ReadCall read;
  Result<void> done;
  const auto health = caller.health == nullptr ? std::optional<store::Health>{} : *caller.health;
  if (!readCall(method, payload, facts, health, warn, write, read, done)) return false;
  if (!done) {
    answer(failure(done.error()));
    return true;
  }
  if (read.nothing_to_write) {
    answer(success({}));
    return true;
  }
  Pending pending{method, {}, write.health, facts};
  pending.names.reserve(write.incidents.size());
  for (const auto& incident : write.incidents)
    pending.names.push_back(incident.name);
  if (read.opener) {
    openAs(std::move(write), std::move(pending), *std::move(read.opener), std::move(answer));
  } else {
    submit(std::move(write), std::move(pending), std::move(answer));
  }
  return true;
}

void ServerApi::submit(CommitWrite write, Pending pending, Answer answer) {
  store::CommitWrite mirrored;  // what an answer to mirrorInvestigation needs
  mirrored.mirror = write.mirror;
  auto completion = [this, answer, mirrored, act = write.act, pending = std::move(pending)](store::WriteResult result) {
    // Nobody answers who has no right to: that is told, and what the store could not do is not.
    if (!result && act && (result.error().code == Code::AlreadyAnswered || result.error().code == Code::NotFound)) {
      return refusals_.keep(pending.caller, *act, result.error(),
                            [answer, error = result.error()] { answer(failure(error)); });
    }
    if (!result) return answer(failure(result.error()));
    if (mirrored.mirror) return answerMirror(mirrored, answer);
    const auto& committed = std::get<store::Committed>(*result);
    Outcome outcome;
    outcome.status = committed.replayed ? 1 : 0;  // REPLAYED
    outcome.payload = encodeReply(committed, resultText(pending.method, pending.names, committed));
    if (!committed.replayed) outcome.incidents_created = committed.incidents.size();
    if (committed.context) outcome.context_version = committed.context->version;
    outcome.health = pending.health;
    answer(std::move(outcome));
  };
  if (!store_.submit(std::move(write), std::move(completion))) answer(failure(queueFull()));
}

void ServerApi::openAs(CommitWrite write, Pending pending, store::UserRef opener, Answer answer) {
  using Found = Result<std::optional<store::User>>;
  const auto read = [opener](store::StoreReader& reader) -> Found {
    const auto id = parseInt(opener.username);
    auto found = id ? reader.userById(UserId{*id}) : Found{std::nullopt};
    return !found || *found ? found : reader.user(opener);
  };
  const auto found = [this, asked = std::move(write), pending = std::move(pending), opener, answer](Found user) {
    if (!user) return answer(failure(user.error()));
    if (!*user) return answer(failure(store::noUserNamed(opener.username)));
    CommitWrite opened = asked;
    for (auto& incident : opened.incidents) {
      auto body = parseJson(incident.body);
      if (!body) return answer(failure(body.error()));
      (*body)["openedBy"] = (*user)->username;
      incident.body = dumpJson(*body);
    }
    submit(std::move(opened), pending, answer);
  };
  if (!queries_.submit(read, found)) answer(failure(readersBusy()));
}

void ServerApi::answerMirror(const CommitWrite& write, Answer answer) {
  const auto read = [incident = write.mirror->incident](store::StoreReader& reader) {
    return reader.investigationUsers(incident);
  };
  const bool queued = queries_.submit(read, [answer](Result<std::vector<store::User>> users) {
    if (!users) return answer(failure(users.error()));
    Json json = Json::array();
    for (const store::User& user : *users)
      json.push_back({{"email", user.email}, {"username", user.username}});
    answer(success(dumpJson(json)));
  });
  if (!queued) answer(failure(readersBusy()));
}

bool ServerApi::findUser(const CallerFacts& caller, std::string_view payload, Answer answer) {
  protocol::FindUser call;
  if (!decode(payload, call)) return false;
  auto ref = readUserRef(call, caller);
  if (!ref) {
    answer(failure(ref.error()));
    return true;
  }
  const auto read = [ref = *std::move(ref)](store::StoreReader& reader) { return reader.user(ref); };
  const bool queued = queries_.submit(read, [answer](Result<std::optional<store::User>> user) {
    if (!user) return answer(failure(user.error()));
    answer(success(*user ? dumpJson(userJson(**user)) : "null"));
  });
  if (!queued) answer(failure(readersBusy()));
  return true;
}

bool ServerApi::searchIndicators(std::string_view payload, Answer answer) {
  protocol::SearchIndicators call;
  if (!decode(payload, call)) return false;
  std::size_t skip = 0;
  auto query = readIndicatorQuery(call.query, skip);
  if (!query) {
    answer(failure(query.error()));
    return true;
  }
  const auto read = [query = *std::move(query), skip](store::StoreReader& reader) -> Result<std::string> {
    auto page = reader.indicators(query);
    if (!page) return std::move(page).error();
    return indicatorsJson(*page, skip);
  };
  const bool queued = queries_.submit(
      read, [answer](Result<std::string> found) { answer(found ? success(*found) : failure(found.error())); });
  if (!queued) answer(failure(readersBusy()));
  return true;
}

bool ServerApi::directMessage(const CallerFacts& caller, std::string_view payload, Answer answer) {
  protocol::DirectMessage call;
  if (!decode(payload, call)) return false;
  CommitWrite keyed;
  if (auto set = setKey(keyed, call.idempotency_key, Method::directMessage, payload); !set) {
    answer(failure(set.error()));
    return true;
  }
  messages_.perform(
      {.caller = caller,
       .message = std::string{call.message},
       .who = {std::string{call.username.value_or("")}, std::string{call.email.value_or("")}, caller.plugin},
       .anyone_can_open = call.anyone_can_open_incidents != 0,
       .idempotency_key = keyed.idempotency_key,
       .request_hash = keyed.request_hash},
      std::move(answer));
  return true;
}

}  // namespace longhaul::host::services
