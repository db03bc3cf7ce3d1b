#include "host/ipc/seqpacket_channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "host/base/result.h"
#include "host/ipc/packet_buffer.h"

namespace longhaul::host::ipc {

using protocol::Kind;

PacketBuffer& packetBuffer() {
  static thread_local PacketBuffer buffer;
  return buffer;
}

SeqpacketChannel::SeqpacketChannel(EventLoop& loop, ChannelEvents& events, CallSocketBudget& budget, UniqueFd control,
                                   UniqueFd first_call, void* page)
    : loop_(loop),
      events_(events),
      budget_(budget),
      control_(std::move(control)),
      control_watch_(loop.watch(
          control_.get(), [this] { readControl(kPacketsPerTurn); },
          [this] {
            if (control_queue_.resume(control_.get()) == SendQueue::Outcome::Waiting) control_watch_->waitWritable();
          })),
      ring_(page) {
  ring_.sleep();
  addCallSocket(std::move(first_call));
  control_watch_->waitReadable();
}

SeqpacketChannel::~SeqpacketChannel() {
  *alive_ = false;
  const auto open = static_cast<std::size_t>(
      std::count_if(calls_.begin() + 1, calls_.end(), [](const auto& socket) { return socket != nullptr; }));
  budget_.used_count -= open;
}

void SeqpacketChannel::addCallSocket(UniqueFd fd) {
  auto index = static_cast<std::uint32_t>(calls_.size());
  for (std::uint32_t i = 1; i < calls_.size(); ++i) {
    if (calls_[i] == nullptr) index = i;
  }
  if (index == calls_.size()) calls_.emplace_back();
  calls_[index] = std::make_unique<CallSocket>(loop_, *this, std::move(fd), index, reassembly_);
}

void SeqpacketChannel::readControl(std::size_t packets_max) {
  PacketBuffer& buffer = packetBuffer();
  ring_taken_ = false;
  for (std::size_t packets = 0; control_open_ && !broken_; ++packets) {
    if (packets == packets_max) {
      control_watch_->waitReadable();  // others have their turn
      return;
    }
    const ssize_t count = ::recv(control_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      control_watch_->waitReadable();
      return;
    }
    if (count < 0 && errno == ECONNRESET) continue;  // told once; what was sent before still lies behind it
    if (count <= 0) {
      control_open_ = false;
      events_.onClosed();
      return;
    }
    if (static_cast<std::size_t>(count) > buffer.size()) {
      onViolation("a packet of " + std::to_string(count) + " bytes on the control socket");
      return;
    }
    const auto fed = control_reassembler_.feed({buffer.data(), static_cast<std::size_t>(count)});
    if (const auto* violation = std::get_if<protocol::Violation>(&fed)) {
      onViolation(violation->text);
    } else if (const auto* message = std::get_if<protocol::Message>(&fed)) {
      onControlMessage(message->frame, message->payload);
    }
  }
}

void SeqpacketChannel::onControlMessage(const protocol::Frame& frame, std::string_view payload) {
  switch (const auto kind = static_cast<Kind>(frame.kind)) {
    case Kind::Doorbell:
      events_.onDoorbell();
      drainRing();
      return;
    case Kind::MoreCalls:
      giveCallSocket(frame.request_id);
      return;
    case Kind::Hello:
    case Kind::Loaded:
    case Kind::Ready:
    case Kind::Bye:
    case Kind::Failed:
    case Kind::ContextApplied:
    case Kind::Extend:
    case Kind::CommandDone:
      events_.onControl(kind, payload);
      return;
    default:
      onViolation("kind " + std::to_string(frame.kind) + " on the control socket");
  }
}

void SeqpacketChannel::giveCallSocket(std::uint64_t request_id) {
  const auto open = static_cast<std::size_t>(
      std::count_if(calls_.begin(), calls_.end(), [](const auto& socket) { return socket != nullptr; }));
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(Kind::MoreCalls);
  frame.request_id = request_id;
  frame.status = static_cast<std::int32_t>(Code::Busy);
  int ends[2] = {-1, -1};
  if (open >= kCallSocketsMax || budget_.used_count >= budget_.count_max ||
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    sendControlFrame(frame, {});
    return;
  }
  UniqueFd ours{ends[0]};
  const UniqueFd theirs{ends[1]};
  frame.status = 0;
  // Behind queued messages it would come out of order only with respect to them, which nothing depends on; when the
  // socket is full, the worker asks again.
  if (!sendDescriptor(control_.get(), frame, theirs.get())) {
    frame.status = static_cast<std::int32_t>(Code::Busy);
    sendControlFrame(frame, {});
    return;
  }
  ++budget_.used_count;
  addCallSocket(std::move(ours));
}

bool SeqpacketChannel::giveHttpChannel(int fd) {
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(Kind::HttpChannel);
  return control_queue_.empty() && sendDescriptor(control_.get(), frame, fd);
}

void SeqpacketChannel::sendControl(Kind kind, std::string_view payload) {
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(kind);
  sendControlFrame(frame, payload);
}

void SeqpacketChannel::sendControlFrame(const protocol::Frame& frame, std::string_view payload) {
  if (!control_open_ || broken_) return;
  const bool was_empty = control_queue_.empty();
  if (control_queue_.send(control_.get(), frame, payload) == SendQueue::Outcome::Waiting && was_empty) {
    control_watch_->waitWritable();
  }
  if (control_queue_.queuedBytes() > kControlQueueBytesMax ||
      control_queue_.queuedPackets() > kControlQueuePacketsMax) {
    onViolation("it does not read its control socket: " + std::to_string(control_queue_.queuedBytes()) +
                " bytes wait for it");
  }
}

void SeqpacketChannel::reply(CallId call, std::int32_t status, std::string_view payload) {
  if (call.socket < calls_.size() && calls_[call.socket] != nullptr) {
    calls_[call.socket]->reply(call.serial, status, payload);
  }
}

void SeqpacketChannel::onCall(CallSocket& socket, protocol::Method method, std::string_view payload) {
  if (broken_) return;
  events_.onCall(CallId{socket.index(), socket.serial()}, method, payload);
}

void SeqpacketChannel::onEnd(CallSocket& socket) {
  // The socket is on the stack above us: it goes in a turn of its own. Its place is free from then on.
  loop_.post([this, alive = alive_, index = socket.index()] {
    if (!*alive || calls_[index] == nullptr) return;
    calls_[index].reset();
    if (index != 0) --budget_.used_count;
  });
}

void SeqpacketChannel::onViolation(std::string_view text) {
  if (broken_) return;
  broken_ = true;
  events_.onViolation(text);
}

// One ring a turn, however often the doorbell rings: the rest of a flood, and what came while we went to sleep, has the
// next turn.
void SeqpacketChannel::drainRing() {
  if (ring_turn_posted_) return;
  if (!std::exchange(ring_taken_, true) && (!takeLines() || (ring_.empty() && ring_.sleep()))) return;
  ring_turn_posted_ = true;
  loop_.post([this, alive = alive_] {
    if (!*alive) return;
    ring_turn_posted_ = false;
    ring_taken_ = false;
    drainRing();
  });
}

bool SeqpacketChannel::takeLines() {
  if (broken_) return false;
  const bool sound = ring_.drain(
      [this](const protocol::LogRecord& record, std::string_view text) { events_.onLogLine(record, text); });
  if (!sound) onViolation("the log ring in the shared page was scribbled over");
  return sound;
}

void SeqpacketChannel::drain() {
  readControl(kPacketsLeftMax);
  // By index: a call handed up may add to the vector only through the control socket, which was read before.
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (calls_[i] != nullptr && !broken_) calls_[i]->read(kPacketsLeftMax);
  }
  // Twice, not until it is empty: a child that the worker left behind could fill it for ever.
  if (takeLines()) takeLines();
}

}  // namespace longhaul::host::ipc
