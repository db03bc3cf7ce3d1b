// The host, as a plugin in C++ sees it: every slot of the server's table (longhaul/server.h, where each call's promise
// stands) as a typed call. A value of one pointer: copy it into any thread, call from any thread, at once. It must not
// outlive the plugin.
//
// A call throws Error when it fails; the same call with `try` in front gives an Outcome. Logs and progress never throw.
// No call is tried again by itself and none gets an idempotency key by itself: each call has its own socket, so a reply
// is never lost while both ends live, and a number that the SDK made up would not survive a restart of the worker.
#ifndef LONGHAUL_SDK_SERVER_HPP
#define LONGHAUL_SDK_SERVER_HPP

#include <chrono>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhaul/indicators.h"
#include "longhaul/sdk/outcome.hpp"
#include "longhaul/sdk/stop_token.hpp"
#include "longhaul/sdk/values.hpp"
#include "longhaul/server.h"

namespace longhaul {
namespace detail {

// Takes a result into a string. put() must not throw, so running out of memory is kept and thrown after the call.
class TextSink {
 public:
  TextSink() noexcept : sink_{&TextSink::put, this} {}
  TextSink(const TextSink&) = delete;
  TextSink& operator=(const TextSink&) = delete;

  longhaul_sink_t* raw() noexcept { return &sink_; }
  std::string take() {
    if (out_of_memory_) throw std::bad_alloc();
    return std::move(text_);
  }

 private:
  static void put(void* self, longhaul_text_t text) {
    auto* sink = static_cast<TextSink*>(self);
    try {
      sink->text_.assign(viewOf(text));
    } catch (...) {
      sink->out_of_memory_ = true;
    }
  }

  longhaul_sink_t sink_;
  std::string text_;
  bool out_of_memory_ = false;
};

}  // namespace detail

// The slot, or null where this host has none.
#define LONGHAUL_SDK_SLOT(member) (LONGHAUL_HAS(table_, longhaul_server_t, member) ? table_->member : nullptr)

class Server {
 public:
  explicit Server(const longhaul_server_t* table) noexcept : table_(table) {}

  const longhaul_server_t* table() const noexcept { return table_; }
  StopToken stopToken() const noexcept { return StopToken(table_); }

  // --- Logs: durable over the worker's death, never blocking. The status may be ignored: BUSY is dropped and counted.
  Status debug(std::string_view text) const noexcept { return call(LONGHAUL_SDK_SLOT(debug), detail::textOf(text)); }
  Status info(std::string_view text) const noexcept { return call(LONGHAUL_SDK_SLOT(info), detail::textOf(text)); }
  Status error(std::string_view text) const noexcept { return call(LONGHAUL_SDK_SLOT(error), detail::textOf(text)); }

  // --- Life
  // Says that the loop turns, for the watchdog of a manifest with `heartbeat`. One addition in memory.
  Status progress() const noexcept { return call(LONGHAUL_SDK_SLOT(progress)); }
  // Says READY, for a manifest with `signalsReady`.
  void ready() const { done("ready", call(LONGHAUL_SDK_SLOT(ready))).take(); }
  // Asks for more time to become ready or to stop, from now on; at most 10 min in all.
  void extendTimeout(std::chrono::milliseconds timeout) const {
    const auto ms = static_cast<std::uint32_t>(timeout.count() < 0 ? 0 : timeout.count());
    done("extendTimeout", call(LONGHAUL_SDK_SLOT(extendTimeout), ms)).take();
  }

  // --- Facts: from memory, no round trip
  // All parameters with the manifest's defaults, as a JSON object.
  std::string params() const { return fetch("params", LONGHAUL_SDK_SLOT(params)).take(); }
  // One parameter: a string as its text, anything else as JSON; nothing if it has no value.
  std::optional<std::string> parameter(std::string_view name) const {
    auto outcome = fetch("parameter", LONGHAUL_SDK_SLOT(parameter), detail::textOf(name));
    if (outcome.status == Status::kNotFound) return std::nullopt;
    return std::move(outcome).take();
  }
  std::string parameter(std::string_view name, std::string_view otherwise) const {
    return parameter(name).value_or(std::string(otherwise));
  }
  // A whole number ("30", 30); throws Error INVALID if there is a value that is none.
  std::int64_t parameterInt(std::string_view name, std::int64_t otherwise) const {
    const auto text = parameter(name);
    if (!text) return otherwise;
    std::int64_t number = 0;
    if (detail::readNumber(*text, number)) return number;
    throw Error(Status::kInvalid, "parameter", std::string(name) + " is \"" + *text + "\", a whole number is wanted");
  }
  // true or false; throws Error INVALID if there is a value that is neither.
  bool parameterBool(std::string_view name, bool otherwise) const {
    const auto text = parameter(name);
    if (!text) return otherwise;
    if (*text == "true" || *text == "false") return *text == "true";
    throw Error(Status::kInvalid, "parameter", std::string(name) + " is \"" + *text + "\", true or false is wanted");
  }
  std::string integrationInstance() const {
    return fetch("integrationInstance", LONGHAUL_SDK_SLOT(integrationInstance)).take();
  }
  std::string demistoVersion() const { return fetch("demistoVersion", LONGHAUL_SDK_SLOT(demistoVersion)).take(); }
  std::string demistoUrls() const { return fetch("demistoUrls", LONGHAUL_SDK_SLOT(demistoUrls)).take(); }
  std::string getLicenseID() const { return fetch("getLicenseID", LONGHAUL_SDK_SLOT(getLicenseID)).take(); }
  // The socket that the host holds for this listener of the manifest: accept and receive on it, never close it.
  int listener(std::string_view name) const {
    std::int32_t fd = -1;
    done("listener", call(LONGHAUL_SDK_SLOT(listener), detail::textOf(name), &fd)).take();
    return fd;
  }

  // --- Incidents: durable when the call returns; all of it or nothing
  Outcome<std::vector<CreatedIncident>> tryCreateIncidents(std::string_view json_array,
                                                           const CreateOptions& options = {}) const {
    longhaul_create_incidents_t args = {};
    args.struct_size = sizeof args;
    args.incidents = detail::textOf(json_array);
    args.last_run = detail::textOf(options.last_run);
    args.patch_context = detail::textOf(options.patch_context);
    args.idempotency_key = detail::textOf(options.idempotency_key);
    args.user_id = detail::textOf(options.user_id);
    return read<std::vector<CreatedIncident>>(fetch("createIncidents", LONGHAUL_SDK_SLOT(createIncidents), &args),
                                              detail::readCreated);
  }
  Outcome<std::vector<CreatedIncident>> tryCreateIncidents(const std::vector<Incident>& incidents,
                                                           const CreateOptions& options = {}) const {
    return tryCreateIncidents(toJson(incidents), options);
  }
  std::vector<CreatedIncident> createIncidents(std::string_view json_array, const CreateOptions& options = {}) const {
    return tryCreateIncidents(json_array, options).take();
  }
  std::vector<CreatedIncident> createIncidents(const std::vector<Incident>& incidents,
                                               const CreateOptions& options = {}) const {
    return tryCreateIncidents(incidents, options).take();
  }

  // Gives the entry's id, "17@42".
  Outcome<std::string> tryAddEntry(std::string_view incident_id, std::string_view entry,
                                   const EntryOptions& options = {}) const {
    longhaul_add_entry_t args = {};
    args.struct_size = sizeof args;
    args.incident_id = detail::textOf(incident_id);
    args.entry = detail::textOf(entry);
    args.content_type = detail::textOf(options.content_type);
    args.username = detail::textOf(options.username);
    args.email = detail::textOf(options.email);
    args.footer = detail::textOf(options.footer);
    args.idempotency_key = detail::textOf(options.idempotency_key);
    return fetch("addEntry", LONGHAUL_SDK_SLOT(addEntry), &args);
  }
  std::string addEntry(std::string_view incident_id, std::string_view entry, const EntryOptions& options = {}) const {
    return tryAddEntry(incident_id, entry, options).take();
  }

  // Incidents, entries, context and last run in one transaction.
  Outcome<CommitResult> tryCommit(const Commit& parts) const {
    longhaul_commit_t args = {};
    args.struct_size = sizeof args;
    args.create_incidents = detail::textOf(parts.create_incidents);
    args.add_entries = detail::textOf(parts.add_entries);
    args.patch_context = detail::textOf(parts.patch_context);
    args.last_run = detail::textOf(parts.last_run);
    args.idempotency_key = detail::textOf(parts.idempotency_key);
    return read<CommitResult>(fetch("commit", LONGHAUL_SDK_SLOT(commit), &args), detail::readCommit);
  }
  CommitResult commit(const Commit& parts) const { return tryCommit(parts).take(); }

  // --- People: since 0.2 of the table; on an older host the status is ABSENT
  // By user name (or chat id) or e-mail; nothing where nobody matches.
  Outcome<std::optional<User>> tryFindUser(std::string_view username, std::string_view email = {}) const {
    return read<std::optional<User>>(
        fetch("findUser", LONGHAUL_SDK_SLOT(findUser), detail::textOf(username), detail::textOf(email)),
        detail::readFoundUser);
  }
  std::optional<User> findUser(std::string_view username, std::string_view email = {}) const {
    return tryFindUser(username, email).take();
  }

  // Answers a question, once; `email` (or a user name) says who did, an empty one that the time was over. Gives the id
  // of the entry with the answer. ALREADY_ANSWERED has a sentence for the user.
  Outcome<std::string> tryHandleEntitlementForUser(const Entitlement& entitlement, std::string_view email,
                                                   std::string_view content) const {
    longhaul_handle_entitlement_t args = {};
    args.struct_size = sizeof args;
    args.incident_id = detail::textOf(entitlement.incident_id);
    args.guid = detail::textOf(entitlement.guid);
    args.email = detail::textOf(email);
    args.content = detail::textOf(content);
    args.task_id = detail::textOf(entitlement.task_id);
    return fetch("handleEntitlementForUser", LONGHAUL_SDK_SLOT(handleEntitlementForUser), &args);
  }
  std::string handleEntitlementForUser(const Entitlement& entitlement, std::string_view email,
                                       std::string_view content) const {
    return tryHandleEntitlementForUser(entitlement, email, content).take();
  }

  // mirror_type: "all", "chat" or "none", with ":both", ":FromDemisto" or ":ToDemisto". Gives the incident's people,
  // with user name and e-mail.
  Outcome<std::vector<User>> tryMirrorInvestigation(std::string_view incident_id, std::string_view mirror_type,
                                                    bool auto_close = false) const {
    longhaul_mirror_investigation_t args = {};
    args.struct_size = sizeof args;
    args.incident_id = detail::textOf(incident_id);
    args.mirror_type = detail::textOf(mirror_type);
    args.auto_close = auto_close ? 1 : 0;
    return read<std::vector<User>>(fetch("mirrorInvestigation", LONGHAUL_SDK_SLOT(mirrorInvestigation), &args),
                                   detail::readUsers);
  }
  std::vector<User> mirrorInvestigation(std::string_view incident_id, std::string_view mirror_type,
                                        bool auto_close = false) const {
    return tryMirrorInvestigation(incident_id, mirror_type, auto_close).take();
  }

  // What a chat user wrote to the bot; gives the answer for that user, in Markdown. NOT_FOUND has a sentence for
  // somebody whom the host does not know.
  Outcome<std::string> tryDirectMessage(std::string_view message, const MessageOptions& options) const {
    longhaul_direct_message_t args = {};
    args.struct_size = sizeof args;
    args.message = detail::textOf(message);
    args.username = detail::textOf(options.username);
    args.email = detail::textOf(options.email);
    args.anyone_can_open_incidents = options.anyone_can_open_incidents ? 1 : 0;
    args.idempotency_key = detail::textOf(options.idempotency_key);
    return fetch("directMessage", LONGHAUL_SDK_SLOT(directMessage), &args);
  }
  std::string directMessage(std::string_view message, const MessageOptions& options) const {
    return tryDirectMessage(message, options).take();
  }

  // --- Indicators: longhaul.indicators/1, whose header has the JSON forms; ABSENT where the host has no store of them
  Outcome<std::string> tryCreateIndicators(std::string_view json_array) const {
    const auto* table = indicators();
    return fetch("createIndicators",
                 LONGHAUL_HAS(table, longhaul_indicators_t, createIndicators) ? table->createIndicators : nullptr,
                 detail::textOf(json_array));
  }
  std::string createIndicators(std::string_view json_array) const { return tryCreateIndicators(json_array).take(); }
  Outcome<std::string> trySearchIndicators(std::string_view query) const {
    const auto* table = indicators();
    return fetch("searchIndicators",
                 LONGHAUL_HAS(table, longhaul_indicators_t, searchIndicators) ? table->searchIndicators : nullptr,
                 detail::textOf(query));
  }
  std::string searchIndicators(std::string_view query) const { return trySearchIndicators(query).take(); }

  // --- Health, as operators see it; an empty text clears it
  Outcome<> tryUpdateModuleHealth(std::string_view text, bool is_error = false) const {
    return done("updateModuleHealth",
                call(LONGHAUL_SDK_SLOT(updateModuleHealth), detail::textOf(text), std::int32_t{is_error}));
  }
  void updateModuleHealth(std::string_view text, bool is_error = false) const {
    tryUpdateModuleHealth(text, is_error).take();
  }
  Outcome<> tryUpdateModuleHealth(std::string_view text, HealthKind kind) const {
    return done("updateModuleHealth",
                call(LONGHAUL_SDK_SLOT(updateModuleHealth), detail::textOf(text), static_cast<std::int32_t>(kind)));
  }
  void updateModuleHealth(std::string_view text, HealthKind kind) const { tryUpdateModuleHealth(text, kind).take(); }
  void updateModuleHealth(const Pulled& pulled) const {
    updateModuleHealth("{\"eventsPulled\":" + std::to_string(pulled.events) +
                       ",\"assetsPulled\":" + std::to_string(pulled.assets) + "}");
  }

  // --- Integration context: reads from memory, writes durable
  std::string getIntegrationContext() const {
    return fetch("getIntegrationContext", LONGHAUL_SDK_SLOT(getIntegrationContext)).take();
  }
  VersionedContext getIntegrationContextVersioned() const {
    detail::TextSink sink;
    VersionedContext context;
    done("getIntegrationContextVersioned",
         call(LONGHAUL_SDK_SLOT(getIntegrationContextVersioned), sink.raw(), &context.version))
        .take();
    context.object = sink.take();
    return context;
  }
  Outcome<> trySetIntegrationContext(std::string_view object) const {
    return done("setIntegrationContext", call(LONGHAUL_SDK_SLOT(setIntegrationContext), detail::textOf(object)));
  }
  void setIntegrationContext(std::string_view object) const { trySetIntegrationContext(object).take(); }
  // Gives the new version; CONFLICT if `version` is not the current one. -1 replaces whatever is there.
  Outcome<std::int64_t> trySetIntegrationContextVersioned(std::string_view object, std::int64_t version) const {
    std::int64_t now = 0;
    const auto end = done("setIntegrationContextVersioned", call(LONGHAUL_SDK_SLOT(setIntegrationContextVersioned),
                                                                 detail::textOf(object), version, &now));
    return {end.status, end.call, end.error, now};
  }
  std::int64_t setIntegrationContextVersioned(std::string_view object, std::int64_t version) const {
    return trySetIntegrationContextVersioned(object, version).take();
  }
  // Sets the keys of the object; null removes. No update of another thread or an operator is lost.
  Outcome<> tryPatchIntegrationContext(std::string_view object) const {
    return done("patchIntegrationContext", call(LONGHAUL_SDK_SLOT(patchIntegrationContext), detail::textOf(object)));
  }
  void patchIntegrationContext(std::string_view object) const { tryPatchIntegrationContext(object).take(); }
  // Merges a JSON array of objects into the array under `key`, by the value of `id_field`.
  Outcome<> tryMergeIntegrationContext(std::string_view key, std::string_view list, std::string_view id_field) const {
    return done("mergeIntegrationContext", call(LONGHAUL_SDK_SLOT(mergeIntegrationContext), detail::textOf(key),
                                                detail::textOf(list), detail::textOf(id_field)));
  }
  void mergeIntegrationContext(std::string_view key, std::string_view list, std::string_view id_field) const {
    tryMergeIntegrationContext(key, list, id_field).take();
  }

  // --- Last run: the cursor of a fetch
  std::string getLastRun() const { return fetch("getLastRun", LONGHAUL_SDK_SLOT(getLastRun)).take(); }
  Outcome<> trySetLastRun(std::string_view object) const {
    return done("setLastRun", call(LONGHAUL_SDK_SLOT(setLastRun), detail::textOf(object)));
  }
  void setLastRun(std::string_view object) const { trySetLastRun(object).take(); }

  // The text of this thread's last failed call; empty when none failed.
  std::string lastError() const { return errorText(Status::kOk); }

  // --- Optional sides of the host: extension<longhaul_indicators_t>(LONGHAUL_INDICATORS_ID), null if unknown
  template <class Table>
  const Table* extension(std::string_view id) const noexcept {
    const auto slot = LONGHAUL_SDK_SLOT(getExtension);
    return slot == nullptr ? nullptr : static_cast<const Table*>(slot(table_, detail::textOf(id)));
  }

 private:
  const longhaul_indicators_t* indicators() const noexcept {
    return extension<longhaul_indicators_t>(LONGHAUL_INDICATORS_ID);
  }

  template <class Slot, class... Args>
  Status call(Slot slot, Args... args) const noexcept {
    return slot == nullptr ? Status::kAbsent : static_cast<Status>(slot(table_, args...));
  }

  std::string errorText(Status status) const {
    if (status == Status::kAbsent) return "this host does not offer the call";
    detail::TextSink sink;
    call(LONGHAUL_SDK_SLOT(lastError), sink.raw());
    return sink.take();
  }

  Outcome<> done(const char* name, Status status) const {
    return {status, name, isDone(status) ? std::string() : errorText(status), {}};
  }

  template <class Slot, class... Args>
  Outcome<std::string> fetch(const char* name, Slot slot, Args... args) const {
    detail::TextSink sink;
    const Status status = call(slot, args..., sink.raw());
    if (!isDone(status)) return {status, name, errorText(status), {}};
    return {status, name, {}, sink.take()};
  }

  // Makes a value of the host's JSON. An answer of another form is a fault of the host: INTERNAL.
  template <class T, class Reader>
  static Outcome<T> read(Outcome<std::string> answer, Reader reader) {
    Outcome<T> outcome{answer.status, answer.call, std::move(answer.error), {}};
    if (!answer.ok() || reader(answer.value, outcome.value)) return outcome;
    outcome.status = Status::kInternal;
    outcome.error = "the host's answer has another form than its version promises: " + answer.value.substr(0, 200);
    return outcome;
  }

  const longhaul_server_t* table_;
};

#undef LONGHAUL_SDK_SLOT

// Makes the call until the host could take it, waiting 10 ms, then twice as long each time, at most 1 s. Gives up when
// stop is asked for. `call` gives an Outcome:
//   auto made = longhaul::untilTaken(stopToken(), [&] { return server().tryCreateIncidents(batch); });
template <class Call>
auto untilTaken(const StopToken& stop, Call call) {
  auto wait = std::chrono::milliseconds(10);
  for (;;) {
    auto outcome = call();
    if (!outcome.mayRetry() || stop.waitFor(wait)) return outcome;
    if (wait < std::chrono::seconds(1)) wait *= 2;
  }
}

}  // namespace longhaul

#endif
