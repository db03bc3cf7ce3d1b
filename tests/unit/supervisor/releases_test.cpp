// A plugin's releases through the real supervisor, catalog and store, with workers that the test plays and time that it
// moves.
#include "tests/unit/supervisor/rig.h"

using namespace longhaul::host;
using namespace longhaul::host::test;
using protocol::Kind;
using Stage = lifecycle::Rollout::Stage;

namespace {

constexpr const char* kPlugin = "test-commander";

// Two instances that run the first release: "c" is worker 0, "d" worker 1.
struct Rig : SupervisorRig {
  Rig() {
    put(kConfig, true);
    readyWorker(0);
    act([&](const supervisor::Supervisor::Done& done) {
      supervisor.put({.name = "d",
                      .plugin = kPlugin,
                      .config = kConfig,
                      .grants = R"({"serverApi": ["mergeIntegrationContext", "patchIntegrationContext"]})",
                      .first_enabled = true,
                      .at_us = 1},
                     done);
    });
    readyWorker(1);
    until([&] { return supervisor.releases(kPlugin)->releases[0].release.ready_us != 0; });
  }

  Digest active() const { return catalog.active(kPlugin)->digest; }
  Digest runs(const std::string& name) {
    const auto view = supervisor.find(name);
    return view->current ? view->current->digest : Digest{};
  }
  // Takes the place of the worker `old`, up to READY.
  StandIn& swap(std::size_t old, std::size_t fresh) {
    StandIn& next = worker(fresh);
    next.loaded();
    StandIn& before = *launcher.workers[old];
    until([&] { return before.was(Kind::Stop); });
    before.leave();
    until([&] { return next.was(Kind::Start); });
    next.ready();
    return next;
  }
  const supervisor::ReleasesView releases() { return *supervisor.releases(kPlugin); }
  std::size_t launched() const { return launcher.workers.size(); }

  static constexpr const char* kConfig = R"({"longRunning": true, "parameters": {}})";
};

}  // namespace

TEST_CASE("a new release goes to one instance, after ten quiet seconds to the others, and is kept as such") {
  Rig rig;
  const Digest old = rig.active();
  rig.dropOther("new");
  CHECK(rig.releases().canary == "c");
  rig.swap(0, 2);
  rig.until([&] { return rig.view().state == "running" && rig.runs("c") == rig.active(); });
  CHECK(rig.runs("d") == old);
  CHECK(rig.releases().releases[0].instances == std::vector<std::string>{"c"});
  CHECK(rig.releases().releases[1].instances == std::vector<std::string>{"d"});
  CHECK_THAT(rig.supervisor.find("d")->warnings.at(0), Catch::Contains("is tried in another instance first"));
  rig.passed(std::chrono::seconds{9});
  rig.until([] { return true; });
  CHECK(rig.launched() == 3);
  rig.passed(std::chrono::seconds{1});
  rig.swap(1, 3);
  rig.until([&] { return rig.runs("d") == rig.active(); });
  CHECK(rig.releases().stage == Stage::Rolling);
  CHECK(rig.supervisor.find("d")->warnings.empty());
  rig.passed(std::chrono::minutes{10});
  rig.until([&] { return rig.releases().stage == Stage::Stable; });
  CHECK(rig.releases().stable == rig.active());
  rig.until([&] {
    const auto kept = rig.memory.rollouts();
    const auto json = kept->size() == 1 ? parseJson(kept->at(0).record) : Result<Json>{Error{}};
    return json && json->at("stable") == rig.active();
  });
}

TEST_CASE("a canary that fails three times in a minute goes back by itself, and its sibling never left") {
  Rig rig;
  const Digest old = rig.active();
  rig.dropOther("bad");
  StandIn* worker = &rig.swap(0, 2);
  for (std::size_t end = 0; end < 3; ++end) {
    rig.until([&] { return rig.view().state == "running" && rig.runs("c") == rig.active(); });
    worker->crash();
    const std::size_t next = rig.launched();
    rig.until([&] { return !rig.view().current; });
    if (end == 1) rig.passed(std::chrono::seconds{2});  // the first restart is at once
    if (end < 2) worker = &rig.readyWorker(next);
  }
  rig.until([&] { return rig.releases().releases[0].release.bad_us != 0; });
  rig.until([&] { return rig.launched() == 6; });
  StandIn& back = rig.readyWorker(5);
  CHECK(back.plan.plugin_path == rig.catalog.find(old)->path);
  rig.until([&] { return rig.view().state == "running"; });
  CHECK(rig.runs("c") == old);
  CHECK(rig.runs("d") == old);
  CHECK_FALSE(rig.launcher.workers[1]->was(Kind::Stop));
  CHECK_THAT(rig.view().warnings.at(0), Catch::Contains("is bad: 3 failures in 1 min"));
  // What a failing start would go back to is the good one again.
  const auto records = rig.memory.instances();
  REQUIRE(records);
  for (const auto& record : *records)
    CHECK(record.last_good->digest == old);
}

TEST_CASE("a canary that is loaded and not ready goes back at once") {
  Rig rig;
  const Digest old = rig.active();
  rig.dropOther("bad");
  StandIn& next = rig.worker(2);
  next.loaded();
  rig.until([&] { return rig.launcher.workers[0]->was(Kind::Stop); });
  rig.launcher.workers[0]->leave();
  rig.until([&] { return next.was(Kind::Start); });
  next.crash();
  StandIn& back = rig.readyWorker(3);
  CHECK(back.plan.plugin_path == rig.catalog.find(old)->path);
  rig.until([&] { return rig.view().state == "running"; });
  CHECK(rig.releases().releases[0].release.bad_us != 0);
  CHECK(rig.releases().stage == Stage::Stable);
  // The same bytes again are no news, others are.
  rig.dropOther("good");
  CHECK(rig.releases().candidate == rig.active());
}

TEST_CASE("what cannot be launched says nothing of a release, and is tried again") {
  Rig rig;
  rig.launcher.refusal = "fork: Resource temporarily unavailable";
  rig.dropOther("new");
  rig.until([&] { return !rig.view().refused.empty(); });
  CHECK(rig.releases().stage == Stage::Canary);
  rig.launcher.refusal.clear();
  rig.passed(std::chrono::minutes{1});
  rig.swap(0, 2);
  rig.until([&] { return rig.runs("c") == rig.active(); });
}

TEST_CASE("a plugin is removed when its file is, and its workers have ended") {
  Rig rig;
  std::optional<Result<void>> done;
  rig.supervisor.removePlugin(kPlugin, [&](Result<void> result) { done = std::move(result); });
  REQUIRE(done);
  CHECK((*done).error().code == Code::Conflict);
  done.reset();
  std::filesystem::remove(rig.folder / "plugins.d" / "commander.so");
  rig.rescan();
  const auto staged = rig.catalog.latest(kPlugin)->path;
  rig.supervisor.removePlugin(kPlugin, [&](Result<void> result) { done = std::move(result); });
  rig.until([&] { return rig.launcher.workers[0]->was(Kind::Stop) && rig.launcher.workers[1]->was(Kind::Stop); });
  CHECK_FALSE(done);
  rig.launcher.workers[0]->leave();
  rig.until([&] { return !rig.view().current; });
  CHECK_FALSE(done);
  CHECK(std::filesystem::exists(staged));
  rig.launcher.workers[1]->leave();
  rig.until([&] { return done.has_value(); });
  CHECK(*done);
  CHECK_FALSE(std::filesystem::exists(staged));
  CHECK_FALSE(rig.supervisor.releases(kPlugin));
  CHECK(rig.memory.rollouts()->empty());
}

TEST_CASE("what fails with another configuration than the one that was ready says nothing of a release") {
  Rig rig;
  rig.dropOther("new");
  rig.swap(0, 2);
  rig.until([&] { return rig.view().state == "running" && rig.runs("c") == rig.active(); });
  // "d" gets a configuration that its worker does not take, and then the release.
  rig.act([&](const supervisor::Supervisor::Done& done) {
    rig.supervisor.put({.name = "d",
                        .plugin = kPlugin,
                        .config = R"({"longRunning": true, "parameters": {}, "restart": {"policy": "always"}})",
                        .grants = R"({"serverApi": ["mergeIntegrationContext", "patchIntegrationContext"]})",
                        .at_us = 2},
                       done);
  });
  StandIn& other = rig.worker(3);
  other.loaded();
  rig.until([&] { return rig.launcher.workers[1]->was(Kind::Stop); });
  rig.launcher.workers[1]->leave();
  rig.until([&] { return other.was(Kind::Start); });
  other.crash();
  rig.readyWorker(4);
  rig.passed(std::chrono::seconds{10});
  rig.until([&] { return rig.releases().stage == Stage::Rolling; });
  CHECK(rig.releases().releases[0].release.bad_us == 0);
}

TEST_CASE("a plugin that comes back while it is removed stays, and one that was removed comes back as news") {
  Rig rig;
  std::filesystem::remove(rig.folder / "plugins.d" / "commander.so");
  rig.rescan();
  std::optional<Result<void>> done;
  rig.supervisor.removePlugin(kPlugin, [&](Result<void> result) { done = std::move(result); });
  rig.until([&] { return rig.launcher.workers[0]->was(Kind::Stop) && rig.launcher.workers[1]->was(Kind::Stop); });
  SECTION("meanwhile") {
    rig.drop("test_commander");
    rig.rescan();
    rig.until([&] { return rig.catalog.active(kPlugin) != nullptr; });
    rig.launcher.workers[0]->leave();
    rig.launcher.workers[1]->leave();
    rig.until([&] { return done.has_value(); });
    CHECK(done->error().code == Code::Conflict);
    CHECK(rig.supervisor.releases(kPlugin));
  }
  SECTION("afterwards") {
    rig.launcher.workers[0]->leave();
    rig.launcher.workers[1]->leave();
    rig.until([&] { return done.has_value(); });
    REQUIRE(*done);
    rig.drop("test_commander");
    rig.rescan();
    rig.until([&] { return rig.supervisor.releases(kPlugin).has_value(); });
  }
}
