#include "host/sandbox/apply.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "host/base/unique_fd.h"
#include "host/sandbox/landlock.h"
#include "host/sandbox/layers.h"

namespace longhaul::host::sandbox {
namespace {

bool failed(std::string& fault, Layer layer, const std::string& what) {
  const int error_number = errno;
  fault = std::string{layerName(layer)} + ": " + what + ": " + ::strerrordesc_np(error_number);
  return false;
}

// By the process itself: the kernel may keep whoever moves one waiting for 10 ms, until all processors have taken note.
bool enterGroups(const std::vector<std::string>& groups, std::string& fault) {
  for (const std::string& each : groups) {
    const UniqueFd file{::open(each.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!file || ::write(file.get(), "0", 1) != 1) return failed(fault, Layer::Cgroup, "write 0 to " + each);
  }
  return true;
}

bool setRlimits(const std::vector<Rlimit>& rlimits, std::string& fault) {
  for (const Rlimit& each : rlimits) {
    const rlimit value{each.soft, each.hard};
    if (::setrlimit(static_cast<__rlimit_resource_t>(each.resource), &value) != 0) {
      return failed(fault, Layer::Rlimits, "setrlimit " + std::to_string(each.resource));
    }
  }
  return true;
}

bool addPath(int ruleset, const PathRule& rule, std::string& fault) {
  const UniqueFd place{::open(rule.path.c_str(), O_PATH | O_CLOEXEC)};
  if (!place) return !rule.required || failed(fault, Layer::Landlock, "open " + rule.path);
  struct stat status {};
  if (::fstat(place.get(), &status) != 0) return failed(fault, Layer::Landlock, "stat " + rule.path);
  const PathBeneath beneath{S_ISDIR(status.st_mode) ? rule.access : rule.access & kFsOfFiles, place.get()};
  if (::syscall(kAddRule, ruleset, kRulePathBeneath, &beneath, 0U) == 0) return true;
  return failed(fault, Layer::Landlock, "a rule for " + rule.path);
}

// While the process is still who it was, so that it may open what it will not be able to reach.
bool makeRuleset(const Landlock& landlock, UniqueFd& ruleset, std::string& fault) {
  if (landlock.handled_files == 0) return true;
  const RulesetAttribute attribute{landlock.handled_files, landlock.handled_network, landlock.scoped};
  // An older kernel refuses a structure with more than it knows, unless that is zero and beyond its size.
  const std::size_t size = landlock.scoped != 0            ? sizeof attribute
                           : landlock.handled_network != 0 ? offsetof(RulesetAttribute, scoped)
                                                           : offsetof(RulesetAttribute, handled_network);
  ruleset = UniqueFd{static_cast<int>(::syscall(kCreateRuleset, &attribute, size, 0U))};
  if (!ruleset) return failed(fault, Layer::Landlock, "make a ruleset");
  for (const PathRule& each : landlock.paths) {
    if (!addPath(ruleset.get(), each, fault)) return false;
  }
  for (const std::uint16_t port : landlock.connect_ports) {
    const NetworkPort rule{kNetConnectTcp, port};
    if (::syscall(kAddRule, ruleset.get(), kRuleNetworkPort, &rule, 0U) != 0) {
      return failed(fault, Layer::Landlock, "a rule for port " + std::to_string(port));
    }
  }
  return true;
}

bool becomeUid(std::uint32_t uid, std::string& fault) {
  if (uid == 0) return true;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0) {
    return failed(fault, Layer::OwnUid, "become uid " + std::to_string(uid));
  }
  return true;
}

bool dropCapabilities(std::string& fault) {
  // Ambient ones would come back with an exec; the bounding set does not matter without new privileges.
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capset, &header, none) != 0) return failed(fault, Layer::Capabilities, "drop them");
  return true;
}

bool loadFilter(const std::string& program, std::string& fault) {
  if (program.empty()) return true;
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(program.size() / sizeof(sock_filter));
  filter.filter = reinterpret_cast<sock_filter*>(const_cast<char*>(program.data()));
  // TSYNC: a sanitizer's runtime may have made a thread of its own.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0) return true;
  return failed(fault, Layer::Seccomp, "load the filter");
}

}  // namespace

bool apply(const Confinement& confinement, std::string& fault) {
  if (!enterGroups(confinement.groups, fault)) return false;
  if (!setRlimits(confinement.rlimits, fault)) return false;
  UniqueFd ruleset;
  if (!makeRuleset(confinement.landlock, ruleset, fault)) return false;
  if (!becomeUid(confinement.uid, fault)) return false;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (confinement.drop_privileges) {
    if (!dropCapabilities(fault)) return false;
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed(fault, Layer::NotDumpable, "prctl");
  }
  if (confinement.drop_privileges || ruleset || !confinement.seccomp.empty()) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed(fault, Layer::NoNewPrivs, "prctl");
  }
  if (ruleset && ::syscall(kRestrictSelf, ruleset.get(), 0U) != 0) {
    return failed(fault, Layer::Landlock, "restrict the process");
  }
  ruleset.reset();
  return loadFilter(confinement.seccomp, fault);
}

}  // namespace longhaul::host::sandbox
