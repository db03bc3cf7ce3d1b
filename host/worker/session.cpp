#include "host/worker/session.h"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <chrono>

#include "host/base/limits.h"
#include "host/base/text.h"

namespace longhaul::host::worker {
namespace {

constexpr int kFailedExitCode = 70;  // EX_SOFTWARE; the reason is in the Failed message

std::uint64_t wallUs() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

// The worker's own small numbers for threads: main is 1.
std::uint16_t threadNumber() {
  static std::atomic<std::uint16_t> last{0};
  thread_local std::uint16_t number = 0;
  if (number == 0) number = static_cast<std::uint16_t>(last.fetch_add(1, std::memory_order_relaxed) + 1);
  return number;
}

}  // namespace

Session::Session(int control_fd, int call_fd, void* page, int wake_fd)
    : control(control_fd),
      calls(
          UniqueFd{call_fd}, [this] { control.send(protocol::Kind::MoreCalls, {}); }, [this] { wakeControlThread(); }),
      context([this](std::int64_t version) {
        std::string payload;
        protocol::encode(protocol::ContextApplied{version}, payload);
        control.send(protocol::Kind::ContextApplied, payload);
      }),
      ring(page),
      wake_fd_(wake_fd) {
  threadNumber();
}

void Session::closeInForkedChild() {
  open_.store(false);
  calls.closeInForkedChild();
  ::close(control.fd());
  ::close(wake_fd_);
}

void Session::start(const protocol::Start& message) {
  facts.signals_ready = message.signals_ready != 0;
  facts.one_shot = message.one_shot != 0;
  facts.context_schema = message.context_schema;
  facts.state_schema = message.state_schema;
  facts.context_bytes_max = message.context_bytes_max;
  facts.instance = message.instance;
  facts.params = message.params;
  facts.version = message.version;
  facts.urls = message.urls;
  facts.license_id = message.license_id;
  for (const protocol::Parameter& each : message.parameters)
    facts.parameters.emplace(each.name, each.value);
  for (const protocol::ListenerAt& each : message.listeners)
    facts.listeners.emplace(each.name, static_cast<int>(each.fd));
  context.start(message.context_version, message.context);
  last_run.set(message.last_run_version, message.last_run);
}

void Session::applyReply(const protocol::Reply& reply) {
  applyLateReply(reply);
  if (reply.context_version != 0 &&
      !context.waitFor(reply.context_version, std::chrono::milliseconds{LONGHAUL_CALL_TIMEOUT_MS})) {
    failWithoutChange(reply.context_version);
  }
}

void Session::applyLateReply(const protocol::Reply& reply) {
  if (reply.last_run_version != 0 && reply.last_run) last_run.set(reply.last_run_version, *reply.last_run);
  if (reply.context_version != 0 &&
      !context.add(reply.context_version, reply.whole != 0, reply.changes, ContextCopy::Origin::Reply)) {
    failWithoutChange(reply.context_version);
  }
}

void Session::applyPush(const protocol::ContextChange& change) {
  if (!context.add(change.version, change.whole != 0, change.changes, ContextCopy::Origin::Push)) {
    failWithoutChange(change.version);
  }
}

// A copy that misses a change would answer wrongly for ever; a new worker starts with the right one.
void Session::failWithoutChange(std::int64_t version) {
  fail(protocol::Stage::Protocol, LONGHAUL_INTERNAL,
       "the worker's copy of the context is at version " + std::to_string(context.version()) +
           ", the host sent version " + std::to_string(version) + ", and the change between them did not come");
}

longhaul_status_t Session::log(protocol::LogLevel level, std::string_view text) {
  constexpr std::string_view kCut = " … [cut]";
  std::string changed;
  longhaul_status_t status = LONGHAUL_OK;
  const bool cut = text.size() > kLogLineBytesMax;
  if (cut) text = cutAtCharacter(text, kLogLineBytesMax - kCut.size());
  if (!isUtf8(text)) {
    status = LONGHAUL_INVALID;
    changed = replaceNonUtf8(text);
    text = changed;
  }
  // A replacement has three bytes for one, so the text may be too long once more.
  if (cut || text.size() > kLogLineBytesMax) {
    std::string marked{cutAtCharacter(text, kLogLineBytesMax - kCut.size())};
    marked += kCut;
    changed = std::move(marked);
    text = changed;
  }
  if (level == protocol::LogLevel::Error) {
    const std::lock_guard lock{error_line_mutex_};
    error_line_ = cutAtCharacter(text, kErrorTextBytesMax);
  }
  const auto outcome = ring.write(level, threadNumber(), wallUs(), text);
  if (outcome == protocol::LogRingWriter::Outcome::Dropped) return LONGHAUL_BUSY;
  if (outcome == protocol::LogRingWriter::Outcome::WrittenRingDoorbell && !control.trySend(protocol::Kind::Doorbell)) {
    oweDoorbell();
  }
  return status;
}

std::string Session::lastErrorLine() {
  const std::lock_guard lock{error_line_mutex_};
  return error_line_;
}

void Session::sayReady() {
  if (!ready_said_.exchange(true)) control.send(protocol::Kind::Ready, {});
}

void Session::wakeControlThread() const {
  ::eventfd_write(wake_fd_, 1);
}

void Session::oweDoorbell() {
  doorbell_owed.store(true);
  wakeControlThread();
}

void Session::fail(protocol::Stage stage, longhaul_status_t status, std::string_view text) {
  std::string payload;
  protocol::encode(
      protocol::Failed{static_cast<std::uint32_t>(stage), status, cutAtCharacter(text, kFailedTextBytesMax)}, payload);
  control.send(protocol::Kind::Failed, payload);
  ::_exit(kFailedExitCode);
}

}  // namespace longhaul::host::worker
