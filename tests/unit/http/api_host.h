// What stands behind the routes, for their tests: a real service, supervisor, catalog and log files, the fake store. No
// worker is started: the plugin is missing, so instances are held or off. Single-threaded.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "host/http/api.h"
#include "host/http/response.h"
#include "host/logs/log_files.h"
#include "host/process/worker_launcher.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::test {

using http::Peer;
using http::Response;

class NoLauncher final : public process::WorkerLauncher {
 public:
  Result<process::LaunchedWorker> launch(const process::LaunchPlan&) override {
    return Error{Code::Absent, "no workers here"};
  }
};

struct Host {
  Host() {
    std::filesystem::create_directory(config.instances_dir);
    bool ready = false;
    REQUIRE(catalog.start([&] { ready = true; }));
    REQUIRE(loop.runUntil([&] { return ready; }, kLimit));
    files->setOnWritten([this](const std::string& instance) { service.onLogWritten(instance); });
    supervisor.load({});
    supervisor.begin();
    service.setNotReady("");
  }

  static constexpr std::chrono::seconds kLimit{20};

  Response ask(const std::string& method, const std::string& target, const std::string& body = "",
               Peer peer = {0, Role::Admin}) {
    std::optional<Response> answer;
    api.handle({.method = method, .target = target, .body = body}, peer,
               [&](const Response& response) { answer = response; });
    INFO(method << " " << target);
    REQUIRE(loop.runUntil([&] { return answer.has_value(); }, kLimit));
    return *answer;
  }
  Json json(const std::string& method, const std::string& target, const std::string& body = "", int status = 200) {
    const Response response = ask(method, target, body);
    INFO(method << " " << target << ": " << response.body);
    CHECK(response.status == status);
    CHECK(response.content_type == (status < 400 ? "application/json" : "application/problem+json"));
    auto parsed = parseJson(response.body);
    REQUIRE(parsed);
    return *parsed;
  }
  void makeEdge() {
    json("POST", "/api/v1/apply", "{name: edge, plugin: syslog, enabled: false, parameters: {listen: '1'}}");
  }
  using PlanOutcome = admin::PlanOutcome;
  PlanOutcome applyFolder() {
    std::optional<PlanOutcome> outcome;
    service.applyFolder([&](const PlanOutcome& done) { outcome = done; });
    REQUIRE(loop.runUntil([&] { return outcome.has_value(); }, kLimit));
    return *outcome;
  }

  TempFolder folder;
  EventLoop loop;
  config::DaemonConfig config{.instances_dir = folder / "instances.d"};
  std::function<void(std::function<void()>)> post = [this](std::function<void()> work) { loop.post(std::move(work)); };
  // Jobs run at once, and are done in a later turn.
  admin::RunJob run_job = [this](const std::function<void()>& job, std::function<void()> done) {
    job();
    loop.post(std::move(done));
  };
  MemoryStore store;
  store::StoreExecutor executor{store, post};
  store::StoreQueries queries{store, post};
  catalog::Catalog catalog{
      {.folders = {folder / "plugins.d"}, .policy = {.store_folder = folder / "plugins"}}, loop.timers(), run_job, {}};
  NoLauncher launcher;
  std::unique_ptr<logs::LogFiles> files = std::move(logs::LogFiles::create(folder / "logs", {}, loop.timers())).value();
  supervisor::Supervisor supervisor{{loop, executor, queries, catalog, launcher, *files, run_job, {}},
                                    {.state_dir = folder.path()}};
  admin::AdminService service{
      {loop, supervisor, catalog, queries, executor, config, folder / "logs", run_job, "0.4.0"}};
  http::Api api{service};
};

}  // namespace longhaul::host::test
