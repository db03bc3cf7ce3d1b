#include "host/services/questions.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/services/outcome.h"
#include "host/store/write_checks.h"

namespace longhaul::host::services {
namespace {

constexpr const char* kReply = "Thank you, {user}. Your answer: {response}";

// Nobody can guess it: who has it may answer. (The system's own random numbers.)
std::string newGuid() {
  std::random_device device;
  std::uint32_t words[4];
  for (std::uint32_t& word : words)
    word = device();
  words[1] = (words[1] & 0xffff0fffU) | 0x4000U;
  words[2] = (words[2] & 0x3fffffffU) | 0x80000000U;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16, words[1] & 0xffffU,
                     words[2] >> 16, words[2] & 0xffffU, words[3]);
}

std::string addressIn(const store::User& user, const std::string& plugin) {
  for (const store::Identity& identity : user.identities) {
    if (identity.provider == plugin) return identity.value;
  }
  return user.username;
}

// In whole seconds, never before the time itself: so it is the host that ends a question, while both are up.
std::string expiryText(std::int64_t at_us) {
  if (at_us == 0) return {};
  constexpr std::int64_t kSecondUs = 1'000'000;
  return formatTimeUs((at_us + kSecondUs - 1) / kSecondUs * kSecondUs).substr(0, 19) + "Z";
}

// Why it cannot be asked so; nothing: it can.
std::optional<Error> timesWrong(const QuestionAsked& asked, std::int64_t now_us) {
  if (asked.expires_at_us == 0) return std::nullopt;
  if (asked.expires_at_us <= now_us) {
    return Error{Code::Invalid, fmt::format("the time for an answer was out at {}, before the question was asked",
                                            formatTimeUs(asked.expires_at_us))};
  }
  if (asked.remind_at_us < asked.expires_at_us) return std::nullopt;
  return Error{Code::Invalid, "the reminder would come when the time for an answer is out: let it come before"};
}

std::string questionJson(const store::Entitlement& question, bool reminder) {
  Json json{{"message", reminder ? "Reminder: " + question.message : question.message},
            {"entitlement", entitlementText(question)},
            {"reply", question.reply},
            {"expiry", expiryText(question.expires_at_us)},
            {"default_response", question.default_response}};
  if (!question.options.empty()) json["options"] = question.options;
  return dumpJson(json);
}

}  // namespace

std::string entitlementText(const store::Entitlement& question) {
  return fmt::format("{}@{}{}{}", question.guid, question.incident.value, question.task_id.empty() ? "" : "|",
                     question.task_id);
}

Questions::~Questions() {
  around_.timers.cancel(start_timer_);
  for (const auto& [guid, open] : open_)
    around_.timers.cancel(open.timer);
}

void Questions::start() {
  startBehind(0);
}

void Questions::startBehind(std::int64_t id) {
  const auto read = [id](store::StoreReader& reader) {
    store::EntitlementQuery query;
    query.state = store::EntitlementState::Open;
    query.after_id = id;
    query.limit = kPageRowsMax;
    return reader.entitlements(query);
  };
  const bool queued = around_.queries.submit(read, [this, id](Result<store::Page<store::Entitlement>> page) {
    if (!page) return startLater(id, page.error());
    start_failures_ = 0;
    for (const store::Entitlement& question : page->rows)
      look(question.guid);
    if (page->more) startBehind(page->rows.back().id);
  });
  if (!queued) startLater(id, readersBusy());
}

void Questions::startLater(std::int64_t id, const Error& error) {
  if (start_failures_ == 0) {
    around_.warn("questions", fmt::format("they are not taken up yet, the store is read again: {}", error.message));
  }
  start_timer_ = around_.timers.after(deliveryRetryDelay(start_failures_++), [this, id] {
    start_timer_ = TimerId::None;
    startBehind(id);
  });
}

void Questions::ask(QuestionAsked asked, Done done) {
  if (auto wrong = timesWrong(asked, around_.wall_clock())) return done(*std::move(wrong));
  struct Found {
    std::string username;
  };
  const auto read = [asked](store::StoreReader& reader) -> Result<Found> {
    if (auto incident = reader.incident(asked.incident); !incident) return std::move(incident).error();
    auto instances = reader.instances();
    if (!instances) return std::move(instances).error();
    const auto through = std::find_if(instances->begin(), instances->end(),
                                      [&](const store::InstanceRecord& each) { return each.id == asked.instance; });
    if (through == instances->end()) return store::noInstance(asked.instance);
    auto user = reader.user({asked.to, asked.to, through->plugin});
    if (!user) return std::move(user).error();
    if (!*user) return store::noUserNamed(asked.to);
    return Found{(*user)->username};
  };
  const bool queued = around_.queries.submit(read, [this, asked, done](Result<Found> found) {
    if (!found) return done(found.error());
    keep(asked, found->username, done);
  });
  if (!queued) done(readersBusy());
}

void Questions::keep(QuestionAsked asked, std::string username, Done done) {
  store::Entitlement question;
  question.guid = newGuid();
  question.incident = asked.incident;
  question.task_id = std::move(asked.task_id);
  question.instance = asked.instance;
  question.to = std::move(username);
  question.message = std::move(asked.message);
  question.options = std::move(asked.options);
  question.reply = asked.reply.empty() ? kReply : std::move(asked.reply);
  question.default_response = std::move(asked.default_response);
  question.asked_by = std::move(asked.asked_by);
  question.expires_at_us = asked.expires_at_us;
  question.remind_at_us = asked.remind_at_us;
  store::CommitWrite write;
  write.at_us = question.created_at_us = around_.wall_clock();
  write.question = question;
  store::NewEntry entry;
  entry.incident = question.incident;
  entry.author = question.asked_by;
  entry.content_type = "text";
  entry.text = fmt::format("Asked {}: {}{}", question.to, question.message,
                           question.options.empty() ? "" : fmt::format(" ({})", fmt::join(question.options, ", ")));
  entry.user.username = question.asked_by;
  entry.tags = {"question"};
  write.entries.push_back(std::move(entry));
  const bool queued = around_.store.submit(std::move(write), [this, question, done](const store::WriteResult& result) {
    if (!result) return done(result.error());
    look(question.guid);
    done(question);
  });
  if (!queued) done(Error{Code::Busy, "the store's queue is full: try again"});
}

std::string Questions::faultOf(const std::string& guid) const {
  const auto found = open_.find(guid);
  return found == open_.end() ? std::string{} : found->second.fault;
}

// What is next is read from the store each time: an answer may have come any way.
void Questions::look(const std::string& guid) {
  Open& open = open_[guid];
  if (open.busy) return;
  around_.timers.cancel(std::exchange(open.timer, TimerId::None));
  open.busy = true;
  const auto read = [guid](store::StoreReader& reader) -> Result<Sendable> {
    Sendable found;
    auto question = reader.entitlement(guid);
    if (!question) return std::move(question).error();
    if (!*question) return found;
    found.question = **std::move(question);
    auto instances = reader.instances();
    if (!instances) return std::move(instances).error();
    auto user = reader.user({found.question.to, "", ""});
    if (!user) return std::move(user).error();
    found.address = found.question.to;
    for (const store::InstanceRecord& each : *instances) {
      if (each.id != found.question.instance) continue;
      found.instance = each.name;
      if (*user) found.address = addressIn(**user, each.plugin);
    }
    return found;
  };
  const bool queued = around_.queries.submit(read, [this, guid](Result<Sendable> found) {
    if (!found) return retry(guid);
    if (found->question.guid.empty() || found->question.state != store::EntitlementState::Open) {
      open_.erase(guid);
      return;
    }
    next(*found);
  });
  if (!queued) retry(guid);
}

void Questions::next(const Sendable& found) {
  const store::Entitlement& question = found.question;
  const std::int64_t now_us = around_.wall_clock();
  if (question.expires_at_us != 0 && now_us >= question.expires_at_us) return expire(question);
  if (question.sent_at_us == 0 && !found.instance.empty()) return send(found, false);
  const bool reminds = question.remind_at_us != 0 && question.reminded_at_us == 0 && !found.instance.empty();
  if (reminds && now_us >= question.remind_at_us) return send(found, true);
  std::int64_t when_us = question.expires_at_us;
  if (reminds && (when_us == 0 || question.remind_at_us < when_us)) when_us = question.remind_at_us;
  if (when_us == 0) {
    open_.erase(question.guid);  // nothing is left to be done for it here
    return;
  }
  wait(question.guid, std::chrono::microseconds{when_us - now_us});
}

void Questions::send(const Sendable& found, bool reminder) {
  const store::Entitlement& question = found.question;
  CommandAsked asked;
  asked.instance = found.instance;
  asked.command = "send-notification";
  asked.arguments = {
      {"to", found.address}, {"message", questionJson(question, reminder)}, {"messageType", "externalAskSubmit"}};
  asked.context = {{"incidentId", std::to_string(question.incident.value)}};
  asked.deadline = kDeliveryTimeout;
  asked.live_only = true;
  around_.calls.run(std::move(asked), [this, guid = question.guid, instance = found.instance,
                                       reminder](const Result<CommandResult>& result) {
    if (!open_.contains(guid)) return;
    if (!result) {
      if (open_[guid].failures == 0) {
        around_.warn(instance, fmt::format("question {} is not in the chat yet: {}", guid, result.error().message));
      }
      open_[guid].fault = result.error().message;
      return retry(guid);
    }
    open_[guid].fault.clear();
    const std::int64_t now_us = around_.wall_clock();
    store::MarkEntitlement mark{guid, reminder ? 0 : now_us, reminder ? now_us : 0};
    around_.store.submit(std::move(mark), [this, guid](const store::WriteResult& done) {
      if (!open_.contains(guid)) return;
      if (!done) return retry(guid);
      open_[guid].failures = 0;
      open_[guid].busy = false;
      look(guid);
    });
  });
}

void Questions::expire(const store::Entitlement& question) {
  store::CommitWrite write;
  write.at_us = around_.wall_clock();
  store::NewEntry entry;
  entry.incident = question.incident;
  entry.author = "longhaul";
  entry.content_type = "text";
  // Who was never asked did not keep silent.
  entry.text = fmt::format("{}{}",
                           question.sent_at_us == 0
                               ? fmt::format("The question never came to {}: the chat did not take it", question.to)
                               : fmt::format("No answer of {} in time", question.to),
                           question.default_response.empty() ? "" : ": taken as " + question.default_response);
  entry.tags = {"answer"};
  write.entries.push_back(std::move(entry));
  write.answer =
      store::AnswerEntitlement{question.guid, question.incident, "", {}, "", question.default_response, true};
  const bool queued =
      around_.store.submit(std::move(write), [this, guid = question.guid](const store::WriteResult& done) {
        // Somebody was faster: that counts.
        if (done || done.error().code == Code::AlreadyAnswered) {
          open_.erase(guid);
        } else {
          retry(guid);
        }
      });
  if (!queued) retry(question.guid);
}

void Questions::wait(const std::string& guid, Duration delay) {
  Open& open = open_[guid];
  open.busy = false;
  // A little later than asked: the wall clock must have passed the moment too.
  open.timer = around_.timers.after(delay + std::chrono::milliseconds{1}, [this, guid] {
    open_[guid].timer = TimerId::None;
    look(guid);
  });
}

// Never beyond the time-out for long: look() sees first whether the time is out.
void Questions::retry(const std::string& guid) {
  wait(guid, deliveryRetryDelay(open_[guid].failures++));
}

}  // namespace longhaul::host::services
