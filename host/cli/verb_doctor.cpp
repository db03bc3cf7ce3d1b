// doctor: looks at this machine and at the daemon, says what is missing and how to mend it. Works without a daemon:
// then only what it alone knows is left out. It changes nothing.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "host/base/counted.h"
#include "host/base/files.h"
#include "host/base/text.h"
#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"
#include "host/config/daemon_config.h"
#include "host/config/instances.h"

namespace longhaul::host::cli {
namespace {

namespace fs = std::filesystem;

// What the daemon holds for each instance: pidfd, channel, call socket, pipes, log files, a listener or two.
constexpr std::uint64_t kDescriptorsPerInstance = 12;
constexpr std::uint64_t kDescriptorsOfDaemon = 400;  // its store, connections and call sockets
constexpr std::uint64_t kDiskBytesLeast = 1ULL << 30;
constexpr std::size_t kSmallFileBytes = 4096;

enum class Grade : std::uint8_t { Good, Note, Warning, Bad };

struct Finding {
  Grade grade = Grade::Good;
  std::string what;    // "state folder"
  std::string found;   // a sentence
  std::string remedy;  // empty: none is wanted
};

std::string_view gradeName(Grade grade) {
  switch (grade) {
    case Grade::Good:
      return "ok";
    case Grade::Note:
      return "note";
    case Grade::Warning:
      return "warning";
    case Grade::Bad:
      break;
  }
  return "missing";
}

Tone toneOf(Grade grade) {
  switch (grade) {
    case Grade::Good:
      return Tone::Good;
    case Grade::Note:
      return Tone::Dim;
    case Grade::Warning:
      return Tone::Warning;
    case Grade::Bad:
      break;
  }
  return Tone::Bad;
}

class Doctor {
 public:
  // `daemons`: what is looked at is what the daemon that answers says that it uses.
  Doctor(Session& session, config::DaemonConfigLoaded loaded, bool daemons)
      : session_(session), loaded_(std::move(loaded)), daemons_(daemons) {}

  void look() {
    configuration();
    if (config().plugin_dirs.empty()) add(Grade::Bad, "plugin folder", "none is configured", "set plugin_dirs");
    for (const fs::path& path : config().plugin_dirs)
      folder("plugin folder", path, false);
    folder("instances folder", config().instances_dir, false);
    folder("state folder", config().state_dir, true);
    programs();
    descriptors();
    disk();
    inotify();
    trust();
    keyFile();
    socketGroup();
    sandbox();
    daemon();
  }
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  const config::DaemonConfig& config() const { return loaded_.config; }
  void add(Grade grade, std::string what, std::string found, std::string remedy = {}) {
    findings_.push_back({grade, std::move(what), std::move(found), std::move(remedy)});
  }

  void configuration() {
    std::error_code error;
    const std::string file = config().config_file.native();
    if (!loaded_.problems.empty()) {
      return add(
          Grade::Bad, "configuration",
          fmt::format("{}: {}", counted(loaded_.problems.size(), "fault"), config::toText(loaded_.problems.front())),
          "longhaul config validate shows all");
    }
    const bool there = fs::exists(config().config_file, error);
    add(Grade::Good, "configuration",
        (there ? file + " is well" : file + " is not there: the defaults are used") +
            (daemons_ ? "; paths are those of the daemon that runs" : ""));
    if (!fs::exists(config().instances_dir, error)) return;
    const auto set = config::loadInstancesFolder(config().instances_dir, config().restart);
    if (set.problems.empty()) return;
    add(Grade::Bad, "instances",
        fmt::format("{}: {}", counted(set.problems.size(), "fault"), config::toText(set.problems.front())),
        "longhaul config validate shows all");
  }

  // A folder of plugins or of instances that others can write to is one from which others run code.
  void folder(const std::string& what, const fs::path& path, bool daemon_makes_it) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      if (errno == EACCES) return add(Grade::Note, what, path.native() + " cannot be looked at by this user", "");
      if (daemon_makes_it) return add(Grade::Good, what, path.native() + " is made at the first start");
      return add(Grade::Warning, what, path.native() + " is not there", "mkdir -p -m 755 " + path.native());
    }
    if (!S_ISDIR(status.st_mode)) return add(Grade::Bad, what, path.native() + " is no folder", "move it away");
    if ((status.st_mode & 022U) != 0 && (status.st_mode & S_ISVTX) == 0) {
      return add(Grade::Bad, what,
                 fmt::format("others can write to {} (mode {:o})", path.native(), status.st_mode & 07777U),
                 "chmod go-w " + path.native());
    }
    add(Grade::Good, what, path.native());
  }

  void programs() {
    for (const char* name : {"longhauld", "longhaul-worker", "longhaul-symbols", "longhaul-plugin"}) {
      const fs::path path = session_.surroundings.programs_dir / name;
      if (::access(path.c_str(), X_OK) == 0) continue;
      add(Grade::Bad, "programs", path.native() + " is not there or cannot be run",
          "install longhaul again, as a whole");
    }
  }

  void descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    const std::uint64_t most = limit.rlim_max == RLIM_INFINITY ? 1U << 30 : limit.rlim_max;
    const std::uint64_t instances =
        most > kDescriptorsOfDaemon ? (most - kDescriptorsOfDaemon) / kDescriptorsPerInstance : 0;
    add(instances < 100 ? Grade::Warning : Grade::Good, "descriptors",
        fmt::format("{} may be open, enough for about {}", most, counted(instances, "instance")),
        instances < 100 ? "LimitNOFILE=65536 in the daemon's unit, or ulimit -Hn 65536" : "");
    if (::getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < 1024) {
      add(Grade::Warning, "processes", fmt::format("this user may have {} of them and threads", limit.rlim_cur),
          "LimitNPROC=infinity in the daemon's unit");
    }
  }

  void disk() {
    fs::path place = config().state_dir;
    std::error_code error;
    while (!fs::exists(place, error) && place.has_relative_path())
      place = place.parent_path();
    struct statvfs status {};
    if (::statvfs(place.c_str(), &status) != 0) return;
    const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
    const std::string found = fmt::format("{} are free at {}", bytesText(free), place.native());
    if (free < kDiskBytesLeast) {
      return add(Grade::Warning, "disk", found, "make room: with none left nothing is acknowledged (STORE_FULL)");
    }
    if (status.f_files > 0 && status.f_favail < 1000) {
      return add(Grade::Warning, "disk",
                 fmt::format("{} files can be made at {}", std::uint64_t{status.f_favail}, place.native()),
                 "remove files");
    }
    add(Grade::Good, "disk", found);
  }

  static std::int64_t numberIn(const char* path) {
    const auto text = readFile(path, kSmallFileBytes);
    if (!text) return -1;
    const std::size_t end = text->find_last_not_of(" \n");
    return parseInt(std::string_view(*text).substr(0, end + 1)).value_or(-1);
  }

  void inotify() {
    const std::int64_t instances = numberIn("/proc/sys/fs/inotify/max_user_instances");
    if (instances >= 0 && instances < 16) {
      return add(Grade::Warning, "inotify", fmt::format("this user may watch with {} instances", instances),
                 "sysctl fs.inotify.max_user_instances=128; without it folders are read every few seconds");
    }
    add(Grade::Good, "inotify", "folders are watched");
  }

  // Faults of its lists are faults of the configuration.
  void trust() {
    const auto read = catalog::Trust::read(config().trust, session_.surroundings.environment.uid);
    switch (read.mode()) {
      case catalog::TrustMode::Any:
        return add(Grade::Good, "trust", "any plugin file is taken that owner and mode allow (trust.mode is any)");
      case catalog::TrustMode::Pinned:
        return add(Grade::Good, "trust",
                   fmt::format("plugin files of {} are taken", counted(read.digestCount(), "digest")));
      case catalog::TrustMode::Signed:
        return add(Grade::Good, "trust",
                   fmt::format("plugin files signed by {} are taken: {}", counted(read.keyIds().size(), "key"),
                               fmt::join(read.keyIds(), ", ")));
    }
  }

  void keyFile() {
    const fs::path path = config().key_file;
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      if (errno == EACCES) return;
      return add(Grade::Note, "key of secrets", path.native() + " is made when it is first wanted");
    }
    if ((status.st_mode & 077U) != 0) {
      return add(Grade::Bad, "key of secrets",
                 fmt::format("others can read {} (mode {:o})", path.native(), status.st_mode & 0777U),
                 "chmod 400 " + path.native());
    }
    add(Grade::Good, "key of secrets", path.native() + "; back it up apart from the store");
    printedKeys();
  }

  // Keys that a rotation left for what may not be in a file yet.
  void printedKeys() {
    const auto secrets = session_.api.get(Target{"/secrets"});
    if (!secrets) return;
    for (const Json& key : memberAt(*secrets, "printedKeys")) {
      const std::string id = textAt(key, "keyId");
      std::size_t used = 0;
      for (const Json& secret : memberAt(*secrets, "secrets")) {
        if (textAt(secret, "keyId") == id) ++used;
      }
      const std::string until = localTime(timeAt(key, "until"));
      if (used == 0) {
        add(Grade::Note, "older key of secrets",
            fmt::format("{} opens no secret of an instance; it is kept until {} for references that \"longhaul secret "
                        "encrypt\" printed",
                        id, until),
            "write them into their files by then, or encrypt anew");
      } else {
        add(Grade::Note, "older key of secrets", fmt::format("{} opens {}", id, counted(used, "secret")),
            "\"longhaul secret encrypt\" prints them under the newest key");
      }
    }
  }

  void socketGroup() {
    struct stat status {};
    const std::filesystem::path& socket = session_.api.address().socket;
    if (socket.empty() || ::stat(socket.c_str(), &status) != 0) return;
    const group* found = ::getgrgid(status.st_gid);  // NOLINT: one thread
    const std::string name = found == nullptr ? std::to_string(status.st_gid) : found->gr_name;
    const bool alone = status.st_gid == 0;
    add(alone ? Grade::Note : Grade::Good, "socket's group",
        alone ? fmt::format("{} belongs to the group root: only root reaches the daemon", socket.native())
              : fmt::format("members of {} have the role operate", name),
        alone ? fmt::format("chgrp GROUP {0} && chmod g+s {0}, then restart longhauld", socket.parent_path().native())
              : "");
  }

  // What the daemon gives its workers, from itself: another user may run it, with other rights.
  void sandbox() {
    const auto shown = session_.api.get(Target{"/configuration"});
    if (!shown) return add(Grade::Note, "sandbox", "only a running daemon tells which layers its workers get");
    for (const Json& layer : memberAt(*shown, "sandbox")) {
      const std::string status = textAt(layer, "status");
      const std::string detail = textAt(layer, "detail");
      const std::string found = detail.empty() ? status : fmt::format("{}: {}", status, detail);
      const Grade grade = status == "on" ? Grade::Good : status == "off" ? Grade::Note : Grade::Warning;
      add(grade, fmt::format("sandbox, {}", textAt(layer, "layer")), found);
    }
  }

  void daemon() {
    const auto version = session_.api.get(Target{"/version"});
    if (!version) {
      const bool denied = version.error().code == Code::NotGranted;
      return add(denied ? Grade::Bad : Grade::Warning, "daemon", std::string(sentenceOf(version.error())),
                 denied ? "join the socket's group, or ask as root" : "start longhauld");
    }
    const std::string theirs = textAt(*version, "version");
    add(theirs == LONGHAUL_VERSION_TEXT ? Grade::Good : Grade::Warning, "daemon",
        fmt::format("{} runs, pid {}", theirs, numberAt(*version, "pid")),
        theirs == LONGHAUL_VERSION_TEXT ? ""
                                        : fmt::format("this program is {}: restart longhauld", LONGHAUL_VERSION_TEXT));
    if (const auto me = session_.api.get(Target{"/whoami"})) {
      add(Grade::Good, "your role", fmt::format("{} as {}", textAt(*me, "role"), textAt(*me, "name")));
    }
    limits(*version);
    plugins();
    instances();
    deliveries();
  }

  void limits(const Json& version) {
    std::string held;
    std::string watched;
    std::string reason;
    for (const Json& limit : memberAt(version, "limits")) {
      const bool by_watch = textAt(limit, "heldBy") == "watch";
      std::string& list = by_watch ? watched : held;
      list += fmt::format("{}{}", list.empty() ? "" : ", ", textAt(limit, "name"));
      if (!by_watch) list += fmt::format(" by {}", textAt(limit, "heldBy"));
      if (by_watch && reason.empty()) reason = textAt(limit, "reason");
    }
    if (!held.empty()) add(Grade::Good, "limits", fmt::format("the kernel holds {}", held));
    if (watched.empty()) return;
    add(Grade::Note, "limits", fmt::format("{} are only watched, so that a worker is over them for a moment", watched),
        reason);
  }

  void plugins() {
    const auto answer = session_.api.get(Target{"/plugins"});
    if (!answer) return;
    std::size_t active = 0;
    for (const Json& plugin : memberAt(*answer, "plugins")) {
      const std::string state = textAt(plugin, "state");
      if (state == "active") ++active;
      if (state != "refused") continue;
      add(Grade::Bad, "plugin", fmt::format("{} is refused: {}", textAt(plugin, "path"), textAt(plugin, "reason")),
          fmt::format("longhaul explain {}", textAt(plugin, "path")));
    }
    add(active == 0 ? Grade::Note : Grade::Good, "plugins", fmt::format("{} are active", active),
        active == 0 ? "drop a plugin's .so into the plugin folder" : "");
  }

  void instances() {
    const auto answer = session_.api.get(Target{"/instances"});
    if (!answer) return;
    const Json& rows = memberAt(*answer, "instances");
    std::size_t well = 0;
    for (const Json& instance : rows) {
      const std::string state = textAt(instance, "state");
      const bool bad = state == "refused" || state == "held" || state == "crash-loop" || state == "quarantined";
      if (!bad) {
        ++well;
        continue;
      }
      const std::string remedy = textAt(instance, "remedy");
      add(Grade::Bad, "instance",
          fmt::format("{} is {}: {}", textAt(instance, "name"), state, textAt(instance, "reason")),
          remedy.empty() ? fmt::format("longhaul explain {}", textAt(instance, "name")) : remedy);
    }
    add(Grade::Good, "instances", fmt::format("{} of {} are as they should be", well, rows.size()));
  }

  // What does not go out to people. One line an instance and reason: a mirror an incident would be a flood.
  void deliveries() {
    std::map<std::pair<std::string, std::string>, std::int64_t> entries;
    std::map<std::pair<std::string, std::string>, std::int64_t> questions;
    if (const auto answer = session_.api.get(Target{"/mirrors"})) {
      for (const Json& mirror : memberAt(*answer, "mirrors")) {
        const std::string why = textAt(mirror, "waitsFor");
        if (!why.empty()) entries[{textAt(mirror, "instance"), why}] += numberAt(mirror, "waitingCount");
      }
    }
    if (const auto answer = session_.api.get(Target{"/questions"}.query("state", "open").query("limit", "1000"))) {
      for (const Json& question : memberAt(*answer, "questions")) {
        const std::string why = textAt(question, "waitsFor");
        if (!why.empty()) ++questions[{textAt(question, "instance"), why}];
      }
    }
    for (const auto& [where, count] : entries) {
      add(Grade::Warning, "mirrors",
          fmt::format("{} of mirrored incidents wait for {}: {}",
                      count == 1 ? "1 entry" : fmt::format("{} entries", count), where.first, where.second),
          fmt::format("longhaul explain {}", where.first));
    }
    for (const auto& [where, count] : questions) {
      add(Grade::Warning, "questions",
          fmt::format("{} through {} did not go out: {}",
                      count == 1 ? "1 question" : fmt::format("{} questions", count), where.first, where.second),
          fmt::format("longhaul explain {}", where.first));
    }
  }

  Session& session_;
  const config::DaemonConfigLoaded loaded_;
  const bool daemons_;
  std::vector<Finding> findings_;
};

// A daemon may have been started with flags that no file knows of. What it does not say stays as the files have it.
bool useDaemons(const Session& session, config::DaemonConfigLoaded& loaded) {
  const auto answer = session.api.get(Target{"/configuration"});
  if (!answer) return false;  // none runs, it is older, or this user may not ask: said further down
  const fs::path file = textAt(*answer, "configFile");
  std::error_code error;
  if (file != loaded.config.config_file && fs::exists(file, error)) {
    loaded = config::loadDaemonConfig(session.surroundings.environment, {.config_file = file});
  }
  config::DaemonConfig& config = loaded.config;
  if (!file.empty()) config.config_file = file;
  const Json& theirs = memberAt(*answer, "config");
  const auto use = [&](const char* key, fs::path& into) {
    if (const std::string path = textAt(theirs, key); !path.empty()) into = path;
  };
  use("instances_dir", config.instances_dir);
  use("state_dir", config.state_dir);
  use("key_file", config.key_file);
  config.plugin_dirs.clear();
  for (const Json& path : memberAt(theirs, "plugin_dirs")) {
    if (path.is_string()) config.plugin_dirs.emplace_back(path.get<std::string>());
  }
  return true;
}

Exit doctor(Session& session, const Arguments& arguments) {
  config::DaemonFlags flags;
  const auto file = arguments.text("config");
  if (file) flags.config_file = *file;
  config::DaemonConfigLoaded loaded = config::loadDaemonConfig(session.surroundings.environment, flags);
  const bool daemons = !file && useDaemons(session, loaded);
  Doctor doctor{session, std::move(loaded), daemons};
  doctor.look();
  Json values = Json::array();
  std::vector<std::string> names;
  bool bad = false;
  for (const Finding& finding : doctor.findings()) {
    bad = bad || finding.grade == Grade::Bad;
    const std::string grade(gradeName(finding.grade));
    if (session.output.forPeople()) {
      session.output.line(fmt::format("{} {}: {}",
                                      session.output.toned(fmt::format("{:<8}", grade), toneOf(finding.grade)),
                                      printable(finding.what), printable(finding.found)));
      if (!finding.remedy.empty()) session.output.line(fmt::format("         → {}", printable(finding.remedy)));
    }
    Json value{{"grade", grade}, {"what", finding.what}, {"found", finding.found}};
    if (!finding.remedy.empty()) value["remedy"] = finding.remedy;
    values.push_back(std::move(value));
    names.push_back(finding.what);
  }
  if (!session.output.forPeople()) session.output.list(Table{{}}, values, names);
  return bad ? Exit::Error : Exit::Done;
}

}  // namespace

std::vector<Verb> doctorVerbs() {
  return {
      {.name = "doctor",
       .group = Group::Look,
       .summary = "looks for what is missing here, and says how to mend it",
       .operands = {},
       .options =
           {{.flags = "--config", .kind = ValueKind::Text, .value = "FILE", .help = "the daemon's configuration"}},
       .details =
           "Works with and without the daemon and changes nothing. Looks at the paths that the daemon uses when it\n"
           "answers, at those of --config or of this user's configuration else. Exits with 1 if something is\n"
           "missing.",
       .run = doctor}};
}

}  // namespace longhaul::host::cli
