#include "host/supervisor/name_readers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "host/base/crash_limits.h"
#include "host/catalog/system_libraries.h"
#include "host/process/process_tree.h"
#include "host/sandbox/confinement.h"
#include "host/sandbox/seccomp/program.h"

namespace longhaul::host::supervisor {

// By the module's index in the question; empty: there is no such file.
struct NameReaders::Files {
  std::vector<UniqueFd> descriptors;
};

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

UniqueFd openFile(const std::filesystem::path& path) {
  if (path.empty()) return {};
  UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return file;
}

// A worker's word about what lay in its memory decides no more than which of the system's libraries is read.
std::filesystem::path libraryCalled(const std::string& name) {
  if (name.find('/') != std::string::npos) return {};
  const catalog::SystemLibraries libraries{"/"};
  return libraries.find(name, {}).path;
}

}  // namespace

NameReaders::NameReaders(EventLoop& loop, catalog::Catalog::RunJob run_job, Setup setup)
    : loop_(loop), run_job_(std::move(run_job)), setup_(std::move(setup)) {}

NameReaders::~NameReaders() {
  for (Reading& each : readings_) {
    loop_.timers().cancel(each.timer);
    if (each.process.pidfd) process::signalProcess(each.process.pidfd.get(), SIGKILL);
  }
}

void NameReaders::ask(Asked asked) {
  if (waiting_.size() >= kNamesWaitingMax) {
    loop_.post([alive = std::weak_ptr{alive_}, asked = std::move(asked)] {
      if (alive.expired()) return;
      asked.done(asked.question,
                 {.asked = {}, .text = {}, .fault = "too many crashes at once: no names were looked for"});
    });
    return;
  }
  waiting_.push_back(std::move(asked));
  startNext();
}

void NameReaders::addPids(std::vector<pid_t>& pids) const {
  for (const Reading& each : readings_) {
    if (each.process.pid != 0) pids.push_back(each.process.pid);
  }
}

void NameReaders::startNext() {
  if (waiting_.empty() || readings_.size() >= kNamesAtOnce) return;
  const Place place = readings_.insert(readings_.end(), Reading{.asked = std::move(waiting_.front())});
  waiting_.pop_front();
  std::vector<std::string> names;
  for (const NameQuestion::Module& module : place->asked.question.modules)
    names.push_back(module.name);
  auto files = std::make_shared<Files>();
  run_job_(
      [files, names = std::move(names), plugin = place->asked.plugin, worker = setup_.worker_binary] {
        for (const std::string& name : names) {
          files->descriptors.push_back(openFile(name == "plugin"            ? plugin
                                                : name == "longhaul-worker" ? worker
                                                                            : libraryCalled(name)));
        }
      },
      [this, alive = std::weak_ptr{alive_}, files, place] {
        if (!alive.expired()) opened(place, *files);
      });
}

void NameReaders::opened(Place place, Files& files) {
  if (auto done = launch(*place, files); !done) {
    place->answer.fault = done.error().message;
    return finish(place);
  }
  place->output_watch = loop_.watch(place->process.stdout_read.get(), [this, place] { readOutput(place); });
  place->output_watch->waitReadable();
  place->end_watch = loop_.watch(place->process.pidfd.get(), [this, place] { ended(place); });
  place->end_watch->waitReadable();
  place->timer = loop_.timers().after(kNamesTimeout, [this, place] {
    place->timer = TimerId::None;
    giveUp(*place, "it took too long");
  });
}

Result<void> NameReaders::launch(Reading& reading, const Files& files) {
  process::ReaderPlan plan{.program = setup_.worker_binary.parent_path() / "longhaul-symbols",
                           .state_tag = setup_.state_tag,
                           .input = {},
                           .files = {}};
  for (std::size_t i = 0; i < files.descriptors.size(); ++i) {
    if (!files.descriptors[i]) continue;
    reading.answer.asked.push_back(i);
    plan.files.push_back(files.descriptors[i].get());
  }
  sandbox::Confinement confinement =
      sandbox::readerConfinement(setup_.sandbox, reading.asked.instance_number, kSanitized);
  if (setup_.sandbox.kernel.seccomp && !sandbox::isOff(setup_.sandbox, sandbox::Layer::Seccomp)) {
    auto program = sandbox::readerProgram();
    if (!program) return withContext("the sandbox", std::move(program).error());
    confinement.seccomp = std::move(*program);
  }
  std::string payload;
  sandbox::encode(confinement, payload);
  const auto size = static_cast<std::uint32_t>(payload.size());
  std::string input(sizeof size, '\0');
  std::memcpy(input.data(), &size, sizeof size);
  input += payload;
  input += questionText(reading.asked.question, reading.answer.asked);
  plan.input = input;
  auto launched = process::launchReader(plan);
  if (!launched) return std::move(launched).error();
  reading.process = std::move(*launched);
  return {};
}

void NameReaders::readOutput(Place place) {
  std::array<char, 16384> bytes;
  while (true) {
    const ssize_t count = ::read(place->process.stdout_read.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return place->output_watch->waitReadable();
    if (count <= 0) return;  // its end comes by the other watch
    place->answer.text.append(bytes.data(), static_cast<std::size_t>(count));
    if (place->answer.text.size() > kNamesAnswerBytesMax) return giveUp(*place, "its answer has no end");
  }
}

// It ends by that, and then it is told.
void NameReaders::giveUp(Reading& reading, std::string why) {
  reading.answer.fault = fmt::format("the process that looks for names was ended: {}", why);
  process::signalProcess(reading.process.pidfd.get(), SIGKILL);
}

void NameReaders::ended(Place place) {
  place->end_watch.reset();
  if (place->answer.fault.empty()) readOutput(place);
  place->output_watch.reset();
  loop_.timers().cancel(std::exchange(place->timer, TimerId::None));
  const auto status = process::waitResult(place->process.pidfd.get());
  const bool well = status && *status && !(*status)->signaled && (*status)->code == 0;
  if (!well && place->answer.fault.empty()) {
    const auto fault = parseJson(place->answer.text);
    const bool said = fault && fault->is_object() && fault->contains("fault") && (*fault)["fault"].is_string();
    place->answer.fault =
        said ? fmt::format("the process that looks for names failed: {}", (*fault)["fault"].get<std::string>())
             : "the process that looks for names died of one of the files";
  }
  finish(place);
}

void NameReaders::finish(Place place) {
  const Reading reading = std::move(*place);
  readings_.erase(place);
  startNext();
  reading.asked.done(reading.asked.question, reading.answer);
}

}  // namespace longhaul::host::supervisor
