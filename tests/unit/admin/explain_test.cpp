// Each reason of the closed lists made true, and what `explain` says then: a row without a case here fails.
#include "host/admin/explain.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <vector>

#include "host/admin/instance_json.h"
#include "host/base/json.h"
#include "host/base/limits.h"
#include "tests/unit/supervisor/rig.h"

using namespace longhaul::host;
using namespace longhaul::host::admin;
using namespace std::chrono_literals;
using lifecycle::NextTry;
using lifecycle::Reason;
using supervisor::InstanceView;
using test::StandIn;
using Rig = test::SupervisorRig;
namespace fs = std::filesystem;

namespace {

constexpr const char* kRuns = R"({"longRunning": true, "parameters": {}})";
constexpr int kAlways = 1'000'000;  // batches

struct Case {
  Reason reason;
  InstanceView (*make)(Rig& rig);
  std::string found;   // in the sentence
  std::string remedy;  // in what would change it
  void (*tune)(supervisor::Settings& settings) = nullptr;
};

void put(Rig& rig, const std::string& plugin, const std::string& config, const std::string& grants = "{}") {
  rig.act([&](const supervisor::Supervisor::Done& done) {
    rig.supervisor.put({.name = "c",
                        .plugin = plugin,
                        .config = config,
                        .grants = grants,
                        .owner = store::Owner::Api,
                        .source = "",
                        .first_enabled = true,
                        .at_us = 1},
                       done);
  });
}

void enable(Rig& rig, bool enabled) {
  rig.act([&](const supervisor::Supervisor::Done& done) { rig.supervisor.setEnabled(rig.id(), enabled, done); });
}

InstanceView until(Rig& rig, Reason reason) {
  rig.until([&] { return rig.view().code == reason; });
  return rig.view();
}

InstanceView running(Rig& rig) {
  rig.put(kRuns, true);
  rig.readyWorker(0);
  return until(rig, Reason::Running);
}

// As it is in the turn in which it was made.
InstanceView atOnce(Rig& rig, const std::string& grants) {
  std::optional<InstanceView> then;
  rig.supervisor.put({.name = "c",
                      .plugin = "test-commander",
                      .config = kRuns,
                      .grants = grants,
                      .owner = store::Owner::Api,
                      .source = "",
                      .first_enabled = true,
                      .at_us = 1},
                     [&](const Result<void>&) { then = rig.view(); });
  rig.until([&] { return then.has_value(); });
  return *then;
}

// The worker ends by itself, and the next one is there when its time has come.
InstanceView failing(Rig& rig, std::size_t times, Reason wanted) {
  rig.put(kRuns, true);
  for (std::size_t i = 0; i < times; ++i) {
    StandIn& worker = rig.readyWorker(i);
    rig.until([&] { return rig.view().code == Reason::Running; });
    worker.crash();
    rig.until([&] { return !rig.view().current; });
    if (i + 1 == times) break;
    // At most: a wait of a minute and its jitter.
    if (rig.view().next_start_at_us) rig.passed(1min + 10s);
  }
  return until(rig, wanted);
}

// An address that nobody else can have while this lives.
struct TakenPort {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;
  TakenPort() {
    struct sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd.get(), reinterpret_cast<struct sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(fd.get(), 1) == 0);
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<struct sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
  }
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{
      {Reason::Running, running, "its worker is ready", ""},
      {Reason::WaitsForSlot,
       // A slot is granted in a turn of its own, at the soonest.
       [](Rig& rig) { return atOnce(rig, R"({"serverApi": []})"); }, "", ""},
      {Reason::Loading,
       [](Rig& rig) {
         rig.put(kRuns, true);
         rig.worker(0);
         return until(rig, Reason::Loading);
       },
       "", ""},
      {Reason::WaitsForGeneration,
       [](Rig& rig) {
         rig.put(kRuns, true);
         StandIn& worker = rig.worker(0);
         rig.memory.failBatches(kAlways, {Code::StoreFull, "the disk is full"});
         worker.loaded();
         return until(rig, Reason::WaitsForGeneration);
       },
       "waits for its generation", ""},
      {Reason::WaitsForReady,
       [](Rig& rig) {
         rig.put(kRuns, true);
         rig.worker(0).loaded();
         return until(rig, Reason::WaitsForReady);
       },
       "its worker is started", ""},
      {Reason::BeingReplaced,
       [](Rig& rig) {
         running(rig);
         rig.act([&](const supervisor::Supervisor::Done& done) { rig.supervisor.restart(rig.id(), done); });
         rig.worker(1).loaded();
         return until(rig, Reason::BeingReplaced);
       },
       "the one before is stopping", ""},
      {Reason::Stopping,
       [](Rig& rig) {
         running(rig);
         enable(rig, false);
         return until(rig, Reason::Stopping);
       },
       "disabled", ""},
      {Reason::HostStops,
       [](Rig& rig) {
         running(rig);
         rig.supervisor.stop([] {});
         return until(rig, Reason::HostStops);
       },
       "the host shuts down", "start the daemon again"},
      {Reason::Disabled,
       [](Rig& rig) {
         rig.put();
         return rig.view();
       },
       "disabled", "`longhaul enable c`"},
      {Reason::Orphaned,
       [](Rig& rig) {
         rig.put();
         rig.act([&](const supervisor::Supervisor::Done& done) { rig.supervisor.setOrphaned(rig.id(), true, done); });
         return rig.view();
       },
       "its file no longer names it", "`longhaul remove c --yes`"},
      {Reason::Idle,
       [](Rig& rig) {
         rig.put(R"({"longRunning": false, "parameters": {}})", true);
         return until(rig, Reason::Idle);
       },
       "not long-running", "longRunning: true"},
      {Reason::Completed,
       [](Rig& rig) {
         rig.put(R"({"longRunning": true, "parameters": {}, "restart": {"policy": "on-failure"}})", true);
         StandIn& worker = rig.readyWorker(0);
         until(rig, Reason::Running);
         worker.leave();
         return until(rig, Reason::Completed);
       },
       "its restart policy is on-failure", "`longhaul restart c`"},
      {Reason::NotRestarted,
       [](Rig& rig) {
         rig.put(R"({"longRunning": true, "parameters": {}, "restart": {"policy": "never"}})", true);
         StandIn& worker = rig.readyWorker(0);
         until(rig, Reason::Running);
         worker.crash();
         return until(rig, Reason::NotRestarted);
       },
       "its restart policy is never", "`longhaul deaths c`"},
      // What its making approved is being stored.
      {Reason::NotLookedFor, [](Rig& rig) { return atOnce(rig, "{}"); }, "was not looked for yet", ""},
      {Reason::MissingPlugin,
       [](Rig& rig) {
         put(rig, "door", kRuns);
         return until(rig, Reason::MissingPlugin);
       },
       "there is no plugin door in", "drop its .so"},
      {Reason::PluginRefused,
       [](Rig& rig) {
         test::writeText(rig.folder / "half.so", "half a file");
         fs::permissions(rig.folder / "half.so", fs::perms{0644});
         fs::last_write_time(rig.folder / "half.so", fs::file_time_type::clock::now() - 1h);
         fs::rename(rig.folder / "half.so", rig.folder / "plugins.d/door.so");
         rig.rescan();
         put(rig, "door", kRuns);
         return until(rig, Reason::PluginRefused);
       },
       "door.so): not an ELF file", "`longhaul plugins`"},
      {Reason::ConfigRefused,
       [](Rig& rig) {
         put(rig, "test-commander", R"({"longRunning": true, "parameters": {"sais": "ok"}})");
         return until(rig, Reason::ConfigRefused);
       },
       "test-commander 1.0.0 does not accept its configuration", "apply it again"},
      {Reason::AwaitsApproval,
       [](Rig& rig) {
         running(rig);
         enable(rig, false);
         rig.worker(0).leave();
         rig.untilNoWorker();
         rig.drop("test_commander_greedy");
         rig.rescan();
         rig.until([&] { return toText(rig.catalog.active("test-commander")->version) == "2.0.0"; });
         // Only the newer one knows the parameter, and nobody approved what it asks for.
         rig.put(R"({"longRunning": true, "parameters": {"tone": "soft"}})");
         enable(rig, true);
         return until(rig, Reason::AwaitsApproval);
       },
       "test-commander 2.0.0 also asks for", "`longhaul approve c`"},
      {Reason::SandboxLayer,
       [](Rig& rig) {
         rig.put(kRuns, true);
         return until(rig, Reason::SandboxLayer);
       },
       "cgroup", "sandbox.require",
       [](supervisor::Settings& settings) { settings.sandbox_require = {sandbox::Layer::Cgroup}; }},
      {Reason::DiskFull,
       [](Rig& rig) {
         rig.put(R"({"longRunning": true, "parameters": {}, "limits": {"disk_mib": 1}})", true);
         rig.readyWorker(0);
         until(rig, Reason::Running);
         std::ofstream(rig.folder / "data/c/heap") << std::string(std::size_t{2} << 20, 'x');
         rig.until([&] {
           rig.passed(1s);
           return rig.view().code == Reason::DiskFull;
         });
         return rig.view();
       },
       "disk_mib", "limits.disk_mib"},
      {Reason::NotStored,
       [](Rig& rig) {
         put(rig, "test-unruly", R"({"longRunning": true, "parameters": {"mode": "serve"}})");
         until(rig, Reason::MissingPlugin);
         rig.memory.failBatches(2, {Code::StoreFull, "the disk is full"});  // of its release, and of the approval
         rig.drop("test_unruly", "unruly");
         rig.rescan();
         return until(rig, Reason::NotStored);
       },
       "the disk is full", "`longhaul approve c`"},
      {Reason::Store,
       [](Rig& rig) {
         rig.put(kRuns, true);
         StandIn& worker = rig.worker(0);
         rig.memory.failBatches(kAlways, {Code::StoreFull, "the disk is full"});
         worker.loaded();
         until(rig, Reason::WaitsForGeneration);
         rig.until([&] {
           rig.passed(kFenceRetry);
           return rig.view().code == Reason::Store;
         });
         return rig.view();
       },
       "the store does not allot a generation", "make room"},
      {Reason::Backoff, [](Rig& rig) { return failing(rig, 2, Reason::Backoff); }, "next start in",
       "`longhaul deaths c`"},
      {Reason::CrashLoop, [](Rig& rig) { return failing(rig, 5, Reason::CrashLoop); }, "crash-loop",
       "`longhaul release c`"},
      {Reason::Quarantined, [](Rig& rig) { return failing(rig, 10, Reason::Quarantined); },
       "quarantined: 10 failures in 10 min", "`longhaul release c`"},
      {Reason::LoadRefused,
       [](Rig& rig) {
         rig.put(kRuns, true);
         StandIn& worker = rig.worker(0);
         worker.say(protocol::Kind::Hello, protocol::Hello{.pid = static_cast<std::uint32_t>(worker.pid)});
         worker.say(protocol::Kind::Loaded, protocol::Loaded{.abi_version = catalog::hostAbiVersion()});
         return until(rig, Reason::LoadRefused);
       },
       "its manifest names longhaul.commands/1 and the plugin gives no table for it", "drop a mended file"},
      {Reason::Listener,
       [](Rig& rig) {
         rig.drop("test_unruly", "unruly");
         rig.rescan();
         rig.until([&] { return rig.catalog.active("test-unruly") != nullptr; });
         const TakenPort taken;
         put(rig, "test-unruly",
             fmt::format(R"({{"longRunning": true, "parameters": {{"mode": "serve", "listen": "127.0.0.1:{}"}}}})",
                         taken.port),
             R"({"processes": true})");
         return until(rig, Reason::Listener);
       },
       "Address already in use", "free the address"},
      {Reason::StagedFile,
       [](Rig& rig) {
         const fs::path copy = rig.catalog.active("test-commander")->path;
         fs::permissions(copy, fs::perms{0644});
         std::ofstream(copy, std::ios::app) << "x";
         rig.put(kRuns, true);
         return until(rig, Reason::StagedFile);
       },
       "is not the file that was staged", "drop the plugin's file again"},
      {Reason::DataFolder,
       [](Rig& rig) {
         fs::create_directory(rig.folder / "data");
         test::writeText(rig.folder / "data/c", "in the way");
         rig.put(kRuns, true);
         return until(rig, Reason::DataFolder);
       },
       "data/c", "mend what the sentence names"},
      {Reason::Secret,
       [](Rig& rig) {
         rig.put(R"({"longRunning": true, "parameters": {"token": "${file:/nonexistent/token}"}})", true);
         return until(rig, Reason::Secret);
       },
       "/nonexistent/token", "make what the sentence names readable"},
      {Reason::NoWorker,
       [](Rig& rig) {
         rig.launcher.refusal = "fork: Resource temporarily unavailable";
         rig.put(kRuns, true);
         return until(rig, Reason::NoWorker);
       },
       "fork: Resource temporarily unavailable", "make room"},
      {Reason::GivenUp,
       [](Rig& rig) {
         running(rig);
         rig.launcher.refusal = "fork: Resource temporarily unavailable";
         rig.act([&](const supervisor::Supervisor::Done& done) { rig.supervisor.restart(rig.id(), done); });
         rig.until([&] { return rig.view().held_back == Reason::GivenUp; });
         return rig.view();
       },
       "not replaced: fork", "drop a mended file"},
      {Reason::ReleaseBad,
       [](Rig& rig) {
         running(rig);
         rig.dropOther("bad");
         rig.worker(1).loaded();
         rig.until([&] { return rig.launcher.workers[0]->was(protocol::Kind::Stop); });
         rig.launcher.workers[0]->leave();
         rig.until([&] { return rig.worker(1).was(protocol::Kind::Start); });
         rig.worker(1).crash();
         rig.readyWorker(2);
         rig.until([&] { return rig.view().code == Reason::Running && rig.view().held_back == Reason::ReleaseBad; });
         return rig.view();
       },
       "its worker is ready", "`longhaul plugin allow` lets the bad one be tried again"},
      {Reason::WaitsForCanary,
       [](Rig& rig) {
         running(rig);
         rig.act([&](const supervisor::Supervisor::Done& done) {
           rig.supervisor.put({.name = "b",
                               .plugin = "test-commander",
                               .config = kRuns,
                               .grants = R"({"serverApi": []})",
                               .first_enabled = true,
                               .at_us = 1},
                              done);
         });
         rig.readyWorker(1);
         rig.until([&] { return rig.supervisor.find("b")->code == Reason::Running; });
         rig.dropOther("new");
         rig.until([&] { return rig.view().held_back == Reason::WaitsForCanary; });
         return rig.view();
       },
       "its worker is ready", "it is under way"},
  };
  return kCases;
}

bool isOneOf(const std::string& state, std::string_view states) {
  return (", " + std::string(states) + ",").find(", " + state + ",") != std::string::npos;
}

}  // namespace

TEST_CASE("each reason why an instance does not run is told by its code, its sentence, the remedy and the next try") {
  for (std::size_t i = 0; i < lifecycle::kReasonCount; ++i) {
    const lifecycle::ReasonRow& row = lifecycle::rowOf(static_cast<Reason>(i));
    DYNAMIC_SECTION(row.name) {
      const auto of =
          std::find_if(cases().begin(), cases().end(), [&](const Case& each) { return each.reason == row.reason; });
      REQUIRE(of != cases().end());  // a row that nothing shows to come true
      Rig rig{"test_commander", "test-commander",
              of->tune != nullptr ? of->tune : std::function<void(supervisor::Settings&)>{}};
      const InstanceView view = of->make(rig);
      const std::int64_t now_us = wallNowUs();
      const Explanation told = explainInstance(view, {}, rig.catalog.list(), now_us);
      const Json json = toJson(told);
      INFO(told.text);
      CHECK(isOneOf(view.state, row.states));
      CHECK_THAT(view.reason, Catch::Contains(of->found));
      if (row.reason >= Reason::GivenUp) {
        // The one before runs: what does not is told beside.
        CHECK(view.code == Reason::Running);
        CHECK(admin::toJson(view)["heldBack"] == row.name);
        CHECK_THAT(told.text, Catch::Contains(of->remedy));
        CHECK(json["heldBack"] == row.name);
        continue;
      }
      CHECK(lifecycle::nameOf(view.code) == row.name);
      CHECK(admin::toJson(view)["code"] == row.name);
      CHECK(json["code"] == row.name);
      CHECK_THAT(view.remedy, Catch::Contains(of->remedy));
      CHECK(view.remedy.empty() == of->remedy.empty());
      CHECK_THAT(told.text, Catch::Contains(view.reason));
      CHECK_THAT(told.text, Catch::Contains(view.remedy));
      if (row.reason == Reason::Running) continue;
      // It is tried at a time exactly where the row says that a time is known.
      CHECK(view.next_start_at_us.has_value() == (row.next == NextTry::Time));
      CHECK_THAT(told.text, Catch::Contains("code:      " + std::string(row.name)));
      CHECK_THAT(told.next, view.next_start_at_us ? Catch::StartsWith("tried again in ")
                                                  : Catch::StartsWith(std::string(toText(row.next))));
      if (row.reason == Reason::PluginRefused) CHECK(json["fileCode"] == "not-elf");
    }
  }
}

TEST_CASE("a plugin that asks for more than was approved is held back, while the one before runs") {
  Rig rig;
  running(rig);
  rig.drop("test_commander_greedy");
  rig.rescan();
  rig.until([&] { return rig.view().held_back == Reason::AwaitsApproval; });
  const InstanceView view = rig.view();
  CHECK(view.code == Reason::Running);
  const Explanation told = explainInstance(view, {}, rig.catalog.list(), wallNowUs());
  CHECK_THAT(told.text, Catch::Contains("also asks for") && Catch::Contains("`longhaul approve c`"));
}

TEST_CASE("names of reasons are each one's own, and lead back to it") {
  for (std::size_t i = 0; i < lifecycle::kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    CHECK(lifecycle::reasonFromName(lifecycle::nameOf(reason)) == reason);
  }
  CHECK_FALSE(lifecycle::reasonFromName("nonsense"));
}
