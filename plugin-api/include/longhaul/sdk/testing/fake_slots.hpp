// The slots of the fake server's table: each turns the C arguments into a call of FakeStore. Part of fake_server.hpp.
#ifndef LONGHAUL_SDK_TESTING_FAKE_SLOTS_HPP
#define LONGHAUL_SDK_TESTING_FAKE_SLOTS_HPP

#include "longhaul/sdk/testing/fake_server.hpp"

namespace longhaul::testing {

struct FakeSlots {
  using Table = const longhaul_server_t*;
  using Text = longhaul_text_t;
  using Sink = longhaul_sink_t*;

  static FakeServer& of(Table table) noexcept { return FakeServer::of(table); }
  static std::string_view view(Text text) noexcept { return detail::viewOf(text); }
  static Answer ok(std::string text = {}) { return {Status::kOk, std::move(text), 0}; }
  static Answer invalid(std::string text) { return {Status::kInvalid, std::move(text), 0}; }

  static bool isUtf8(std::string_view text) noexcept {
    for (std::size_t at = 0, size = 0; at < text.size(); at += size)
      if ((size = detail::utf8Size(text, at)) == 0) return false;
    return true;
  }
  // An argument struct of this version or a longer one, all of it UTF-8.
  template <class Args, class... Texts>
  static std::optional<Answer> refused(const Args* args, Texts Args::*... texts) {
    return refusedBelow(sizeof(Args), args, texts...);
  }
  // The same where an older minor's struct ended at `needed` bytes.
  template <class Args, class... Texts>
  static std::optional<Answer> refusedBelow(std::size_t needed, const Args* args, Texts Args::*... texts) {
    if (args == nullptr) return invalid("the arguments are NULL");
    if (args->struct_size < needed)
      return invalid("struct_size is " + std::to_string(args->struct_size) +
                     ", set it to sizeof of the struct: " + std::to_string(sizeof(Args)));
    if (!(isUtf8(view(args->*texts)) && ...)) return invalid("a text is not UTF-8");
    if (((args->*texts).size + ...) > LONGHAUL_MESSAGE_BYTES_MAX)
      return Answer{Status::kTooLarge, "the arguments have more than 16 MiB together", 0};
    return {};
  }

  // --- Logs and life
  static longhaul_status_t lastError(Table table, Sink sink) {
    FakeServer& self = of(table);
    std::string text;
    {
      const std::lock_guard lock(self.mutex_);
      text = self.errors_[std::this_thread::get_id()];
      self.record("lastError", {}, Status::kOk);
    }
    if (sink != nullptr) sink->put(sink->self, detail::textOf(text));
    return LONGHAUL_OK;
  }
  static longhaul_status_t log(Table table, const char* level, Text text) {
    FakeServer& self = of(table);
    return self.perform(level, view(text), nullptr, [&] {
      std::string line(view(text).substr(0, LONGHAUL_LOG_LINE_BYTES_MAX));
      const bool good = isUtf8(view(text));
      self.logs_.push_back({level, std::move(line)});
      return good ? ok() : invalid("the line is not UTF-8");
    });
  }
  static longhaul_status_t debug(Table table, Text text) { return log(table, "debug", text); }
  static longhaul_status_t info(Table table, Text text) { return log(table, "info", text); }
  static longhaul_status_t error(Table table, Text text) { return log(table, "error", text); }
  static longhaul_status_t progress(Table table) {
    return of(table).perform("progress", {}, nullptr, [] { return ok(); });
  }
  static longhaul_status_t waitForStop(Table table, std::uint32_t timeout_ms) {
    FakeServer& self = of(table);
    std::unique_lock lock(self.mutex_);
    const auto failure = self.failureOf("waitForStop");
    if (timeout_ms > 0 && !failure && !self.stopping_) {
      if (self.waits_left_) {
        if (*self.waits_left_ == 0) self.stopLocked();
        if (*self.waits_left_ > 0) --*self.waits_left_;
      } else if (timeout_ms == UINT32_MAX) {
        self.changed_.wait(lock, [&] { return self.stopping_; });
      } else {
        self.changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return self.stopping_; });
      }
    }
    const Status status = failure ? failure->status : self.stopping_ ? Status::kOk : Status::kTimeout;
    self.record("waitForStop", {}, status);
    return static_cast<longhaul_status_t>(status);
  }
  static longhaul_status_t stopDescriptor(Table table, std::int32_t* out_fd) {
    FakeServer& self = of(table);
    return self.perform("stopDescriptor", {}, nullptr, [&] {
      if (out_fd == nullptr) return invalid("out_fd is NULL");
      *out_fd = self.stop_fd_;
      return ok();
    });
  }
  static longhaul_status_t ready(Table table) {
    FakeServer& self = of(table);
    return self.perform("ready", {}, nullptr, [&] {
      self.ready_ = true;
      return ok();
    });
  }
  static longhaul_status_t extendTimeout(Table table, std::uint32_t timeout_ms) {
    FakeServer& self = of(table);
    return self.perform("extendTimeout", {}, nullptr, [&] {
      self.extended_ += std::chrono::milliseconds(timeout_ms);
      return ok();
    });
  }

  // --- Facts
  static longhaul_status_t params(Table table, Sink sink) {
    FakeServer& self = of(table);
    return self.perform("params", {}, sink, [&] { return ok(detail::joinJsonObject(self.parameters_)); });
  }
  static longhaul_status_t parameter(Table table, Text name, Sink sink) {
    FakeServer& self = of(table);
    return self.perform("parameter", view(name), sink, [&] {
      const auto at = self.parameters_.find(std::string(view(name)));
      if (at == self.parameters_.end() || at->second == "null")
        return Answer{Status::kNotFound, "parameter \"" + std::string(view(name)) + "\" has no value", 0};
      std::string text;
      return ok(detail::decodeJsonString(at->second, text) ? text : at->second);
    });
  }
  static longhaul_status_t integrationInstance(Table table, Sink sink) {
    FakeServer& self = of(table);
    return self.perform("integrationInstance", {}, sink, [&] { return ok(self.instance_); });
  }
  static longhaul_status_t demistoVersion(Table table, Sink sink) {
    return of(table).perform("demistoVersion", {}, sink, [] {
      return ok("{\"version\":\"" LONGHAUL_VERSION_STRING
                "\",\"buildNumber\":\"0\",\"platform\":\"longhaul\",\"engine\":false}");
    });
  }
  static longhaul_status_t demistoUrls(Table table, Sink sink) {
    return of(table).perform("demistoUrls", {}, sink,
                             [] { return ok("{\"server\":\"\",\"investigation\":\"\",\"warRoom\":\"\"}"); });
  }
  static longhaul_status_t getLicenseID(Table table, Sink sink) {
    return of(table).perform("getLicenseID", {}, sink, [] { return ok("fake-license"); });
  }
  static longhaul_status_t listener(Table table, Text name, std::int32_t* out_fd) {
    FakeServer& self = of(table);
    return self.perform("listener", view(name), nullptr, [&] {
      if (out_fd == nullptr) return invalid("out_fd is NULL");
      const auto at = self.sockets_.find(view(name));
      if (at == self.sockets_.end())
        return Answer{Status::kNotFound, "there is no listener \"" + std::string(view(name)) + "\"", 0};
      *out_fd = at->second.fd();
      return ok();
    });
  }

  // --- Incidents
  static longhaul_status_t createIncidents(Table table, const longhaul_create_incidents_t* args, Sink sink) {
    using A = longhaul_create_incidents_t;
    auto bad =
        refusedBelow(offsetof(A, user_id), args, &A::incidents, &A::last_run, &A::patch_context, &A::idempotency_key);
    if (!bad && args->struct_size >= sizeof(A)) bad = unknownUser(of(table), args->user_id);
    return commitParts(table, bad, sink,
                       bad ? StoreRequest{"createIncidents", {}, {}, {}, {}, {}}
                           : StoreRequest{"createIncidents",
                                          view(args->incidents),
                                          {},
                                          view(args->patch_context),
                                          view(args->last_run),
                                          view(args->idempotency_key)});
  }
  static std::optional<Answer> unknownUser(FakeServer& self, Text user) {
    const std::lock_guard lock(self.mutex_);
    if (user.data == nullptr || self.people_.find(view(user), {}) != nullptr) return {};
    return Answer{Status::kNotFound, "there is no user \"" + std::string(view(user)) + "\"", 0};
  }
  static longhaul_status_t commit(Table table, const longhaul_commit_t* args, Sink sink) {
    using A = longhaul_commit_t;
    const auto bad =
        refused(args, &A::create_incidents, &A::add_entries, &A::patch_context, &A::last_run, &A::idempotency_key);
    return commitParts(
        table, bad, sink,
        bad ? StoreRequest{"commit", {}, {}, {}, {}, {}}
            : StoreRequest{"commit", view(args->create_incidents), view(args->add_entries), view(args->patch_context),
                           view(args->last_run), view(args->idempotency_key)});
  }
  static longhaul_status_t commitParts(Table table, const std::optional<Answer>& bad, Sink sink,
                                       const StoreRequest& request) {
    FakeServer& self = of(table);
    return self.perform(request.call.data(), request.incidents, sink, [&] {
      if (bad) return *bad;
      std::vector<std::string> warnings;
      Answer answer = self.store_.commit(request, warnings);
      for (std::string& warning : warnings)
        self.logs_.push_back({"info", std::move(warning)});
      return answer;
    });
  }
  static longhaul_status_t addEntry(Table table, const longhaul_add_entry_t* args, Sink sink) {
    using A = longhaul_add_entry_t;
    FakeServer& self = of(table);
    const auto bad = refused(args, &A::incident_id, &A::entry, &A::content_type, &A::username, &A::email, &A::footer,
                             &A::idempotency_key);
    return self.perform("addEntry", bad ? std::string_view() : view(args->entry), sink, [&] {
      if (bad) return *bad;
      if (view(args->incident_id).empty()) return invalid("incident_id is absent or empty");
      const auto text = [](Text from) { return std::string(view(from)); };
      return self.store_.addEntry({{},
                                   text(args->incident_id),
                                   text(args->entry),
                                   text(args->content_type),
                                   text(args->username),
                                   text(args->email)},
                                  view(args->footer), view(args->idempotency_key));
    });
  }

  // {"eventsPulled": n, "assetsPulled": n}, one of them at least; anything else is a text.
  static std::optional<Pulled> countersOf(std::string_view text) {
    Pulled pulled;
    std::vector<detail::JsonMember> members;
    if (!detail::splitJsonObject(text, members) || members.empty()) return {};
    for (const auto& member : members) {
      std::int64_t* const count = member.key == "eventsPulled"   ? &pulled.events
                                  : member.key == "assetsPulled" ? &pulled.assets
                                                                 : nullptr;
      if (count == nullptr || !detail::readNumber(member.value, *count) || *count < 0) return {};
    }
    return pulled;
  }
  static longhaul_status_t updateModuleHealth(Table table, Text data, std::int32_t is_error) {
    FakeServer& self = of(table);
    return self.perform("updateModuleHealth", view(data), nullptr, [&] {
      const std::string_view text = view(data);
      if (text.size() > LONGHAUL_HEALTH_TEXT_BYTES_MAX)
        return Answer{Status::kTooLarge, "the health text has more than 4096 bytes", 0};
      if (text.data() == nullptr || !isUtf8(text)) return invalid("the health text is absent or not UTF-8");
      Health health = self.health_.value_or(Health{});
      if (is_error < LONGHAUL_HEALTH_NEUTRAL || is_error > LONGHAUL_HEALTH_PASSING_ERROR)
        return invalid("is_error is " + std::to_string(is_error) + ", 0 to 3 is wanted");
      if (const auto pulled = countersOf(text)) {
        health.pulled.events += pulled->events;
        health.pulled.assets += pulled->assets;
        if (health.is_passing) health = Health{{}, false, false, false, health.pulled};
      } else {
        const bool says = !text.empty();
        health.text = text;
        health.is_error = says && (is_error == LONGHAUL_HEALTH_ERROR || is_error == LONGHAUL_HEALTH_PASSING_ERROR);
        health.is_warning = says && is_error == LONGHAUL_HEALTH_WARNING;
        health.is_passing = says && is_error == LONGHAUL_HEALTH_PASSING_ERROR;
      }
      self.health_ = health;
      return ok();
    });
  }

  // --- Context and last run
  static longhaul_status_t getIntegrationContext(Table table, Sink sink) {
    FakeServer& self = of(table);
    return self.perform("getIntegrationContext", {}, sink, [&] { return ok(self.store_.contextObject()); });
  }
  static longhaul_status_t getIntegrationContextVersioned(Table table, Sink sink, std::int64_t* out_version) {
    FakeServer& self = of(table);
    const auto work = [&] {
      if (out_version == nullptr) return invalid("out_version is NULL");
      return Answer{Status::kOk, self.store_.contextObject(), self.store_.context_version};
    };
    return self.perform("getIntegrationContextVersioned", {}, sink, work, out_version);
  }
  static longhaul_status_t setIntegrationContext(Table table, Text object) {
    FakeServer& self = of(table);
    return self.perform("setIntegrationContext", view(object), nullptr,
                        [&] { return self.store_.setContext(view(object), -1); });
  }
  static longhaul_status_t setIntegrationContextVersioned(Table table, Text object, std::int64_t version,
                                                          std::int64_t* out_version) {
    FakeServer& self = of(table);
    const auto work = [&] { return self.store_.setContext(view(object), version); };
    return self.perform("setIntegrationContextVersioned", view(object), nullptr, work, out_version);
  }
  static longhaul_status_t patchIntegrationContext(Table table, Text object) {
    FakeServer& self = of(table);
    return self.perform("patchIntegrationContext", view(object), nullptr,
                        [&] { return self.store_.patchContext(view(object)); });
  }
  static longhaul_status_t mergeIntegrationContext(Table table, Text key, Text list, Text id_field) {
    FakeServer& self = of(table);
    return self.perform("mergeIntegrationContext", view(list), nullptr, [&] {
      if (view(key).empty() || view(id_field).empty()) return invalid("key and id_field must not be empty");
      return self.store_.mergeContext(view(key), view(list), view(id_field));
    });
  }
  static longhaul_status_t getLastRun(Table table, Sink sink) {
    FakeServer& self = of(table);
    return self.perform("getLastRun", {}, sink, [&] { return ok(self.store_.last_run); });
  }
  static longhaul_status_t setLastRun(Table table, Text object) {
    FakeServer& self = of(table);
    return self.perform("setLastRun", view(object), nullptr, [&] { return self.store_.setLastRun(view(object)); });
  }

  static const void* getExtension(Table table, Text id) {
    of(table).perform("getExtension", view(id), nullptr, [] { return ok(); });
    static constexpr longhaul_indicators_t kIndicators = {sizeof(longhaul_indicators_t), 0, &createIndicators,
                                                          &searchIndicators};
    return view(id) == LONGHAUL_INDICATORS_ID ? &kIndicators : nullptr;
  }

  // --- People
  static longhaul_status_t findUser(Table table, Text username, Text email, Sink sink) {
    FakeServer& self = of(table);
    return self.perform("findUser", view(username.data != nullptr ? username : email), sink,
                        [&] { return self.people_.findUser(view(username), view(email)); });
  }
  static longhaul_status_t handleEntitlementForUser(Table table, const longhaul_handle_entitlement_t* args, Sink sink) {
    using A = longhaul_handle_entitlement_t;
    FakeServer& self = of(table);
    const auto bad = refused(args, &A::incident_id, &A::guid, &A::email, &A::content, &A::task_id);
    return self.perform("handleEntitlementForUser", bad ? std::string_view() : view(args->content), sink, [&] {
      if (bad) return *bad;
      const auto text = [](Text from) { return std::string(view(from)); };
      Question answered{text(args->incident_id),
                        text(args->guid),
                        text(args->task_id),
                        true,
                        text(args->email),
                        text(args->content),
                        {}};
      if (Answer no = self.people_.mayAnswer(answered); no.status != Status::kOk) return no;
      Answer entry =
          self.store_.addEntry({{}, answered.incident_id, answered.answer, {}, {}, answered.answered_by}, {}, {});
      answered.entry = entry.text;
      if (isDone(entry.status)) self.people_.setAnswered(answered);
      return entry;
    });
  }
  static longhaul_status_t mirrorInvestigation(Table table, const longhaul_mirror_investigation_t* args, Sink sink) {
    using A = longhaul_mirror_investigation_t;
    FakeServer& self = of(table);
    const auto bad = refused(args, &A::incident_id, &A::mirror_type);
    return self.perform("mirrorInvestigation", bad ? std::string_view() : view(args->incident_id), sink, [&] {
      if (bad) return *bad;
      const auto& incidents = self.store_.incidents;
      if (std::none_of(incidents.begin(), incidents.end(),
                       [&](const StoredIncident& incident) { return incident.id == view(args->incident_id); }))
        return Answer{Status::kNotFound, "there is no incident " + std::string(view(args->incident_id)), 0};
      return self.people_.mirror(view(args->incident_id), view(args->mirror_type), args->auto_close != 0);
    });
  }
  static longhaul_status_t directMessage(Table table, const longhaul_direct_message_t* args, Sink sink) {
    using A = longhaul_direct_message_t;
    FakeServer& self = of(table);
    const auto bad = refused(args, &A::message, &A::username, &A::email, &A::idempotency_key);
    DirectMessageAnswer answer;  // run outside of the lock: a test may call the server from it
    const User* user = nullptr;
    User copy;
    {
      const std::lock_guard lock(self.mutex_);
      if (!bad) user = self.people_.find(view(args->username), view(args->email));
      if (user != nullptr) answer = self.people_.direct_message;
      if (user != nullptr) copy = *user;
    }
    std::string said = answer ? answer(copy, view(args->message)) : std::string();
    return self.perform("directMessage", bad ? std::string_view() : view(args->message), sink, [&] {
      if (bad) return *bad;
      const std::string_view message = view(args->message);
      constexpr std::string_view kNew = "new incident";
      const bool opens = message.substr(0, kNew.size()) == kNew;
      if (user == nullptr && !(opens && args->anyone_can_open_incidents != 0)) {
        const auto who = view(args->email.size > 0 ? args->email : args->username);
        return Answer{Status::kNotFound,
                      "I'm sorry but I was unable to find you as a Demisto user for email [" + std::string(who) + "]",
                      0};
      }
      if (answer || !opens) return ok(answer ? std::move(said) : std::string(message));
      const std::string name(message.size() > kNew.size() ? message.substr(kNew.size() + 1) : "New incident");
      const std::string json = "[{\"name\":" + quoteJson(name) + "}]";
      std::vector<std::string> warnings;
      return self.store_.commit({"createIncidents", json, {}, {}, {}, view(args->idempotency_key)}, warnings);
    });
  }

  // --- Indicators
  static longhaul_status_t createIndicators(Table table, Text indicators, Sink sink) {
    FakeServer& self = of(table);
    return self.perform("createIndicators", view(indicators), sink,
                        [&] { return self.people_.createIndicators(view(indicators)); });
  }
  static longhaul_status_t searchIndicators(Table table, Text query, Sink sink) {
    FakeServer& self = of(table);
    return self.perform("searchIndicators", view(query), sink,
                        [&] { return self.people_.searchIndicators(view(query)); });
  }
};

inline void FakeServer::fillTable() {
  using S = FakeSlots;
  slots_.server = this;
  slots_.table = {sizeof(longhaul_server_t),
                  LONGHAUL_ABI_VERSION,
                  &S::lastError,
                  &S::debug,
                  &S::info,
                  &S::error,
                  &S::progress,
                  &S::waitForStop,
                  &S::stopDescriptor,
                  &S::ready,
                  &S::extendTimeout,
                  &S::params,
                  &S::parameter,
                  &S::integrationInstance,
                  &S::demistoVersion,
                  &S::demistoUrls,
                  &S::getLicenseID,
                  &S::listener,
                  &S::createIncidents,
                  &S::addEntry,
                  &S::updateModuleHealth,
                  &S::getIntegrationContext,
                  &S::getIntegrationContextVersioned,
                  &S::setIntegrationContext,
                  &S::setIntegrationContextVersioned,
                  &S::patchIntegrationContext,
                  &S::mergeIntegrationContext,
                  &S::getLastRun,
                  &S::setLastRun,
                  &S::commit,
                  &S::getExtension,
                  &S::findUser,
                  &S::handleEntitlementForUser,
                  &S::mirrorInvestigation,
                  &S::directMessage};
}

}  // namespace longhaul::testing

#endif
