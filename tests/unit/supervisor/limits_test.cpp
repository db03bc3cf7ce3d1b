// Who holds which limit, when the watch ends a worker, how often it looks, and how a folder is counted.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <vector>

#include "host/base/token_bucket.h"
#include "host/base/worker_limits.h"
#include "host/supervisor/disk_watch.h"
#include "host/supervisor/limit_plan.h"
#include "host/supervisor/resource_watch.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::supervisor;
using namespace std::chrono_literals;
using process::GroupVersion;
using test::TempFolder;
using test::writeText;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMib = 1U << 20;
constexpr std::size_t kMemory = static_cast<std::size_t>(process::GroupPower::Memory);
constexpr std::size_t kPids = static_cast<std::size_t>(process::GroupPower::Pids);

std::optional<std::uint64_t> rlimitOf(const LimitPlan& plan, int resource) {
  for (const auto& each : plan.rlimits) {
    if (each.resource == static_cast<std::uint32_t>(resource)) return each.hard;
  }
  return std::nullopt;
}

// A machine with workers, seen by a watch that is driven by hand.
struct Rig {
  TimerQueue timers{TimePoint{} + 1h};
  ResourceWatch::Machine machine{.free_memory_bytes = 8192 * kMib, .threads = 100};
  std::map<pid_t, LookFound> workers;
  std::map<pid_t, int> looks;
  std::vector<std::string> ended;
  ResourceWatch watch{timers,
                      {.machine = [this] { return machine; },
                       .worker = [this](pid_t pid, bool) -> std::optional<LookFound> {
                         ++looks[pid];
                         const auto found = workers.find(pid);
                         return found == workers.end() ? std::nullopt : std::optional{found->second};
                       }}};
  std::vector<ResourceWatch::Handle> handles;

  void add(pid_t pid, const WatchLimits& limits) {
    workers[pid] = {.memory_bytes = kMib, .pids = 3, .cpu_ms = 0};
    handles.push_back(watch.add(pid, limits, [this](const std::string& text) { ended.push_back(text); }));
  }
  void pass(Duration span) {
    const TimePoint end = timers.now() + span;
    while (timers.next() && *timers.next() <= end)
      timers.advanceTo(*timers.next());
    timers.advanceTo(end);
  }
};

}  // namespace

TEST_CASE("the kernel holds what a control group can, and the watch the rest") {
  config::Limits limits{.memory_mib = 64, .pids = 32, .files = 100, .cpu_percent = 150, .disk_mib = 8};
  LimitSurroundings around;
  around.groups[kMemory] = GroupVersion::V1;
  around.groups[kPids] = GroupVersion::V2;
  const LimitPlan plan = planLimits(limits, around);
  CHECK(plan.holder(Limit::Memory) == LimitHolder::CgroupV1);
  CHECK(plan.holder(Limit::Pids) == LimitHolder::CgroupV2);
  CHECK(plan.holder(Limit::Cpu) == LimitHolder::Watch);
  CHECK(plan.holder(Limit::Files) == LimitHolder::Rlimit);
  CHECK(plan.holder(Limit::Disk) == LimitHolder::Watch);
  CHECK(plan.holder(Limit::Calls) == LimitHolder::Host);
  CHECK(plan.group.memory_bytes == 64 * kMib);
  CHECK(plan.group.pids == 32);
  CHECK(plan.group.cpu_percent == 150);
  CHECK(plan.watch == WatchLimits{.cpu_percent = 150});
  CHECK(rlimitOf(plan, RLIMIT_NOFILE) == 100);
  CHECK(rlimitOf(plan, RLIMIT_FSIZE) == 8 * kMib);
  CHECK_FALSE(rlimitOf(plan, RLIMIT_DATA));
  CHECK_FALSE(rlimitOf(plan, RLIMIT_NPROC));
}

TEST_CASE("without groups memory has a backstop, but not where a sanitizer reserves terabytes") {
  const config::Limits limits{.memory_mib = 64, .pids = 32};
  CHECK(rlimitOf(planLimits(limits, {}), RLIMIT_DATA) == (128 + 32 * 8) * kMib);
  CHECK_FALSE(rlimitOf(planLimits(limits, {.sanitized = true}), RLIMIT_DATA));
  // One user's workers count together: only a uid of its own tells whose processes they are. Two workers of one
  // instance are there while one replaces the other.
  CHECK(rlimitOf(planLimits(limits, {.own_uid = true}), RLIMIT_NPROC) == 64);
}

TEST_CASE("a limit of 0 is none") {
  const config::Limits none{.memory_mib = 0,
                            .pids = 0,
                            .files = 0,
                            .cpu_percent = 0,
                            .disk_mib = 0,
                            .calls_per_second = 0,
                            .log_lines_per_second = 0};
  const LimitPlan plan = planLimits(none, {.own_uid = true});
  for (const Limit limit :
       {Limit::Memory, Limit::Pids, Limit::Files, Limit::Cpu, Limit::Disk, Limit::Calls, Limit::LogLines})
    CHECK(plan.holder(limit) == LimitHolder::Off);
  CHECK(plan.rlimits.empty());
  CHECK_FALSE(plan.watch.any());
}

TEST_CASE("memory over its limit ends a worker at the second look, and at the first if it is over by half") {
  const auto [used_mib, looks] = GENERATE(table<std::uint64_t, int>({{64, 0}, {65, 2}, {96, 2}, {97, 1}, {900, 1}}));
  const TimePoint start{};
  WorkerWatch watch{{.memory_bytes = 64 * kMib}, start};
  std::optional<std::string> text;
  int count = 0;
  while (!text && count < 5) {
    ++count;
    text = watch.look(start + count * 200ms, {.memory_bytes = used_mib * kMib, .pids = 500, .cpu_ms = 0});
  }
  CHECK((text ? count : 0) == looks);
  if (text) CHECK(text->find("memory_mib: ") == 0);
  if (used_mib == 65) CHECK(*text == "memory_mib: 65 MiB, at most 64 MiB, for at most 0.4 s (watched)");
}

TEST_CASE("a moment over the limit is forgiven when the next look finds it within") {
  WorkerWatch watch{{.pids = 10}, TimePoint{}};
  CHECK_FALSE(watch.look(TimePoint{} + 1s, {.pids = 12}));
  CHECK_FALSE(watch.look(TimePoint{} + 2s, {.pids = 10}));
  CHECK_FALSE(watch.look(TimePoint{} + 3s, {.pids = 12}));
  CHECK(watch.near());
  CHECK(watch.look(TimePoint{} + 4s, {.pids = 12}) == "pids: 12, at most 10, for at most 2.0 s (watched)");
}

TEST_CASE("the processor's limit is over only after a minute without a break") {
  WorkerWatch watch{{.cpu_percent = 50}, TimePoint{}};
  std::uint64_t cpu_ms = 0;
  TimePoint now{};
  const auto run = [&](Duration span, std::uint64_t percent) {
    std::optional<std::string> text;
    for (Duration passed{}; passed < span && !text; passed += 2s) {
      now += 2s;
      cpu_ms += 20 * percent;
      text = watch.look(now, {.cpu_ms = cpu_ms});
    }
    return text;
  };
  CHECK_FALSE(run(10min, 50));
  CHECK_FALSE(run(58s, 200));
  CHECK_FALSE(run(2s, 10));
  CHECK_FALSE(run(58s, 200));
  CHECK(run(2s, 200) == "cpu_percent: 200 % of a processor, at most 50 % of a processor, for 60.0 s (watched)");
}

TEST_CASE("a pause of the host is no processor time of a worker") {
  WorkerWatch watch{{.cpu_percent = 50}, TimePoint{}};
  CHECK_FALSE(watch.look(TimePoint{} + 2s, {.cpu_ms = 0}));
  CHECK_FALSE(watch.look(TimePoint{} + 4s, {.cpu_ms = 2000}));
  // Stopped for a minute, as was the worker: what it used is shared out over all of it.
  CHECK_FALSE(watch.look(TimePoint{} + 66s, {.cpu_ms = 4000}));
}

TEST_CASE("a thousand idle workers cost so many looks a second, and each gets its turn") {
  Rig rig;
  for (pid_t pid = 1; pid <= 1000; ++pid)
    rig.add(pid, {.memory_bytes = 64 * kMib});
  rig.pass(60s);
  const std::uint64_t per_second = kWatchLooksPerTick * 5;
  CHECK(rig.watch.looksCount() <= 61 * per_second);
  CHECK(rig.looks.size() == 1000);
  for (const auto& [pid, count] : rig.looks)
    CHECK(count >= 2);
}

TEST_CASE("who is near a limit is looked at each turn, and taken much at once all are") {
  Rig rig;
  for (pid_t pid = 1; pid <= 200; ++pid)
    rig.add(pid, {.memory_bytes = 64 * kMib});
  rig.pass(10s);
  rig.workers[7].memory_bytes = 40 * kMib;
  rig.pass(10s);
  const int before = rig.looks[7];
  rig.pass(2s);
  CHECK(rig.looks[7] >= before + 9);

  rig.workers[100].memory_bytes = 65 * kMib;
  rig.machine.free_memory_bytes -= 200 * kMib;
  rig.pass(400ms);
  REQUIRE(rig.ended.size() == 1);
  CHECK(rig.ended[0].find("memory_mib: 65 MiB, at most 64 MiB") == 0);

  rig.workers[50].pids = 5000;
  rig.pass(200ms);
  CHECK(rig.ended.size() == 1);  // nobody asked for its threads to be watched
}

TEST_CASE("a worker that ended or whose watch was ended is not looked at") {
  Rig rig;
  rig.add(1, {.pids = 10});
  rig.add(2, {.pids = 10});
  rig.workers.erase(1);
  rig.workers[2].pids = 100;
  rig.handles.pop_back();
  rig.pass(10s);
  CHECK(rig.ended.empty());
  CHECK(rig.looks[2] == 0);
  rig.handles.clear();
  CHECK(rig.timers.size() == 0);
}

TEST_CASE("a folder counts what it takes of the disk, and nothing elsewhere") {
  TempFolder folder;
  TempFolder elsewhere;
  fs::create_directories(folder / "a/b");
  writeText(folder / "a/b/file", std::string(1 << 20, 'x'));
  fs::create_hard_link(folder / "a/b/file", folder / "a/again");
  fs::create_symlink(elsewhere.path(), folder / "away");
  writeText(elsewhere / "large", std::string(8 << 20, 'x'));
  writeText(folder / "sparse", "");
  REQUIRE(::truncate((folder / "sparse").c_str(), 1 << 30) == 0);
  FolderWalk walk{folder.path()};
  int steps = 0;
  while (!walk.step(2))
    ++steps;
  CHECK(steps >= 2);
  CHECK(walk.found().bytes >= kMib);
  CHECK(walk.found().bytes < 2 * kMib);
  CHECK(walk.found().entries == 6);
  CHECK(walk.found().uncountable.empty());
  CHECK(FolderWalk{folder / "not there"}.step(1));

  const UniqueFd unnamed{::open((folder / "gone").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  const std::string bytes(4 << 20, 'x');
  REQUIRE(::write(unnamed.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  fs::remove(folder / "gone");
  walk.addUnnamed(::getpid());
  CHECK(walk.found().bytes >= 5 * kMib);
}

TEST_CASE("what hides from counting is said") {
  TempFolder folder;
  SECTION("a folder that its owner cannot read") {
    if (::geteuid() == 0) {
      WARN("skipped: root reads every folder");
      return;
    }
    fs::create_directories(folder / "closed");
    REQUIRE(::chmod((folder / "closed").c_str(), 0) == 0);
    FolderWalk walk{folder.path()};
    CHECK(walk.step(100));
    CHECK(walk.found().uncountable.find("cannot be read") != std::string::npos);
    ::chmod((folder / "closed").c_str(), 0700);
  }
  SECTION("folders nested deeper than a path can name") {
    const std::string name(200, 'd');
    UniqueFd here{::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    for (int depth = 0; depth < 25; ++depth) {
      REQUIRE(::mkdirat(here.get(), name.c_str(), 0700) == 0);
      here = UniqueFd{::openat(here.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    }
    FolderWalk walk{folder.path()};
    CHECK(walk.step(100));
    CHECK(walk.found().uncountable.find("nested deeper") != std::string::npos);
  }
}

TEST_CASE("folders are counted soon, then rarely, soon again near the limit, and all when the disk loses much") {
  TempFolder state;
  TimerQueue timers{TimePoint{} + 1h};
  std::deque<std::pair<std::function<void()>, std::function<void()>>> jobs;
  std::map<InstanceId, int> counted;
  DiskWatch watch{timers, [&](auto work, auto done) { jobs.emplace_back(std::move(work), std::move(done)); },
                  state.path(), [&](InstanceId id, const FolderFound&) { ++counted[id]; }};
  const auto pass = [&](Duration span) {
    const TimePoint end = timers.now() + span;
    while (timers.next() && *timers.next() <= end) {
      timers.advanceTo(*timers.next());
      while (!jobs.empty()) {
        const auto job = std::move(jobs.front());
        jobs.pop_front();
        job.first();
        job.second();
      }
    }
    timers.advanceTo(end);
  };
  const InstanceId small{1};
  const InstanceId large{2};
  for (const InstanceId id : {small, large})
    fs::create_directories(state / std::to_string(id.value));
  writeText(state / "2/file", std::string(6 << 20, 'x'));
  watch.watch(small, state / "1", 8 * kMib, 1);
  watch.watch(large, state / "2", 8 * kMib, 0);
  pass(1s);
  CHECK(counted[small] == 1);
  CHECK(counted[large] == 1);
  REQUIRE(watch.last(large));
  CHECK(watch.last(large)->bytes >= 6 * kMib);
  pass(28s);
  CHECK(counted[small] == 1);
  CHECK(counted[large] > 5);
  pass(3s);
  CHECK(counted[small] == 2);

  watch.forget(large);
  const int before = counted[large];
  pass(5s);
  CHECK(counted[large] == before);
  watch.forget(small);
  CHECK(timers.size() == 0);
}

TEST_CASE("a bucket gives its burst, then its rate") {
  TokenBucket bucket{10, 20};
  TimePoint now{};
  int taken = 0;
  while (bucket.take(now))
    ++taken;
  CHECK(taken == 20);
  now += 1s;
  while (bucket.take(now))
    ++taken;
  CHECK(taken == 30);
  TokenBucket none{0, 0};
  for (int i = 0; i < 1000; ++i)
    CHECK(none.take(now));

  RateMeter meter;
  for (int i = 0; i < 50; ++i)
    meter.count(now);
  CHECK(meter.perSecond(now + 1s) == 50);
  CHECK(meter.perSecond(now + 10s) == 0);
}
