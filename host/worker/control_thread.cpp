#include "host/worker/control_thread.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace longhaul::host::worker {
namespace {

constexpr int kHostGoneExitCode = 75;  // EX_TEMPFAIL; nobody is there to see it

}  // namespace

bool ControlThread::start() {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  errno = ::pthread_create(
      &thread, nullptr,
      [](void* self) -> void* {
        static_cast<ControlThread*>(self)->run();
        return nullptr;
      },
      this);
  const int error_number = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error_number;
  if (error_number != 0) return false;
  ::pthread_detach(thread);
  return true;
}

void ControlThread::pluginCreated(longhaul_plugin_t* plugin) {
  {
    const std::lock_guard lock{plugin_mutex_};
    plugin_ = plugin;
  }
  if (session_.stop.waitFor(0)) session_.wakeControlThread();
}

void ControlThread::pluginEnds() {
  const std::lock_guard lock{plugin_mutex_};
  plugin_ = nullptr;
}

void ControlThread::callStop() {
  if (!session_.stop.waitFor(0)) return;
  const std::lock_guard lock{plugin_mutex_};
  if (plugin_ == nullptr || stop_called_) return;
  stop_called_ = true;
  descriptor_.stop(plugin_);
}

void ControlThread::run() {
  std::vector<pollfd> polled;
  for (;;) {
    const auto next = session_.calls.closeIdle(CallPool::Clock::now());
    polled.assign({{session_.control.fd(), POLLIN, 0}, {wake_fd_, POLLIN, 0}});
    for (const auto& each : given_up_)
      polled.push_back({each->fd(), POLLIN, 0});
    const auto wait = next ? std::chrono::ceil<std::chrono::milliseconds>(*next).count() : -1;
    if (::poll(polled.data(), polled.size(), static_cast<int>(wait)) < 0) continue;

    if (polled[1].revents != 0) {
      eventfd_t ignored;
      ::eventfd_read(wake_fd_, &ignored);
      if (session_.doorbell_owed.exchange(false)) session_.control.send(protocol::Kind::Doorbell, {});
      for (auto& each : session_.calls.takeGivenUp())
        given_up_.push_back(std::move(each));
    }
    if (polled[0].revents != 0) handleMessages();
    readGivenUp();
    callStop();
  }
}

void ControlThread::handleMessages() {
  for (;;) {
    auto received = session_.control.receive(false);
    if (std::holds_alternative<ControlSocket::Nothing>(received)) return;
    if (std::holds_alternative<ControlSocket::Closed>(received)) ::_exit(kHostGoneExitCode);
    if (const auto* violation = std::get_if<protocol::Violation>(&received)) {
      session_.fail(protocol::Stage::Protocol, LONGHAUL_INTERNAL, violation->text);
    }
    handle(std::get<ControlSocket::Message>(received));
  }
}

void ControlThread::handle(ControlSocket::Message& message) {
  switch (static_cast<protocol::Kind>(message.frame.kind)) {
    case protocol::Kind::Stop:
      session_.stop.set();  // the plugin's stop() follows when all messages are handled
      return;
    case protocol::Kind::ContextChange: {
      protocol::ContextChange change;
      if (!protocol::decode(message.payload, change)) break;
      session_.applyPush(change);
      return;
    }
    case protocol::Kind::Execute: {
      protocol::Execute asked;
      if (!protocol::decode(message.payload, asked)) break;
      commands_.execute(asked);
      return;
    }
    case protocol::Kind::MoreCalls:
      if (message.frame.status >= 0 && message.descriptor) {
        session_.calls.add(std::move(message.descriptor));
      } else {
        session_.calls.refused();
      }
      return;
    default:
      break;
  }
  session_.fail(
      protocol::Stage::Protocol, LONGHAUL_INTERNAL,
      "kind " + std::to_string(message.frame.kind) + " on the control socket, or a payload that is not its own");
}

// An answer that comes too late for its call still says what became of the context.
void ControlThread::readGivenUp() {
  for (auto& socket : given_up_) {
    switch (socket->readLate()) {
      case CallSocket::Outcome::NoReply:
        continue;
      case CallSocket::Outcome::Replied: {
        protocol::Reply reply;
        if (socket->reply().frame.status >= 0 && protocol::decode(socket->reply().payload, reply)) {
          session_.applyLateReply(reply);
        }
        break;
      }
      default:
        break;
    }
    session_.calls.close(std::move(socket));
  }
  std::erase(given_up_, nullptr);
}

}  // namespace longhaul::host::worker
