#include "host/worker/worker.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "host/base/result.h"
#include "host/base/worker_contract.h"
#include "host/sandbox/apply.h"
#include "host/worker/control_thread.h"
#include "host/worker/guarded.h"
#include "host/worker/http_requests.h"
#include "host/worker/last_error.h"
#include "host/worker/migrate.h"
#include "host/worker/plugin_library.h"
#include "host/worker/server_table.h"
#include "host/worker/session.h"
#include "host/worker/signal_handlers.h"

namespace longhaul::host::worker {
namespace {

constexpr int kNoHostExitCode = 71;  // EX_OSERR: not started by a host, or without what a host gives

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "longhaul-worker: %s; it is started by longhauld, not by hand\n", what);
  ::_exit(kNoHostExitCode);
}

// No worker outlives its host. The signal comes when the parent ends after this call; the comparison is for a parent
// that ended before it.
pid_t bindToHost(const char* host_pid_text) {
  pid_t host_pid = 0;
  std::from_chars(host_pid_text, host_pid_text + std::strlen(host_pid_text), host_pid);
  if (host_pid <= 0) refuse("the host's process number is missing");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != host_pid) ::_exit(kNoHostExitCode);
  return host_pid;
}

void* mapPage() {
  struct stat file {};
  if (::fstat(kPageFd, &file) != 0 || file.st_size != protocol::kSharedPageBytes) refuse("there is no shared page");
  void* page = ::mmap(nullptr, protocol::kSharedPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, kPageFd, 0);
  if (page == MAP_FAILED) refuse("the shared page cannot be mapped");
  ::close(kPageFd);
  // A forked child that writes lines would run its own copy of the ring's state against the worker's.
  ::madvise(page, protocol::kSharedPageBytes, MADV_DONTFORK);
  return page;
}

// What a child of the plugin executes gets neither the channel nor the listeners.
void closeOnExec() {
  ::fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  ::fcntl(kFirstCallFd, F_SETFD, FD_CLOEXEC);
  for (int fd = kFirstListenerFd; ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0; ++fd)
    continue;
}

// Of this process, for the handler of a fork, which has no argument.
Session* session_of_process = nullptr;
HttpRequests* http_of_process = nullptr;

void sayHello(Session& session) {
  std::string payload;
  protocol::encode(protocol::Hello{.protocol_version = protocol::kProtocolVersion,
                                   .abi_version = LONGHAUL_ABI_VERSION,
                                   .pid = static_cast<std::uint32_t>(::getpid())},
                   payload);
  if (!session.control.send(protocol::Kind::Hello, payload)) ::_exit(kNoHostExitCode);
}

// What the host wants was sent right behind the spawn, so that it is there already.
void confine(Session& session) {
  auto received = session.control.receive(true);
  const auto* message = std::get_if<ControlSocket::Message>(&received);
  if (std::holds_alternative<ControlSocket::Closed>(received)) ::_exit(kNoHostExitCode);
  sandbox::Confinement confinement;
  if (message == nullptr || message->frame.kind != static_cast<std::uint16_t>(protocol::Kind::Confine) ||
      !sandbox::decode(message->payload, confinement)) {
    session.fail(protocol::Stage::Protocol, LONGHAUL_INTERNAL,
                 "the first message is not Confine, or one of another build");
  }
  std::string fault;
  if (!sandbox::apply(confinement, fault)) session.fail(protocol::Stage::Confine, LONGHAUL_INTERNAL, fault);
}

LoadedPlugin load(Session& session, const char* path) {
  LoadedPlugin plugin;
  LoadFailure failure;
  if (!loadPlugin(path, plugin, failure)) session.fail(failure.stage, LONGHAUL_INVALID, failure.text);
  std::string payload;
  protocol::encode(protocol::Loaded{.abi_version = plugin.descriptor->abi_version, .extensions = plugin.extensions},
                   payload);
  session.control.send(protocol::Kind::Loaded, payload);
  return plugin;
}

// On the main thread, which has nothing else to do: so a start costs no hand-over to another thread. Gives the HTTP
// channel, where there is one.
UniqueFd waitForStart(Session& session) {
  UniqueFd http;
  auto received = session.control.receive(true);
  if (auto* first = std::get_if<ControlSocket::Message>(&received);
      first != nullptr && first->frame.kind == static_cast<std::uint16_t>(protocol::Kind::HttpChannel)) {
    if (!first->descriptor) session.fail(protocol::Stage::Protocol, LONGHAUL_INTERNAL, "an HTTP channel that is none");
    http = std::move(first->descriptor);
    received = session.control.receive(true);
  }
  if (std::holds_alternative<ControlSocket::Closed>(received)) ::_exit(kNoHostExitCode);
  if (const auto* violation = std::get_if<protocol::Violation>(&received)) {
    session.fail(protocol::Stage::Protocol, LONGHAUL_INTERNAL, violation->text);
  }
  const auto& message = std::get<ControlSocket::Message>(received);
  if (message.frame.kind == static_cast<std::uint16_t>(protocol::Kind::Stop)) {
    // Nothing was created, so there is nothing to end.
    std::string payload;
    protocol::encode(protocol::Bye{}, payload);
    session.control.send(protocol::Kind::Bye, payload);
    ::_exit(0);
  }
  protocol::Start start;
  if (message.frame.kind != static_cast<std::uint16_t>(protocol::Kind::Start) ||
      !protocol::decode(message.payload, start)) {
    session.fail(
        protocol::Stage::Protocol, LONGHAUL_INTERNAL,
        "kind " + std::to_string(message.frame.kind) + " where Start has to come, or a Start of another build");
  }
  session.start(start);
  return http;
}

// The text of a failure of create or of the loop: the plugin's last error line says most.
std::string failureText(Session& session, const char* callback, longhaul_status_t status) {
  if (std::string line = session.lastErrorLine(); !line.empty()) return line;
  std::string text = std::string{callback} + " returned " + std::to_string(status) + " (" +
                     std::string{codeName(static_cast<Code>(status))} + ")";
  if (!lastErrorText().empty()) text += ": " + std::string{lastErrorText()};
  return text;
}

[[noreturn]] void runPlugin(Session& session, ControlThread& control, Commands& commands, HttpRequests* http,
                            const LoadedPlugin& loaded, const longhaul_server_t& table) {
  migrateContext(session, loaded.migrate);
  const longhaul_descriptor_t& descriptor = *loaded.descriptor;
  longhaul_plugin_t* plugin = nullptr;
  const longhaul_status_t created = guarded("create", [&] { return descriptor.create(&table, &plugin); });
  if (created < 0) session.fail(protocol::Stage::Create, created, failureText(session, "create", created));
  control.pluginCreated(plugin);
  commands.begin(plugin);
  if (http != nullptr && !http->begin(plugin)) {
    session.fail(protocol::Stage::Create, LONGHAUL_INTERNAL,
                 std::string{"the thread of its HTTP channel cannot be started: "} + ::strerrordesc_np(errno));
  }

  if (!session.facts.signals_ready || session.facts.one_shot) session.sayReady();
  longhaul_status_t ended = LONGHAUL_OK;
  if (session.facts.one_shot) {
    session.stop.waitFor(UINT32_MAX);
  } else {
    ended = guarded("longRunningExecution", [&] { return descriptor.longRunningExecution(plugin); });
  }
  const std::string text = ended < 0 ? failureText(session, "longRunningExecution", ended) : std::string{};

  commands.end();
  if (http != nullptr) http->end();
  control.pluginEnds();
  guarded("destroy", [&] {
    descriptor.destroy(plugin);
    return LONGHAUL_OK;
  });
  session.close();
  std::fflush(stdout);
  std::string payload;
  protocol::encode(protocol::Bye{.status = ended, .text = text}, payload);
  session.control.send(protocol::Kind::Bye, payload);
  ::_exit(0);  // without exit handlers and static destructors: other threads of the plugin may still run
}

}  // namespace

ThreadExitTrap::~ThreadExitTrap() {
  if (returned_) return;
  std::fprintf(stderr, "longhaul-worker: %s ended its thread instead of returning\n", callback_);
  ::_exit(0);  // without Bye: the host knows what that means
}

void runWorker(int argc, char** argv) {
  if (argc != kArgCount) refuse("its arguments are missing");
  const pid_t host_pid = bindToHost(argv[kArgHostPid]);
  closeOnExec();
  // Whole lines at once: a pipe makes stdio collect 4 KiB, and lines of a plugin's printf would come late or never.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);

  const int wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) refuse("there is no descriptor left");
  // Owned by the process: other threads use it until the very end.
  void* const page = mapPage();
  auto* session = new Session{kControlFd, kFirstCallFd, page, wake_fd};
  session_of_process = session;
  ::pthread_atfork(nullptr, nullptr, [] {
    session_of_process->closeInForkedChild();
    if (http_of_process != nullptr) http_of_process->closeInForkedChild();
  });
  sayHello(*session);

  // Before any thread and before any code of the plugin.
  confine(*session);
  if (::getppid() != host_pid) ::_exit(kNoHostExitCode);  // a change of uid had untied them for a moment

  installSignalHandlers(page, *session, host_pid);
  recordModules(page, argv[kArgPlugin]);
  const LoadedPlugin plugin = load(*session, argv[kArgPlugin]);
  recordModules(page, argv[kArgPlugin]);
  UniqueFd http_channel = waitForStart(*session);
  if (http_channel && plugin.http != nullptr) {
    http_of_process = new HttpRequests{std::move(http_channel), *plugin.http, [session](std::string_view text) {
                                         session->fail(protocol::Stage::Protocol, LONGHAUL_INTERNAL, text);
                                       }};
  }
  auto* commands = new Commands{*session, plugin.commands};
  auto* control = new ControlThread{*session, *plugin.descriptor, *commands, wake_fd};
  if (!control->start()) {
    session->fail(protocol::Stage::Create, LONGHAUL_INTERNAL,
                  std::string{"the control thread cannot be started: "} + ::strerrordesc_np(errno));
  }
  auto* table = new ServerTable{*session};
  runPlugin(*session, *control, *commands, http_of_process, plugin, table->table);
}

}  // namespace longhaul::host::worker
