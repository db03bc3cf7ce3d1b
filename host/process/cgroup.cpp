#include "host/process/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <utility>

#include "host/base/counted.h"
#include "host/base/files.h"
#include "host/base/text.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::process {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = 1U << 20;
constexpr int kKillRoundsMax = 20;  // a fork bomb is held by its limit of processes meanwhile
constexpr auto kSweepPause = std::chrono::milliseconds{10};
constexpr std::uint32_t kCpuPeriodUs = 100'000;  // the kernel's default
constexpr std::string_view kDaemonGroup = "longhaul-daemon";

std::string readAll(const fs::path& path) {
  auto text = readFile(path, kFileBytesMax);
  return text ? std::move(*text) : std::string{};
}

// The kernel makes the files of a group with its folder; O_CREAT is for tests, whose groups are plain folders.
Result<void> writeTo(const fs::path& path, std::string_view text) {
  const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_CREAT, 0600)};
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return systemError(fmt::format("write {} to {}", text, path.native()), errno);
  }
  return {};
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// "\040" for a blank and its like, as mountinfo writes paths.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// The number behind "key " at the begin of a line.
std::uint64_t numberIn(const fs::path& path, std::string_view key) {
  const std::string text = readAll(path);
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(parseInt(line.substr(key.size() + 1)).value_or(0), 0));
  }
  return 0;
}

std::optional<std::uint64_t> numberOf(const fs::path& path) {
  const std::string text = readAll(path);
  const auto number = parseInt(std::string_view(text).substr(0, text.find('\n')));
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::vector<pid_t> pidsIn(const fs::path& folder) {
  std::vector<pid_t> pids;
  const std::string text = readAll(folder / "cgroup.procs");
  for (const std::string_view line : split(text, '\n')) {
    // 0: a process of another namespace.
    if (const auto pid = parseInt(line); pid && *pid > 0) pids.push_back(static_cast<pid_t>(*pid));
  }
  return pids;
}

void killIn(const fs::path& folder) {
  if (::access((folder / "cgroup.kill").c_str(), W_OK) == 0 && writeTo(folder / "cgroup.kill", "1")) return;
  for (int round = 0; round < kKillRoundsMax; ++round) {
    const auto pids = pidsIn(folder);
    if (pids.empty()) return;
    for (const pid_t pid : pids)
      ::kill(pid, SIGKILL);
  }
}

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::size_t index(GroupPower power) {
  return static_cast<std::size_t>(power);
}

constexpr std::array kControllers{GroupPower::Memory, GroupPower::Pids, GroupPower::Cpu};

// Version 2 lets no group have both processes and children with controllers (but for the root). So the daemon goes into
// a group of its own beside the workers'.
Result<void> enableChildren(const fs::path& own, pid_t self) {
  const std::string offered_text = readAll(own / "cgroup.controllers");
  const auto offered = split(std::string_view(offered_text).substr(0, offered_text.find('\n')), ' ');
  const auto enable = [&]() -> Result<void> {
    const std::string enabled_text = readAll(own / "cgroup.subtree_control");
    const auto enabled = split(std::string_view(enabled_text).substr(0, enabled_text.find('\n')), ' ');
    for (const GroupPower power : kControllers) {
      const std::string_view name = groupPowerName(power);
      if (!contains(offered, name) || contains(enabled, name)) continue;
      if (auto done = writeTo(own / "cgroup.subtree_control", fmt::format("+{}", name)); !done) return done;
    }
    return {};
  };
  auto done = enable();
  if (done) return done;
  const fs::path beside = own / kDaemonGroup;
  if (::mkdir(beside.c_str(), 0755) != 0 && errno != EEXIST) return done;
  if (auto moved = writeTo(beside / "cgroup.procs", std::to_string(self)); !moved) return moved;
  if (const auto others = pidsIn(own); !others.empty()) {
    return Error{Code::Conflict,
                 fmt::format("{} in the daemon's group {}: start longhauld as a unit "
                             "with Delegate=yes, or by `systemd-run --scope -p Delegate=yes longhauld`",
                             counted(others.size(), "other process is", "other processes are"), own.native())};
  }
  return enable();
}

}  // namespace

std::string_view groupPowerName(GroupPower power) {
  constexpr std::array<std::string_view, kGroupPowerCount> kNames{"memory", "pids", "cpu", "kill"};
  return kNames[index(power)];
}

std::vector<Hierarchy> hierarchiesOf(std::string_view cgroup, std::string_view mountinfo) {
  // "4:memory:/system.slice" → the group; version 2 has no controllers in its line: "0::/system.slice".
  std::map<std::string, std::string, std::less<>> groups;
  for (const std::string_view line : split(cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    groups.emplace(line.substr(first + 1, second - first - 1), line.substr(second + 1));
  }
  std::vector<Hierarchy> found;
  // "35 31 0:32 /root /mount/point rw,relatime shared:1 - cgroup cgroup rw,memory"
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || fields.end() - dash < 4) continue;
    const std::string_view type = dash[1];
    if (type != "cgroup" && type != "cgroup2") continue;
    Hierarchy hierarchy{.v2 = type == "cgroup2", .controllers = {}, .own = {}};
    const auto options = split(dash[3], ',');
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& each) {
      const auto names = split(each.first, ',');
      if (hierarchy.v2) return names.empty();
      return !names.empty() &&
             std::all_of(names.begin(), names.end(), [&](std::string_view name) { return contains(options, name); });
    });
    if (group == groups.end()) continue;
    if (!hierarchy.v2) {
      for (const std::string_view name : split(group->first, ','))
        hierarchy.controllers.emplace_back(name);
    }
    const fs::path root = unescaped(fields[3]);
    const fs::path relative = fs::path(group->second).lexically_relative(root);
    // The mount shows another part of the tree than the one that this process is in.
    if (relative.empty() || *relative.begin() == "..") continue;
    const bool known = std::any_of(found.begin(), found.end(), [&](const Hierarchy& each) {
      return each.v2 == hierarchy.v2 && each.controllers == hierarchy.controllers;
    });
    if (known) continue;
    hierarchy.own = (fs::path(unescaped(fields[4])) / relative).lexically_normal();
    if (!hierarchy.own.has_filename()) hierarchy.own = hierarchy.own.parent_path();
    found.push_back(std::move(hierarchy));
  }
  // Version 2 first: what it has is taken from there.
  std::stable_sort(found.begin(), found.end(), [](const Hierarchy& a, const Hierarchy& b) { return a.v2 > b.v2; });
  return found;
}

std::vector<Hierarchy> ownHierarchies() {
  return hierarchiesOf(readAll("/proc/self/cgroup"), readAll("/proc/self/mountinfo"));
}

// ---------------------------------------------------------------- one worker's

const WorkerGroup::Part* WorkerGroup::partWith(GroupPower power) const {
  const auto found =
      std::find_if(parts_.begin(), parts_.end(), [&](const Part& each) { return each.powers[index(power)]; });
  return found == parts_.end() ? nullptr : &*found;
}

std::vector<fs::path> WorkerGroup::entries() const {
  std::vector<fs::path> files;
  for (const Part& part : parts_)
    files.push_back(part.folder / "cgroup.procs");
  return files;
}

GroupUse WorkerGroup::use() const {
  GroupUse use;
  if (const Part* part = partWith(GroupPower::Memory)) {
    use.memory_bytes = numberOf(part->folder / (part->v2 ? "memory.current" : "memory.usage_in_bytes"));
  }
  if (const Part* part = partWith(GroupPower::Pids)) use.pids = numberOf(part->folder / "pids.current");
  return use;
}

GroupEvents WorkerGroup::events() const {
  GroupEvents events;
  if (const Part* part = partWith(GroupPower::Memory)) {
    events.oom_kills = numberIn(part->folder / (part->v2 ? "memory.events" : "memory.oom_control"), "oom_kill");
  }
  if (const Part* part = partWith(GroupPower::Pids))
    events.pids_refused = numberIn(part->folder / "pids.events", "max");
  if (const Part* part = partWith(GroupPower::Cpu)) {
    events.throttled_ms = part->v2 ? numberIn(part->folder / "cpu.stat", "throttled_usec") / 1000
                                   : numberIn(part->folder / "cpu.stat", "throttled_time") / 1'000'000;
  }
  return events;
}

std::vector<pid_t> WorkerGroup::members() const {
  return parts_.empty() ? std::vector<pid_t>{} : pidsIn(parts_.front().folder);
}

bool WorkerGroup::kill() const {
  if (parts_.empty()) return false;
  const Part* part = partWith(GroupPower::Kill);
  killIn(part != nullptr ? part->folder : parts_.front().folder);
  return true;
}

bool WorkerGroup::remove() {
  std::erase_if(parts_, [](const Part& part) { return ::rmdir(part.folder.c_str()) == 0 || errno == ENOENT; });
  return parts_.empty();
}

// ---------------------------------------------------------------- all workers'

CgroupTree CgroupTree::none(const std::string& reason) {
  CgroupTree tree;
  for (Layer& layer : tree.layers_)
    layer.reason = reason;
  return tree;
}

CgroupTree CgroupTree::open(const Options& options) {
  CgroupTree tree = none("this system has no such controller mounted");
  tree.memory_ = options.memory;
  const auto deadline = std::chrono::steady_clock::now() + options.sweep_timeout;
  const std::string remembered = readAll(options.memory);
  std::vector<fs::path> bases;
  for (const std::string_view line : split(remembered, '\n'))
    bases.emplace_back(line);
  const std::string name = fmt::format("longhaul-{}", options.state_tag);
  for (const Hierarchy& hierarchy : options.hierarchies)
    bases.push_back(hierarchy.own / name);
  // All are told to end before the first is waited for.
  for (const fs::path& base : bases) {
    // A file of ours, but a path to remove things at: only what bears our name.
    if (base.filename() == name) tree.sweep(base, deadline);
  }
  for (const Hierarchy& hierarchy : options.hierarchies)
    tree.add(hierarchy, options);
  std::string folders;
  for (const WorkerGroup::Part& base : tree.bases_)
    folders += base.folder.native() + "\n";
  // A failure costs the next daemon a search by the processes' tags only.
  if (folders != remembered) (void)writeFileDurably(options.memory, folders, 0600);
  return tree;
}

void CgroupTree::sweep(const fs::path& base, std::chrono::steady_clock::time_point deadline) {
  std::error_code error;
  for (fs::directory_iterator at{base, error}, end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!at->is_directory(ignored)) continue;
    const fs::path& group = at->path();
    swept_count_ += pidsIn(group).size();
    killIn(group);
    while (::rmdir(group.c_str()) != 0 && errno == EBUSY && std::chrono::steady_clock::now() < deadline) {
      ::poll(nullptr, 0, static_cast<int>(kSweepPause.count()));
      killIn(group);
    }
  }
  ::rmdir(base.c_str());
}

void CgroupTree::add(const Hierarchy& hierarchy, const Options& options) {
  WorkerGroup::Part part{.folder = {}, .v2 = hierarchy.v2, .powers = {}};
  fs::path own = hierarchy.own;
  if (own.filename() == kDaemonGroup) own = own.parent_path();
  std::vector<GroupPower> wanted;
  for (const GroupPower power : kControllers) {
    const bool there = hierarchy.v2 || std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(),
                                                 groupPowerName(power)) != hierarchy.controllers.end();
    if (there && layer(power).version == GroupVersion::None) wanted.push_back(power);
  }
  if (wanted.empty() && !hierarchy.v2) return;
  const auto refuse = [&](const std::string& reason) {
    for (const GroupPower power : wanted)
      layers_[index(power)].reason = reason;
  };

  part.folder = own / fmt::format("longhaul-{}", options.state_tag);
  if (::mkdir(part.folder.c_str(), 0755) != 0 && errno != EEXIST) {
    const int error_number = errno;
    return refuse(
        fmt::format("{}; start longhauld as root, or in a group that is this user's: `systemd-run --user "
                    "--scope -p Delegate=yes longhauld`",
                    systemError("mkdir " + part.folder.native(), error_number).message));
  }
  if (hierarchy.v2) {
    if (auto done = enableChildren(own, options.self); !done) refuse(done.error().message);
    const std::string here_text = readAll(part.folder / "cgroup.controllers");
    const auto here = split(std::string_view(here_text).substr(0, here_text.find('\n')), ' ');
    for (const GroupPower power : wanted) {
      if (!contains(here, groupPowerName(power))) continue;
      if (auto done = writeTo(part.folder / "cgroup.subtree_control", fmt::format("+{}", groupPowerName(power)));
          !done) {
        layers_[index(power)].reason = done.error().message;
        continue;
      }
      part.powers[index(power)] = true;
    }
    part.powers[index(GroupPower::Kill)] = ::access((part.folder / "cgroup.kill").c_str(), F_OK) == 0;
  } else {
    for (const GroupPower power : wanted)
      part.powers[index(power)] = true;
  }
  bool any = false;
  for (std::size_t i = 0; i < kGroupPowerCount; ++i) {
    if (!part.powers[i]) continue;
    any = true;
    layers_[i] = {hierarchy.v2 ? GroupVersion::V2 : GroupVersion::V1, {}};
  }
  if (any) {
    bases_.push_back(std::move(part));
  } else {
    ::rmdir(part.folder.c_str());
  }
}

Result<WorkerGroup> CgroupTree::make(const std::string& name, const GroupLimits& limits) const {
  WorkerGroup group;
  const auto fill = [&](const WorkerGroup::Part& part) -> Result<void> {
    const auto set = [&](const char* file, const std::string& text) { return writeTo(part.folder / file, text); };
    if (part.powers[index(GroupPower::Memory)] && limits.memory_bytes > 0) {
      const std::string bytes = std::to_string(limits.memory_bytes);
      if (auto done = set(part.v2 ? "memory.max" : "memory.limit_in_bytes", bytes); !done) return done;
      // Swapped out, a worker over its limit would take the disk from the others. Kernels without swap have no such
      // file.
      (void)(part.v2 ? set("memory.swap.max", "0") : set("memory.memsw.limit_in_bytes", bytes));
      if (part.v2) (void)set("memory.oom.group", "1");
    }
    if (part.powers[index(GroupPower::Pids)] && limits.pids > 0) {
      if (auto done = set("pids.max", std::to_string(limits.pids)); !done) return done;
    }
    if (part.powers[index(GroupPower::Cpu)] && limits.cpu_percent > 0) {
      const std::string quota = std::to_string(std::uint64_t{limits.cpu_percent} * (kCpuPeriodUs / 100));
      if (auto done =
              part.v2 ? set("cpu.max", fmt::format("{} {}", quota, kCpuPeriodUs)) : set("cpu.cfs_quota_us", quota);
          !done) {
        return done;
      }
    }
    return {};
  };
  for (const WorkerGroup::Part& base : bases_) {
    WorkerGroup::Part part = base;
    part.folder /= name;
    Result<void> done;
    if (::mkdir(part.folder.c_str(), 0755) != 0) {
      done = systemError("mkdir " + part.folder.native(), errno);
    } else {
      group.parts_.push_back(part);
      done = fill(part);
    }
    if (done) continue;
    group.remove();
    return std::move(done).error();
  }
  return group;
}

void CgroupTree::close() {
  for (const WorkerGroup::Part& base : bases_)
    ::rmdir(base.folder.c_str());
  bases_.clear();
}

}  // namespace longhaul::host::process
