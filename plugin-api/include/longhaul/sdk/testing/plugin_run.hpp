// Runs a plugin on a FakeServer as a worker does: migrate where it is due, create, longRunningExecution and destroy on
// one thread, stop() from another when the server is asked to stop.
//
//   longhaul::testing::PluginRun run(server, longhaulPluginEntry);
//   server.waitUntil([&] { return server.incidents().size() == 3; });
//   run.stop();
//   CHECK(run.finish().loop == longhaul::Status::kOk);
//
// The test's thread owns it. A plugin that does not end after stop ends the test program with a sentence: a thread
// cannot be taken back.
#ifndef LONGHAUL_SDK_TESTING_PLUGIN_RUN_HPP
#define LONGHAUL_SDK_TESTING_PLUGIN_RUN_HPP

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "longhaul/commands.h"
#include "longhaul/migrate.h"
#include "longhaul/plugin.h"
#include "longhaul/sdk/testing/fake_http.hpp"
#include "longhaul/sdk/testing/fake_server.hpp"

namespace longhaul::testing {

// How the run ended.
struct Ended {
  std::optional<Status> migrate;  // absent: nothing was to migrate; a failure: nothing was written, nor created
  Status create = Status::kInternal;
  std::optional<Status> loop;  // absent: create failed
  std::string error;           // the last log line of level error, or migrate's sentence: the text of class "error"
};

class PluginRun {
 public:
  using Entry = const longhaul_descriptor_t* (*)(std::uint32_t);

  // Starts at once. Throws std::invalid_argument if the entry gives no descriptor, or half of one.
  PluginRun(FakeServer& server, Entry entry, std::chrono::milliseconds stop_timeout = std::chrono::seconds(10))
      : server_(server), descriptor_(checked(entry(LONGHAUL_ABI_VERSION))), stop_timeout_(stop_timeout) {
    thread_ = std::thread([this] { run(); });
  }
  ~PluginRun() {
    stop();
    if (!waitForEnd(stop_timeout_)) {
      std::fprintf(stderr, "PluginRun: the plugin did not end within %lld ms after stop\n",
                   static_cast<long long>(stop_timeout_.count()));
      std::abort();
    }
    thread_.join();
  }
  PluginRun(const PluginRun&) = delete;
  PluginRun& operator=(const PluginRun&) = delete;

  // What the host calls beside the loop: test and commands of longhaul.commands/1, on the caller's thread, from any
  // thread. Waits until the plugin was created. ABSENT if it has no such table, CLOSED if it ended.
  struct CommandAnswer {
    Status status = Status::kInternal;
    std::string text;   // the result, or the failure's sentence
    bool said = false;  // the plugin put a result
  };
  CommandAnswer test() {
    return command([](const longhaul_commands_t& table, longhaul_plugin_t* plugin, longhaul_sink_t* result,
                      longhaul_sink_t* error) { return table.test(plugin, result, error); });
  }
  CommandAnswer execute(std::string_view name, std::string_view arguments = "{}", std::string_view context = "{}") {
    constexpr std::uint32_t kDeadlineMs = 180'000;  // what the host gives where nothing is said
    const longhaul_command_t asked = {sizeof(longhaul_command_t), kDeadlineMs, detail::textOf(name),
                                      detail::textOf(arguments), detail::textOf(context)};
    return command([&](const longhaul_commands_t& table, longhaul_plugin_t* plugin, longhaul_sink_t* result,
                       longhaul_sink_t* error) { return table.execute(plugin, &asked, result, error); });
  }

  // What the host gives to longhaul.http/1, likewise.
  HttpAnswer http(HttpCall call) {
    HttpAnswer answer;
    const void* found = extension(LONGHAUL_HTTP_ID);
    longhaul_plugin_t* plugin = found == nullptr ? nullptr : enter();
    if (plugin == nullptr) {
      answer.returned = found == nullptr ? Status::kAbsent : Status::kClosed;
      answer.error = found == nullptr ? "the plugin has no " LONGHAUL_HTTP_ID : "the plugin has ended";
      return answer;
    }
    answer = FakeExchange(std::move(call)).run(*static_cast<const longhaul_http_t*>(found), plugin);
    leave();
    if (!isDone(answer.returned)) {
      for (const LogLine& line : server_.logs())
        if (line.level == "error") answer.error = line.text;
    }
    return answer;
  }

  // Asks the plugin to stop, as the host does: the server says it, and stop() is called from another thread.
  void stop() { server_.requestStop(); }

  // Waits for the end. It asks for nothing: a plugin that runs for ever has to be stopped first. Throws
  // std::runtime_error when the time has passed.
  Ended finish(std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    if (!waitForEnd(timeout))
      throw std::runtime_error("the plugin did not end within " + std::to_string(timeout.count()) + " ms");
    const std::lock_guard lock(mutex_);
    return ended_;
  }

 private:
  static const longhaul_descriptor_t* checked(const longhaul_descriptor_t* descriptor) {
    if (descriptor == nullptr) throw std::invalid_argument("the entry gave no descriptor for this version");
    if (descriptor->struct_size < sizeof(longhaul_descriptor_t) || descriptor->create == nullptr ||
        descriptor->longRunningExecution == nullptr || descriptor->stop == nullptr || descriptor->destroy == nullptr)
      throw std::invalid_argument(
          "the descriptor lacks create, longRunningExecution, stop or destroy, or its struct_size is too small");
    return descriptor;
  }

  void run() {
    longhaul_plugin_t* plugin = nullptr;
    Ended ended;
    const bool migrated = migrate(ended);
    if (migrated) ended.create = static_cast<Status>(descriptor_->create(server_.table(), &plugin));
    if (migrated && isDone(ended.create)) {
      setPlugin(plugin);
      bool over = false;  // guarded by the server's lock, inside waitForStopOr
      std::thread control([&] {
        server_.waitForStopOr([&] { return isOver(over); });
        if (server_.stopRequested()) descriptor_->stop(plugin);
      });
      ended.loop = static_cast<Status>(descriptor_->longRunningExecution(plugin));
      setOver(over);
      control.join();
      endCommands();
      descriptor_->destroy(plugin);
    }
    for (const LogLine& line : server_.logs())
      if (line.level == "error") ended.error = line.text;
    const std::lock_guard lock(mutex_);
    ended_ = ended;
    has_ended_ = true;
    end_.notify_all();
  }
  const void* extension(std::string_view id) const {
    return descriptor_->getExtension == nullptr ? nullptr : descriptor_->getExtension(detail::textOf(id));
  }
  // False: it failed, and the plugin is not created.
  bool migrate(Ended& ended) {
    const auto [from, to] = server_.contextSchemas();
    const std::string before = server_.context();
    if (from == to || before == "{}") return true;
    const auto* table = static_cast<const longhaul_migrate_t*>(extension(LONGHAUL_MIGRATE_ID));
    if (!LONGHAUL_HAS(table, longhaul_migrate_t, migrate)) return true;  // the context is given as it is
    const longhaul_migration_t migration = {sizeof(longhaul_migration_t), 0, from, to, detail::textOf(before)};
    Put context, error;
    longhaul_sink_t context_sink{&Put::put, &context}, error_sink{&Put::put, &error};
    ended.migrate = static_cast<Status>(table->migrate(&migration, &context_sink, &error_sink));
    if (isDone(*ended.migrate)) {
      try {
        if (context.count != 1)
          throw std::invalid_argument("migrate put " + std::to_string(context.count) + " contexts");
        server_.setContext(context.text);
        return true;
      } catch (const std::invalid_argument& failure) {
        ended.migrate = Status::kInvalid;
        error.text = failure.what();
      }
    }
    ended.error = error.text;
    return false;
  }
  template <class Call>
  CommandAnswer command(Call call) {
    const void* found = extension(LONGHAUL_COMMANDS_ID);
    if (found == nullptr) return {Status::kAbsent, "the plugin has no " LONGHAUL_COMMANDS_ID, false};
    longhaul_plugin_t* plugin = enter();
    if (plugin == nullptr) return {Status::kClosed, "the plugin has ended", false};
    Put result, error;
    longhaul_sink_t result_sink{&Put::put, &result}, error_sink{&Put::put, &error};
    const auto status =
        static_cast<Status>(call(*static_cast<const longhaul_commands_t*>(found), plugin, &result_sink, &error_sink));
    leave();
    return {status, isDone(status) ? result.text : error.text, result.count == 1};
  }
  // The plugin once it is created, held until leave(); null: it has ended.
  longhaul_plugin_t* enter() {
    std::unique_lock lock(mutex_);
    end_.wait(lock, [&] { return plugin_ != nullptr || commands_ended_ || has_ended_; });
    if (plugin_ == nullptr || commands_ended_) return nullptr;
    ++commands_running_;
    return plugin_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    --commands_running_;
    end_.notify_all();
  }
  struct Put {
    std::string text;
    int count = 0;
    static void put(void* self, longhaul_text_t text) {
      auto* put = static_cast<Put*>(self);
      put->text = detail::viewOf(text);
      ++put->count;
    }
  };
  void setPlugin(longhaul_plugin_t* plugin) {
    const std::lock_guard lock(mutex_);
    plugin_ = plugin;
    end_.notify_all();
  }
  // As the worker does: destroy waits for the commands and requests that run.
  void endCommands() {
    std::unique_lock lock(mutex_);
    commands_ended_ = true;
    end_.wait(lock, [&] { return commands_running_ == 0; });
  }
  bool isOver(const bool& over) const {
    const std::lock_guard lock(mutex_);
    return over;
  }
  void setOver(bool& over) {
    {
      const std::lock_guard lock(mutex_);
      over = true;
    }
    server_.poke();
  }
  bool waitForEnd(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return end_.wait_for(lock, timeout, [&] { return has_ended_; });
  }

  FakeServer& server_;
  const longhaul_descriptor_t* descriptor_;
  std::chrono::milliseconds stop_timeout_;
  mutable std::mutex mutex_;
  std::condition_variable end_;
  bool has_ended_ = false;
  longhaul_plugin_t* plugin_ = nullptr;
  bool commands_ended_ = false;
  int commands_running_ = 0;
  Ended ended_;
  std::thread thread_;
};

}  // namespace longhaul::testing

#endif
