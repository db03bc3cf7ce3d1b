#include "host/sandbox/plan.h"

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "host/sandbox/landlock.h"

namespace longhaul::host::sandbox {
namespace {

// What any program reads that is started, looks up a name, checks a certificate, or asks for the time zone and the
// machine's size. Nothing of a user or another program is in it.
constexpr std::array kSystemFolders{"/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin"};
constexpr std::array kSystemFiles{
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/timezone",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/self",
    "/proc/stat",
    "/proc/sys/kernel",
    "/proc/sys/net",
    "/proc/sys/vm",
    "/proc/uptime",
    "/proc/version",
    "/run/systemd/resolve",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
};
constexpr std::array kDevices{"/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"};

constexpr std::uint64_t kReaderCpuSeconds = 5;             // some milliseconds are usual
constexpr std::uint64_t kReaderAddressBytes = 2ULL << 30;  // a library of 1 GiB, mapped, is still read

constexpr std::uint64_t kRead = kFsReadFile | kFsReadDir;

// Everything that this version of Landlock can refuse.
std::uint64_t allFileAccess(int abi) {
  std::uint64_t all = (kFsMakeSym << 1) - 1;  // ABI 1: the thirteen up to here
  if (abi >= 2) all |= kFsRefer;
  if (abi >= 3) all |= kFsTruncate;
  if (abi >= 5) all |= kFsIoctlDev;
  return all;
}

Landlock landlockFor(const Surroundings& around, const Allowed& allowed, const WorkerFacts& worker) {
  Landlock landlock;
  const int abi = around.kernel.landlock_abi;
  if (abi == 0 || isOff(around, Layer::Landlock)) return landlock;
  const std::uint64_t all = allFileAccess(abi);
  landlock.handled_files = all;
  const std::uint64_t execute = allowed.processes ? kFsExecute : 0;
  // Devices are made by nobody, and a file of its own that it runs would be code that nobody looked at.
  const std::uint64_t write = all & ~(kFsExecute | kFsMakeChar | kFsMakeBlock | kFsIoctlDev);

  for (const char* folder : kSystemFolders)
    landlock.paths.push_back({folder, kRead | execute, false});
  for (const std::string& folder : around.library_folders)
    landlock.paths.push_back({folder, kRead, false});
  for (const char* file : kSystemFiles)
    landlock.paths.push_back({file, kRead, false});
  for (const char* device : kDevices)
    landlock.paths.push_back({device, (kFsReadFile | kFsWriteFile | kFsTruncate | kFsIoctlDev) & all, false});
  landlock.paths.push_back({worker.plugin_path, kFsReadFile, true});
  landlock.paths.push_back({worker.data_folder, write, true});
  for (const std::string& path : allowed.read_paths)
    landlock.paths.push_back({path, kRead | execute, false});
  for (const std::string& path : allowed.write_paths)
    landlock.paths.push_back({path, write, false});

  if (abi >= 4) {
    landlock.handled_network = kNetBindTcp;
    if (!allowed.connect || !allowed.ports.empty()) landlock.handled_network |= kNetConnectTcp;
    landlock.connect_ports = allowed.ports;
  }
  if (abi >= 6) landlock.scoped = kScopeAbstractUnixSocket | kScopeSignal;
  return landlock;
}

std::string landlockDetail(int abi, const Allowed* allowed) {
  std::string detail = fmt::format("ABI {}", abi);
  if (abi < 3) detail += "; does not hold truncate()";
  if (allowed != nullptr && allowed->connect && !allowed->ports.empty()) {
    detail += abi < 4 ? "; the granted ports are not enforced: that needs ABI 4"
                      : "; the granted ports are enforced for TCP, not for UDP";
  }
  if (abi < 6) detail += "; does not hold abstract sockets and signals: that needs ABI 6";
  return detail;
}

LayerState landlockState(const Kernel& kernel, const Allowed* allowed) {
  if (kernel.landlock_abi > 0) return {Layer::Landlock, LayerStatus::On, landlockDetail(kernel.landlock_abi, allowed)};
  const bool chosen = kernel.landlock_missing.empty();
  return {Layer::Landlock, chosen ? LayerStatus::Off : LayerStatus::NotAvailable,
          chosen ? "max_landlock_abi is 0" : kernel.landlock_missing};
}

LayerState uidState(const Surroundings& around, std::uint64_t instance_number) {
  if (around.worker_uids.count == 0) return {Layer::OwnUid, LayerStatus::Off, "sandbox.worker_uids is none"};
  if (!around.kernel.root) {
    return {Layer::OwnUid, LayerStatus::NotAvailable, "only a daemon that runs as root can give uids"};
  }
  if (!around.uids_missing.empty()) return {Layer::OwnUid, LayerStatus::NotAvailable, around.uids_missing};
  if (instance_number >= around.worker_uids.count) {
    return {Layer::OwnUid, LayerStatus::NotAvailable,
            fmt::format("instance number {} is beyond sandbox.worker_uids, which has {}: widen it", instance_number,
                        around.worker_uids.count)};
  }
  return {Layer::OwnUid, LayerStatus::On, ""};
}

std::vector<LayerState> layersFor(const Surroundings& around, const Allowed* allowed, std::uint64_t instance_number) {
  std::vector<LayerState> layers;
  for (const Layer layer : {Layer::NoNewPrivs, Layer::Capabilities, Layer::NotDumpable, Layer::Rlimits})
    layers.push_back({layer, LayerStatus::On, ""});
  const auto add = [&](LayerState state) {
    if (isOff(around, state.layer)) state = {state.layer, LayerStatus::Off, "sandbox.off names it"};
    layers.push_back(std::move(state));
  };
  add({Layer::Seccomp, around.kernel.seccomp ? LayerStatus::On : LayerStatus::NotAvailable,
       around.kernel.seccomp ? "" : "the kernel was built without CONFIG_SECCOMP_FILTER"});
  add(landlockState(around.kernel, allowed));
  add(uidState(around, instance_number));
  return layers;
}

}  // namespace

Kernel Kernel::probe(int landlock_abi_max) {
  Kernel kernel;
  kernel.landlock_abi = std::min({landlockAbi(), landlock_abi_max, kLandlockAbiNewest});
  if (kernel.landlock_abi == 0 && landlock_abi_max != 0) {
    kernel.landlock_missing = errno == EOPNOTSUPP
                                  ? "switched off at boot: add landlock to the kernel's lsm= list"
                                  : "the kernel has no Landlock: it came with 5.13 (CONFIG_SECURITY_LANDLOCK)";
  }
  const std::uint32_t action = SECCOMP_RET_TRAP;
  kernel.seccomp = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0U, &action) == 0;
  kernel.root = ::geteuid() == 0;
  return kernel;
}

bool isOff(const Surroundings& around, Layer layer) {
  return std::find(around.off.begin(), around.off.end(), layer) != around.off.end();
}

std::uint32_t uidOf(const Surroundings& around, std::uint64_t instance_number) {
  if (isOff(around, Layer::OwnUid) || uidState(around, instance_number).status != LayerStatus::On) return 0;
  return around.worker_uids.first + static_cast<std::uint32_t>(instance_number);
}

Plan makePlan(const Surroundings& around, const Allowed& allowed, const WorkerFacts& worker) {
  Plan plan;
  plan.confinement.uid = uidOf(around, worker.instance_number);
  plan.confinement.rlimits = worker.rlimits;
  plan.confinement.landlock = landlockFor(around, allowed, worker);
  plan.layers = layersFor(around, &allowed, worker.instance_number);
  return plan;
}

Confinement readerConfinement(const Surroundings& around, std::uint64_t instance_number, bool sanitized) {
  Confinement confinement;
  confinement.uid = uidOf(around, instance_number);
  const auto limit = [&](int resource, std::uint64_t most) {
    confinement.rlimits.push_back({static_cast<std::uint32_t>(resource), most, most});
  };
  limit(RLIMIT_CPU, kReaderCpuSeconds);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  if (!sanitized) limit(RLIMIT_AS, kReaderAddressBytes);
  const int abi = around.kernel.landlock_abi;
  if (abi == 0 || isOff(around, Layer::Landlock)) return confinement;
  confinement.landlock.handled_files = allFileAccess(abi);
  if (abi >= 4) confinement.landlock.handled_network = kNetBindTcp | kNetConnectTcp;
  if (abi >= 6) confinement.landlock.scoped = kScopeAbstractUnixSocket | kScopeSignal;
  return confinement;
}

std::vector<LayerState> layersOf(const Surroundings& around, std::uint64_t instance_number) {
  return layersFor(around, nullptr, instance_number);
}

std::optional<std::string> missingLayer(const std::vector<LayerState>& layers, const std::vector<Layer>& required) {
  for (const Layer wanted : required) {
    const auto found =
        std::find_if(layers.begin(), layers.end(), [&](const LayerState& each) { return each.layer == wanted; });
    if (found != layers.end() && found->status == LayerStatus::On) continue;
    return fmt::format(
        "sandbox.require names {}, which is {} here{}; make it available, or take it out of "
        "sandbox.require",
        layerName(wanted), found == layers.end() ? "not available" : statusName(found->status),
        found == layers.end() || found->detail.empty() ? "" : fmt::format(" ({})", found->detail));
  }
  return std::nullopt;
}

}  // namespace longhaul::host::sandbox
