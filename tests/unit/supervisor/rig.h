// A supervisor with everything real behind it but processes and disk, and one instance "c" of tests/plugins/commander
// or of another one. Test thread, which runs the loop; passed() moves its time on.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/logs/log_files.h"
#include "host/supervisor/supervisor.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/supervisor/stand_in.h"

namespace longhaul::host::test {

class SupervisorRig {
 public:
  // A command or test that was asked for, and its answer.
  struct Asked {
    std::optional<Result<services::CommandResult>> answer;
    bool failed() const { return answer && !*answer; }
    std::string text() const { return !answer ? "" : *answer ? (*answer)->text : answer->error().message; }
    // Of what failed alone.
    std::optional<Code> code() const { return failed() ? std::optional{answer->error().code} : std::nullopt; }
  };

  // `tune` changes the host's settings before it begins.
  explicit SupervisorRig(const std::string& file = "test_commander", std::string plugin_id = "test-commander",
                         const std::function<void(supervisor::Settings&)>& tune = {})
      : plugin(std::move(plugin_id)), settings_(tuned(tune)) {
    for (const auto* name : {"plugins.d", "plugins"}) {
      std::filesystem::create_directory(folder / name);
      std::filesystem::permissions(folder / name, std::filesystem::perms{0755});
    }
    drop(file);
    bool ready = false;
    REQUIRE(catalog.start([&] { ready = true; }));
    // Its times are old but for the one that nobody can set: it has to be quiet for a moment all the same.
    until([&] { return ready && catalog.active(plugin) != nullptr; });
    supervisor.load({});
    supervisor.begin();
  }

  // As the newest release: its times say that it has lain there for long.
  void drop(const std::string& file, const std::string& name = "commander") {
    namespace fs = std::filesystem;
    const fs::path copy = folder / "copy.so";
    fs::copy_file(fs::path{LONGHAUL_TEST_PLUGINS} / (file + ".so"), copy, fs::copy_options::overwrite_existing);
    fs::permissions(copy, fs::perms{0644});
    fs::last_write_time(copy, fs::file_time_type::clock::now() - std::chrono::hours{1});
    fs::rename(copy, folder / "plugins.d" / (name + ".so"));
  }

  // The plugin of test_commander with other bytes: what stands behind the parts of an ELF file is read by nobody.
  void dropOther(const std::string& mark) {
    namespace fs = std::filesystem;
    const fs::path copy = folder / "copy.so";
    fs::copy_file(fs::path{LONGHAUL_TEST_PLUGINS} / "test_commander.so", copy, fs::copy_options::overwrite_existing);
    fs::permissions(copy, fs::perms{0644});
    std::ofstream(copy, std::ios::app | std::ios::binary) << mark;
    fs::last_write_time(copy, fs::file_time_type::clock::now() - std::chrono::hours{1});
    fs::rename(copy, folder / "plugins.d" / "commander.so");
    const Digest before = catalog.active(plugin)->digest;
    rescan();
    until([&] { return catalog.active(plugin)->digest != before; });
  }

  // Lets the loop run until the test's wish is true; what is due at the loop's own time is done first.
  void until(const std::function<bool()>& done) {
    REQUIRE(loop.runUntil(
        [&] {
          loop.timers().advanceTo(loop.timers().now());
          return done();
        },
        std::chrono::seconds{30}));
  }
  // As the watcher does by itself in its time.
  void rescan() {
    bool scanned = false;
    catalog.rescan([&] { scanned = true; });
    until([&] { return scanned; });
  }
  void passed(Duration time) { loop.timers().advanceTo(loop.timers().now() + time); }

  void put(const std::string& config = R"({"longRunning": true, "parameters": {}})", bool enabled = false,
           const std::string& calls = R"(["mergeIntegrationContext", "patchIntegrationContext"])") {
    act([&](const supervisor::Supervisor::Done& done) {
      supervisor.put({.name = "c",
                      .plugin = plugin,
                      .config = config,
                      .grants = "{\"serverApi\": " + calls + "}",
                      .owner = store::Owner::Api,
                      .source = "",
                      .first_enabled = enabled,
                      .at_us = 1},
                     done);
    });
  }
  void act(const std::function<void(supervisor::Supervisor::Done)>& what) {
    std::optional<Result<void>> done;
    what([&](Result<void> result) { done = std::move(result); });
    until([&] { return done.has_value(); });
    INFO((*done ? std::string{} : done->error().message));
    REQUIRE(*done);
  }
  InstanceId id() const { return *supervisor.idOf("c"); }
  supervisor::InstanceView view() const { return *supervisor.find("c"); }

  Asked& ask(services::CommandAsked asked) {
    asked.instance = "c";
    Asked& kept = *asked_.emplace_back(std::make_unique<Asked>());
    supervisor.run(std::move(asked), [&kept](Result<services::CommandResult> result) {
      CHECK_FALSE(kept.answer);
      kept.answer = std::move(result);
    });
    return kept;
  }
  Asked& echo(const std::string& text) { return ask({.command = "echo", .arguments = {{"text", text}}}); }
  void answered(const Asked& asked) {
    until([&] { return asked.answer.has_value(); });
  }

  // The worker with this number, from 0, as soon as it is launched.
  StandIn& worker(std::size_t number) {
    until([&] { return launcher.workers.size() > number; });
    return *launcher.workers[number];
  }
  // Takes it up to READY.
  StandIn& readyWorker(std::size_t number) {
    StandIn& each = worker(number);
    each.loaded();
    until([&] { return each.was(protocol::Kind::Start); });
    each.ready();
    return each;
  }
  void untilCommands(const StandIn& worker, std::size_t count) {
    until([&] { return worker.commands().size() >= count; });
  }
  void untilNoWorker() {
    until([&] { return !view().one_shot && !view().current && !view().incoming; });
  }

  const std::string plugin;  // its id
  TempFolder folder;

 private:
  supervisor::Settings tuned(const std::function<void(supervisor::Settings&)>& tune) const {
    supervisor::Settings settings{.state_dir = folder.path(),
                                  .worker_binary = {},
                                  .state_tag = "unit-supervisor",
                                  .version = "0",
                                  .host_id = "h"};
    if (tune) tune(settings);
    return settings;
  }
  supervisor::Settings settings_;  // until the supervisor has them

 public:
  EventLoop loop;
  std::function<void(std::function<void()>)> post = [this](std::function<void()> work) { loop.post(std::move(work)); };
  // Jobs run at once, and are done in a later turn.
  catalog::Catalog::RunJob run_job = [this](const std::function<void()>& job, std::function<void()> done) {
    job();
    loop.post(std::move(done));
  };
  MemoryStore memory;
  store::StoreExecutor executor{memory, post};
  store::StoreQueries queries{memory, post};
  catalog::Catalog catalog{
      {.folders = {folder / "plugins.d"}, .policy = {.store_folder = folder / "plugins"}},
      loop.timers(),
      run_job,
      {.on_active = [this](const catalog::PluginFile& file) { supervisor.onPluginChanged(file); }}};
  FakeLauncher launcher{loop};
  std::unique_ptr<logs::LogFiles> files = std::move(logs::LogFiles::create(folder / "logs", {}, loop.timers())).value();
  std::vector<std::string> log;  // what the host said of "c"
  supervisor::Supervisor supervisor{
      {.loop = loop,
       .store = executor,
       .queries = queries,
       .catalog = catalog,
       .launcher = launcher,
       .logs = *files,
       .run_job = run_job,
       .report = [this](logs::LogLevel, const std::string&, std::string_view text) { log.emplace_back(text); }},
      std::move(settings_)};

 private:
  std::vector<std::unique_ptr<Asked>> asked_;
};

}  // namespace longhaul::host::test
