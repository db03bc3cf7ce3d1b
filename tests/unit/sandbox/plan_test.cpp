#include "host/sandbox/plan.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "host/sandbox/landlock.h"

using namespace longhaul::host;
using namespace longhaul::host::sandbox;

namespace {

Surroundings full() {
  Surroundings around;
  around.kernel = {.landlock_abi = 6, .landlock_missing = "", .seccomp = true, .root = true};
  around.worker_uids = {1'900'000'000, 1000};
  return around;
}

const WorkerFacts kWorker{
    .plugin_path = "/s/plugins/d.so", .data_folder = "/s/data/edge", .instance_number = 7, .rlimits = {}};

const PathRule* ruleFor(const Plan& plan, const std::string& path) {
  const auto& paths = plan.confinement.landlock.paths;
  const auto found = std::find_if(paths.begin(), paths.end(), [&](const PathRule& each) { return each.path == path; });
  return found == paths.end() ? nullptr : &*found;
}

LayerState stateOf(const std::vector<LayerState>& layers, Layer layer) {
  const auto found = std::find_if(layers.begin(), layers.end(), [&](const auto& each) { return each.layer == layer; });
  REQUIRE(found != layers.end());
  return *found;
}

}  // namespace

TEST_CASE("What was not granted is not in the plan") {
  const Plan plan = makePlan(full(), {}, kWorker);
  const Landlock& landlock = plan.confinement.landlock;
  CHECK(plan.confinement.uid == 1'900'000'007);
  CHECK(landlock.handled_network == (kNetBindTcp | kNetConnectTcp));
  CHECK(landlock.connect_ports.empty());
  CHECK(landlock.scoped == (kScopeAbstractUnixSocket | kScopeSignal));
  CHECK((landlock.handled_files & (kFsExecute | kFsTruncate | kFsRefer | kFsIoctlDev)) ==
        (kFsExecute | kFsTruncate | kFsRefer | kFsIoctlDev));
  for (const PathRule& each : landlock.paths)
    CHECK((each.access & kFsExecute) == 0);
  // Nothing but its folder and the devices that take anything may be written.
  for (const PathRule& each : landlock.paths) {
    if ((each.access & (kFsWriteFile | kFsMakeReg | kFsRemoveFile)) == 0) continue;
    CHECK((each.path == "/s/data/edge" || each.path.starts_with("/dev/")));
  }
  REQUIRE(ruleFor(plan, "/s/plugins/d.so") != nullptr);
  CHECK(ruleFor(plan, "/s/plugins/d.so")->required);
  CHECK(ruleFor(plan, "/s/plugins") == nullptr);
  CHECK(ruleFor(plan, "/etc") == nullptr);
  CHECK(ruleFor(plan, "/proc") == nullptr);
}

TEST_CASE("What was granted is in the plan") {
  const Plan plan = makePlan(
      full(),
      {.connect = true, .ports = {443}, .read_paths = {"/srv/in"}, .write_paths = {"/srv/out"}, .processes = true},
      kWorker);
  CHECK(plan.confinement.landlock.connect_ports == std::vector<std::uint16_t>{443});
  REQUIRE(ruleFor(plan, "/srv/in") != nullptr);
  CHECK(ruleFor(plan, "/srv/in")->access == (kFsReadFile | kFsReadDir | kFsExecute));
  CHECK((ruleFor(plan, "/srv/out")->access & kFsMakeReg) != 0);
  CHECK((ruleFor(plan, "/srv/out")->access & kFsExecute) == 0);
  CHECK((ruleFor(plan, "/usr")->access & kFsExecute) != 0);
  // A file that it wrote itself is never run.
  CHECK((ruleFor(plan, "/s/data/edge")->access & kFsExecute) == 0);
}

TEST_CASE("Any port needs no rule for one") {
  const Plan plan = makePlan(full(), {.connect = true}, kWorker);
  CHECK(plan.confinement.landlock.handled_network == kNetBindTcp);
}

TEST_CASE("An older Landlock is asked for what it has, and the layer says what it does not hold") {
  const auto [abi, files, network, scoped, missing] = GENERATE(table<int, std::uint64_t, bool, bool, const char*>({
      {1, kFsMakeSym, false, false, "does not hold truncate()"},
      {2, kFsRefer, false, false, "does not hold truncate()"},
      {3, kFsTruncate, false, false, "that needs ABI 4"},
      {4, kFsTruncate, true, false, "that needs ABI 6"},
      {5, kFsIoctlDev, true, false, "that needs ABI 6"},
      {6, kFsIoctlDev, true, true, "enforced for TCP, not for UDP"},
  }));
  Surroundings around = full();
  around.kernel.landlock_abi = abi;
  const Plan plan = makePlan(around, {.connect = true, .ports = {53}}, kWorker);
  const Landlock& landlock = plan.confinement.landlock;
  CHECK((landlock.handled_files & files) != 0);
  CHECK(landlock.handled_files < (files << 1));
  CHECK((landlock.handled_network != 0) == network);
  CHECK((landlock.scoped != 0) == scoped);
  const LayerState state = stateOf(plan.layers, Layer::Landlock);
  CHECK(state.status == LayerStatus::On);
  CHECK_THAT(state.detail, Catch::Contains(missing));
  // No rule asks for what is not handled: the kernel would refuse it.
  for (const PathRule& each : landlock.paths)
    CHECK((each.access & ~landlock.handled_files) == 0);
}

TEST_CASE("A layer that is not there says why") {
  Surroundings around = full();
  SECTION("no Landlock in the kernel") {
    around.kernel.landlock_abi = 0;
    around.kernel.landlock_missing = "the kernel has none";
    const Plan plan = makePlan(around, {}, kWorker);
    CHECK(plan.confinement.landlock.handled_files == 0);
    CHECK(stateOf(plan.layers, Layer::Landlock).status == LayerStatus::NotAvailable);
    CHECK(stateOf(plan.layers, Layer::Landlock).detail == "the kernel has none");
  }
  SECTION("switched off by the operator") {
    around.kernel.landlock_abi = 0;
    CHECK(stateOf(layersOf(around), Layer::Landlock).status == LayerStatus::Off);
  }
  SECTION("named by sandbox.off") {
    around.off = {Layer::Landlock, Layer::OwnUid, Layer::Seccomp};
    const Plan plan = makePlan(around, {}, kWorker);
    CHECK(plan.confinement.uid == 0);
    CHECK(plan.confinement.landlock.handled_files == 0);
    for (const Layer layer : around.off)
      CHECK(stateOf(plan.layers, layer).status == LayerStatus::Off);
  }
  SECTION("not root") {
    around.kernel.root = false;
    CHECK(makePlan(around, {}, kWorker).confinement.uid == 0);
    CHECK(stateOf(layersOf(around), Layer::OwnUid).status == LayerStatus::NotAvailable);
  }
  SECTION("a folder that other uids cannot pass") {
    around.uids_missing = "/root has mode 0700";
    CHECK(makePlan(around, {}, kWorker).confinement.uid == 0);
    CHECK(stateOf(layersOf(around), Layer::OwnUid).detail == "/root has mode 0700");
  }
  SECTION("a number beyond the range") {
    around.worker_uids.count = 7;
    CHECK(makePlan(around, {}, kWorker).confinement.uid == 0);
    CHECK_THAT(stateOf(layersOf(around, 7), Layer::OwnUid).detail, Catch::Contains("widen it"));
    CHECK(stateOf(layersOf(around, 6), Layer::OwnUid).status == LayerStatus::On);
  }
  SECTION("a required one holds an instance, with the remedy") {
    around.worker_uids.count = 0;
    const auto missing = missingLayer(layersOf(around), {Layer::Seccomp, Layer::OwnUid});
    REQUIRE(missing);
    CHECK_THAT(*missing, Catch::Contains("own-uid") && Catch::Contains("sandbox.worker_uids is none"));
    CHECK_FALSE(missingLayer(layersOf(around), {Layer::Seccomp, Layer::Landlock}));
  }
}

TEST_CASE("Names of layers are read back") {
  for (const std::string& name : layerNames()) {
    const auto layer = layerFromName(name);
    REQUIRE(layer);
    CHECK(layerName(*layer) == name);
  }
  CHECK_FALSE(layerFromName("selinux"));
}
