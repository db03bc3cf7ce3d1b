// A server for the tests of a plugin: no daemon, no process, no file. It gives the table that the host would give,
// keeps everything in memory with the host's rules, records every call, and can make each one fail.
//
//   longhaul::testing::FakeServer server;
//   server.setParameter("intervalSeconds", "5");
//   server.failNth("createIncidents", 2, longhaul::Status::kBusy);
//
// Thread-safe; it must outlive what uses its table. Linux and the standard library are all it needs.
#ifndef LONGHAUL_SDK_TESTING_FAKE_SERVER_HPP
#define LONGHAUL_SDK_TESTING_FAKE_SERVER_HPP

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "longhaul/sdk/server.hpp"
#include "longhaul/sdk/testing/fake_people.hpp"
#include "longhaul/sdk/testing/fake_store.hpp"
#include "longhaul/sdk/testing/sockets.hpp"
#include "longhaul/server.h"
#include "longhaul/version.h"

namespace longhaul::testing {

struct RecordedCall {
  std::string name;  // as in the table: "createIncidents"
  std::string text;  // its first text: the incidents, the entry, the context, the log line, the parameter's name…
  Status status = Status::kOk;
  std::thread::id thread;
};

struct LogLine {
  std::string level;  // "debug", "info", "error"
  std::string text;
};

struct Health {
  std::string text;
  bool is_error = false;  // of either kind
  bool is_warning = false;
  bool is_passing = false;  // the next counters clear the error
  Pulled pulled;
};

// Whether a call that is made to fail does its work first. kDone is an answer that got lost: TIMEOUT or CLOSED with the
// incidents in the store, the case that idempotency keys are for.
enum class Effect { kNone, kDone };

class FakeServer {
 public:
  FakeServer() : stop_fd_(::eventfd(0, EFD_CLOEXEC)) { fillTable(); }
  ~FakeServer() {
    if (stop_fd_ >= 0) ::close(stop_fd_);
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  const longhaul_server_t* table() const noexcept { return &slots_.table; }
  Server server() const noexcept { return Server(table()); }
  // The table itself, to take a slot away (null) or to shorten struct_size: a host of another version.
  longhaul_server_t& rawTable() noexcept { return slots_.table; }

  // --- What the plugin finds
  // The defaults of a manifest for every parameter that is not set.
  void useManifest(std::string_view manifest) {
    std::string error;
    std::vector<detail::JsonMember> members, fields;
    std::vector<std::string_view> parameters;
    if (!splitStrict(manifest, members, "the manifest", error)) throw std::invalid_argument(error);
    for (const auto& member : members) {
      if (member.key != "parameters") continue;
      if (!splitStrict(member.value, parameters, "parameters", error)) throw std::invalid_argument(error);
    }
    const std::lock_guard lock(mutex_);
    for (const auto parameter : parameters) {
      if (!splitStrict(parameter, fields, "a parameter", error)) throw std::invalid_argument(error);
      std::string name;
      std::string_view otherwise;
      for (const auto& field : fields) {
        if (field.key == "name") detail::decodeJsonString(field.value, name);
        if (field.key == "default") otherwise = field.value;
      }
      if (!name.empty() && otherwise.data() != nullptr) parameters_.emplace(name, otherwise);
    }
  }
  // A parameter as JSON: "5", "true", "\"text\"", "[1, 2]".
  void setParameter(std::string_view name, std::string_view json) {
    if (!detail::checkJson(json))
      throw std::invalid_argument("the value of " + std::string(name) + " is not JSON: " + std::string(json) +
                                  "; setParameterText takes a text as it is");
    const std::lock_guard lock(mutex_);
    parameters_[std::string(name)] = json;
  }
  void setParameterText(std::string_view name, std::string_view text) { setParameter(name, quoteJson(text)); }
  void setInstance(std::string name) {
    const std::lock_guard lock(mutex_);
    instance_ = std::move(name);
  }
  // The context and last run of the workers before this one.
  void setContext(std::string_view object) {
    must(change([&](FakeStore& s) { return s.setContext(object, -1); }));
  }
  // The context was written under `from`, and the plugin's manifest has the stateSchema `to`: where they differ and the
  // context holds something, PluginRun has the plugin migrate it before it is created.
  void setContextSchemas(std::int64_t from, std::int64_t to) {
    const std::lock_guard lock(mutex_);
    schemas_ = {from, to};
  }
  void setLastRun(std::string_view object) {
    must(change([&](FakeStore& s) { return s.setLastRun(object); }));
  }
  // An incident that is there already; gives its id.
  std::string addIncident(std::string name) {
    const std::lock_guard lock(mutex_);
    return store_.addIncident({{}, name, {}, "0", "{\"name\":" + quoteJson(name) + "}"});
  }
  // Somebody whom the host knows; an id is given if there is none. chat_ids: further names that stand for that user.
  void addUser(User user, const std::vector<std::string>& chat_ids = {}) {
    const std::lock_guard lock(mutex_);
    if (user.id.empty()) user.id = std::to_string(people_.users.size() + 1);
    if (user.roles.empty()) user.roles = {"operate"};
    for (const std::string& id : chat_ids)
      people_.chat_ids.emplace(user.username, id);
    people_.users.push_back(std::move(user));
  }
  // An open question; gives its entitlement, "guid@incident|task".
  std::string addQuestion(std::string incident_id, std::string guid, std::string task_id = {}) {
    const std::lock_guard lock(mutex_);
    people_.questions.push_back({std::move(incident_id), std::move(guid), std::move(task_id), false, {}, {}, {}});
    return people_.questions.back().entitlement();
  }
  // What directMessage answers to users it knows. Without one "new incident …" opens an incident and anything else is
  // answered with the message itself.
  void onDirectMessage(DirectMessageAnswer answer) {
    const std::lock_guard lock(mutex_);
    people_.direct_message = std::move(answer);
  }
  // A listener of the manifest: a bound socket as the host would hold it, on loopback. Give the port, or take a path.
  std::uint16_t listenUdp(std::string_view name) { return addSocket(name, Socket::udp()); }
  std::uint16_t listenTcp(std::string_view name) { return addSocket(name, Socket::tcp()); }
  void listenUnix(std::string_view name, const std::string& path) { addSocket(name, Socket::unixStream(path)); }

  // --- Failures. They throw std::invalid_argument for a call that the table does not have.
  // Every call from now on.
  void failAlways(std::string_view call, Status status, std::string text = {}) {
    addFailure({std::string(call), 0, status, std::move(text), Effect::kNone});
  }
  // The n-th call from now on, counted from 1.
  void failNth(std::string_view call, std::size_t n, Status status, Effect effect = Effect::kNone,
               std::string text = {}) {
    if (n == 0) throw std::invalid_argument("the first call is number 1");
    addFailure({std::string(call), n, status, std::move(text), effect});
  }
  void clearFailures() {
    const std::lock_guard lock(mutex_);
    failures_.clear();
  }

  // --- Stop
  void requestStop() {
    const std::lock_guard lock(mutex_);
    stopLocked();
  }
  bool stopRequested() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }
  // Time without waiting: the next n calls of waitForStop with a timeout return TIMEOUT at once, then stop is asked
  // for. So a loop with an interval runs n times in no time.
  void stopAfterWaits(std::size_t n) {
    const std::lock_guard lock(mutex_);
    waits_left_ = n;
  }

  // --- What came of it: copies
  std::vector<RecordedCall> calls() const { return copy(calls_); }
  std::size_t callCount(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    checkName(name);
    return static_cast<std::size_t>(
        std::count_if(calls_.begin(), calls_.end(), [&](const RecordedCall& call) { return call.name == name; }));
  }
  std::vector<StoredIncident> incidents() const { return copy(store_.incidents); }
  std::vector<StoredEntry> entries() const { return copy(store_.entries); }
  std::vector<Question> questions() const { return copy(people_.questions); }
  std::vector<Mirror> mirrors() const { return copy(people_.mirrors); }
  std::vector<StoredIndicator> indicators() const { return copy(people_.indicators); }
  std::vector<LogLine> logs() const { return copy(logs_); }
  std::optional<Health> health() const { return copy(health_); }
  std::string lastRun() const { return copy(store_.last_run); }
  std::pair<std::int64_t, std::int64_t> contextSchemas() const { return copy(schemas_); }
  std::int64_t contextVersion() const { return copy(store_.context_version); }
  std::string context() const {
    const std::lock_guard lock(mutex_);
    return store_.contextObject();
  }
  // The JSON text of one key.
  std::optional<std::string> contextValue(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto at = store_.context.find(key);
    return at == store_.context.end() ? std::nullopt : std::optional(at->second);
  }
  std::size_t progressCount() const { return callCount("progress"); }
  bool isReady() const { return copy(ready_); }
  std::chrono::milliseconds extendedTimeout() const { return copy(extended_); }

  // Waits until the predicate holds, asking it again after each call of the plugin; false when the time has passed.
  template <class Predicate>
  bool waitUntil(Predicate holds, std::chrono::milliseconds timeout = std::chrono::seconds(10)) const {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::unique_lock lock(mutex_);
    for (;;) {
      const std::uint64_t seen = changes_;
      lock.unlock();
      if (holds()) return true;
      lock.lock();
      if (!changed_.wait_until(lock, deadline, [&] { return changes_ != seen; })) return false;
    }
  }
  // Waits until stop is asked for or `over` holds; PluginRun's control thread sits here.
  template <class Predicate>
  void waitForStopOr(Predicate over) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || over(); });
  }
  // Makes waitUntil and waitForStopOr look again.
  void poke() const {
    const std::lock_guard lock(mutex_);
    pokeLocked();
  }

 private:
  struct Failure {
    std::string call;
    std::size_t countdown = 0;  // 0: always
    Status status = Status::kInternal;
    std::string text;
    Effect effect = Effect::kNone;
  };
  // The table first: a slot gets its server back from the pointer.
  struct Slots {
    longhaul_server_t table;
    FakeServer* server;
  };

  static FakeServer& of(const longhaul_server_t* table) noexcept {
    return *reinterpret_cast<const Slots*>(table)->server;
  }

  template <class T>
  T copy(const T& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }
  template <class Change>
  Answer change(Change apply) {
    const std::lock_guard lock(mutex_);
    return apply(store_);
  }
  static void must(const Answer& answer) {
    if (!isDone(answer.status)) throw std::invalid_argument(answer.text);
  }
  void stopLocked() {
    if (!stopping_) ::eventfd_write(stop_fd_, 1);
    stopping_ = true;
    pokeLocked();
  }
  void pokeLocked() const {
    ++changes_;
    changed_.notify_all();
  }
  std::uint16_t addSocket(std::string_view name, Socket socket) {
    const std::lock_guard lock(mutex_);
    const std::uint16_t port = socket.port();
    sockets_.insert_or_assign(std::string(name), std::move(socket));
    return port;
  }
  void addFailure(Failure failure) {
    const std::lock_guard lock(mutex_);
    checkName(failure.call);
    if (isDone(failure.status)) throw std::invalid_argument("a failure wants a status below OK");
    failures_.push_back(std::move(failure));
  }
  static void checkName(std::string_view name) {
    static constexpr std::string_view kNames[] = {"lastError",
                                                  "debug",
                                                  "info",
                                                  "error",
                                                  "progress",
                                                  "waitForStop",
                                                  "stopDescriptor",
                                                  "ready",
                                                  "extendTimeout",
                                                  "params",
                                                  "parameter",
                                                  "integrationInstance",
                                                  "demistoVersion",
                                                  "demistoUrls",
                                                  "getLicenseID",
                                                  "listener",
                                                  "createIncidents",
                                                  "addEntry",
                                                  "updateModuleHealth",
                                                  "getIntegrationContext",
                                                  "getIntegrationContextVersioned",
                                                  "setIntegrationContext",
                                                  "setIntegrationContextVersioned",
                                                  "patchIntegrationContext",
                                                  "mergeIntegrationContext",
                                                  "getLastRun",
                                                  "setLastRun",
                                                  "commit",
                                                  "getExtension",
                                                  "findUser",
                                                  "handleEntitlementForUser",
                                                  "mirrorInvestigation",
                                                  "directMessage",
                                                  "createIndicators",
                                                  "searchIndicators"};
    if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames))
      throw std::invalid_argument("the server's table has no call \"" + std::string(name) + "\"");
  }

  // The failure that this call runs into, if any; counts down the others of its name.
  std::optional<Failure> failureOf(std::string_view call) {
    std::optional<Failure> hit;
    for (auto at = failures_.begin(); at != failures_.end();) {
      const bool counted = at->call == call && at->countdown > 0;
      const bool due = at->call == call && (at->countdown == 0 || --at->countdown == 0);
      if (due && !hit) hit = *at;
      at = due && counted ? failures_.erase(at) : at + 1;
    }
    return hit;
  }

  // One call: failure, work, record, answer. `work` runs under the lock and gives an Answer.
  template <class Work>
  longhaul_status_t perform(const char* call, std::string_view text, longhaul_sink_t* sink, Work work,
                            std::int64_t* out_version = nullptr) noexcept {
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      const std::optional<Failure> failure = failureOf(call);
      if (!failure || failure->effect == Effect::kDone) answer = work();
      if (failure) answer = {failure->status, failure->text.empty() ? "made to fail by the test" : failure->text, 0};
      if (!isDone(answer.status))
        errors_[std::this_thread::get_id()] = answer.text.substr(0, LONGHAUL_ERROR_TEXT_BYTES_MAX);
      record(call, text, answer.status);
    }
    if (isDone(answer.status)) {
      if (sink != nullptr) sink->put(sink->self, detail::textOf(answer.text));
      if (out_version != nullptr) *out_version = answer.version;
    }
    return static_cast<longhaul_status_t>(answer.status);
  }
  void record(const char* call, std::string_view text, Status status) {
    calls_.push_back({call, std::string(text), status, std::this_thread::get_id()});
    pokeLocked();
  }

  void fillTable();
  friend struct FakeSlots;

  Slots slots_{};
  int stop_fd_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::uint64_t changes_ = 0;
  // All below: mutex_.
  FakeStore store_;
  FakePeople people_;
  std::map<std::string, std::string> parameters_;  // name → JSON
  std::string instance_ = "fake";
  std::pair<std::int64_t, std::int64_t> schemas_{0, 0};  // the context's, the plugin's
  std::map<std::string, Socket, std::less<>> sockets_;
  std::vector<Failure> failures_;
  std::map<std::thread::id, std::string> errors_;
  std::vector<RecordedCall> calls_;
  std::vector<LogLine> logs_;
  std::optional<Health> health_;
  std::optional<std::size_t> waits_left_;
  std::chrono::milliseconds extended_{0};
  bool ready_ = false;
  bool stopping_ = false;
};

}  // namespace longhaul::testing

#include "longhaul/sdk/testing/fake_slots.hpp"

#endif
