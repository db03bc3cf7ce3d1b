#include "host/http/connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "host/base/limits.h"
#include "host/http/response.h"
#include "host/http/web_limits.h"

namespace longhaul::host::http {

Connection::Connection(EventLoop& loop, std::unique_ptr<Transport> transport, Peer peer, const Handler& handler,
                       std::function<void()> closed, PassageDoor* door)
    : loop_(loop),
      transport_(std::move(transport)),
      peer_(std::move(peer)),
      handler_(handler),
      closed_(std::move(closed)),
      door_(door),
      moved_at_(loop.timers().now()) {
  ::fcntl(transport_->fd(), F_SETFL, ::fcntl(transport_->fd(), F_GETFL) | O_NONBLOCK);
  watch_ = loop_.watch(
      transport_->fd(), [this] { onReadable(); }, [this] { onWritable(); });
  setTimer(peer_.isRemote() ? Duration{kWebFirstRequest} : Duration{kHttpIdle});
  readMore();
}

Connection::~Connection() {
  loop_.timers().cancel(timer_);
  if (auto cancel = std::exchange(cancel_, {})) cancel();
}

void Connection::setTimer(Duration after) {
  loop_.timers().cancel(timer_);
  timer_ = loop_.timers().after(after, [this] {
    timer_ = TimerId::None;
    onTimer();
  });
}

void Connection::onTimer() {
  if (phase_ == Phase::Reading && reader_.isInside()) {
    return refuse({408, "the request did not come whole within 30 s"});
  }
  close();
}

void Connection::readMore() {
  if (read_pending_ || ended_ || phase_ == Phase::Closed) return;
  if (phase_ != Phase::Reading && phase_ != Phase::Lingering && input_.size() >= kHttpPipelinedBytesMax) return;
  read_pending_ = true;
  watch_->waitReadable();
}

// A peer that only says that it sends nothing more may still read the answer; one that closed reads nothing. Over TCP
// both look the same: there whoever waits for an instance, which has better to do than to work for nobody, is gone, and
// so is whoever read events: no browser ends one half of that, and a place among the streams is not kept for nobody.
bool Connection::peerIsGone() const {
  int domain = 0;
  socklen_t size = sizeof domain;
  const bool is_tcp = ::getsockopt(transport_->fd(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain != AF_UNIX;
  if (is_tcp && (phase_ == Phase::Routing || phase_ == Phase::Streaming)) return true;
  pollfd state{.fd = transport_->fd(), .events = 0, .revents = 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

void Connection::onReadable() {
  read_pending_ = false;
  if (phase_ == Phase::Closed) return;
  std::array<char, kTransportReadBytes> buffer;
  const auto [state, count] = transport_->read(buffer.data(), buffer.size());
  if (state == Transport::State::Again) return readMore();
  if (state == Transport::State::WantWrite) {
    read_pending_ = read_wants_write_ = true;
    return watch_->waitWritable();
  }
  if (state != Transport::State::Done) {
    ended_ = true;
    if (state == Transport::State::Broken || phase_ == Phase::Lingering) return close();
    // Requests that came before the end are answered; then, or with half a request, it is over.
    if (phase_ == Phase::Reading) return process();
    if (phase_ == Phase::Routing) passage_->take(input_, true);
    if (peerIsGone()) close();
    return;
  }
  if (phase_ == Phase::Lingering) return readMore();
  // Of one request its begin counts: a byte now and then is no progress.
  if (!reader_.isInside()) moved_at_ = loop_.timers().now();
  input_.append(buffer.data(), count);
  if (phase_ == Phase::Reading) return process();
  if (phase_ == Phase::Routing) passage_->take(input_, false);
  readMore();
}

void Connection::process() {
  if (phase_ != Phase::Reading) return;
  passage_.reset();
  switch (reader_.read(input_)) {
    case RequestReader::State::Complete:
      return handle(reader_.take());
    case RequestReader::State::Routed:
      return route(reader_.takeHeader());
    case RequestReader::State::Failed:
      return refuse(reader_.refusal());
    case RequestReader::State::NeedMore:
      break;
  }
  if (ended_) return close();
  if (reader_.isInside() && !timing_request_) {
    timing_request_ = true;
    setTimer(kHttpRequestTimeout);
  }
  // Short, and the socket's buffer is empty but for a peer that pipelines: what does not fit is left to its patience.
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  if (reader_.takeContinue()) (void)transport_->write(kContinue);
  readMore();
}

void Connection::handle(Request request) {
  phase_ = Phase::Handling;
  timing_request_ = false;
  loop_.timers().cancel(std::exchange(timer_, TimerId::None));
  head_ = request.method == "HEAD";
  keep_alive_ = request.keep_alive && !draining_;
  const std::uint64_t serial = ++serial_;
  readMore();  // tells when the peer goes away
  auto cancel = handler_(request, peer_, [this, serial, alive = std::weak_ptr<bool>(alive_)](const Response& response) {
    if (alive.lock()) respond(serial, response);
  });
  // Answered at once: there is nothing to cancel.
  if (phase_ == Phase::Handling && serial == serial_) cancel_ = std::move(cancel);
}

void Connection::respond(std::uint64_t serial, const Response& response) {
  if (phase_ != Phase::Handling || serial != serial_) return;
  cancel_ = {};
  if (response.stream && !head_) return startStream(response);
  keep_alive_ = keep_alive_ && !draining_;
  phase_ = Phase::Writing;
  send(serialize(response, head_, keep_alive_));
}

void Connection::startStream(const Response& response) {
  if (draining_) return close();
  phase_ = Phase::Streaming;
  keep_alive_ = false;
  stream_ = response.stream;
  stream_->setWake([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) streamOn();
  });
  send(serialize(response, false, false));
}

// What was taken before is gone out: the next. Nothing is taken ahead of the peer.
void Connection::streamOn() {
  if (phase_ != Phase::Streaming || sent_bytes_ < output_.size()) return;
  loop_.timers().cancel(std::exchange(timer_, TimerId::None));
  if (std::string bytes = stream_->take(); !bytes.empty()) send(std::move(bytes));
}

void Connection::route(Header header) {
  phase_ = Phase::Routing;
  timing_request_ = false;
  loop_.timers().cancel(std::exchange(timer_, TimerId::None));
  patience_ = {};
  const bool has_body = header.chunked || header.content_length > 0;
  keep_alive_ = header.keep_alive && !draining_ && !has_body;
  head_ = header.method == "HEAD";
  auto opened = door_ == nullptr ? Response(problem(404, "there are no routes to instances here"))
                                 : door_->open(std::move(header), peer_, *this);
  if (const auto* response = std::get_if<Response>(&opened)) {
    phase_ = Phase::Writing;
    return send(serialize(*response, head_, keep_alive_));
  }
  passage_ = std::move(std::get<std::unique_ptr<Passage>>(opened));
  passage_->take(input_, ended_);
  readMore();
}

void Connection::write(std::string_view bytes) {
  if (phase_ != Phase::Routing) return;
  if (sent_bytes_ == output_.size() || sent_bytes_ >= kHttpPipelinedBytesMax) {
    output_.erase(0, std::exchange(sent_bytes_, 0));
  }
  output_ += bytes;
  if (std::exchange(flush_posted_, true)) return;
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    flush_posted_ = false;
    if (phase_ == Phase::Routing) flush();
  });
}

void Connection::resume() {
  if (phase_ != Phase::Routing) return;
  passage_->take(input_, ended_);
  readMore();
}

void Connection::finish(bool keep_alive) {
  if (phase_ != Phase::Routing) return;
  phase_ = Phase::Writing;
  keep_alive_ = keep_alive && !draining_;
  flush();
}

// With what was said of the answer, as far as it goes out at once: a peer must not take half of one for none.
void Connection::cut() {
  if (phase_ != Phase::Routing) return;
  const std::string_view left = std::string_view(output_).substr(sent_bytes_);
  if (!left.empty() && !write_pending_) (void)transport_->write(left);
  close();
}

void Connection::refuse(const Refusal& refusal) {
  phase_ = Phase::Writing;
  keep_alive_ = false;
  send(serialize(problem(refusal.status, refusal.detail), false, false));
}

void Connection::send(std::string bytes) {
  output_ = std::move(bytes);
  sent_bytes_ = 0;
  flush();
}

void Connection::onWritable() {
  if (std::exchange(read_wants_write_, false)) return onReadable();
  write_pending_ = false;
  flush();
}

// As fast as it has to be where it keeps a thread of an instance busy, else something within the timeout.
void Connection::waitForPeer() {
  if (std::exchange(write_pending_, true)) return;
  watch_->waitWritable();
  waits_since_ = loop_.timers().now();
  setTimer(phase_ == Phase::Routing ? patience_.left() : Duration{kHttpWriteTimeout});
}

void Connection::flush() {
  if (phase_ != Phase::Writing && phase_ != Phase::Streaming && phase_ != Phase::Routing) return;
  if (write_pending_) return;
  while (sent_bytes_ < output_.size()) {
    const auto [state, count] = transport_->write(std::string_view(output_).substr(sent_bytes_));
    if (state == Transport::State::Again) return waitForPeer();
    if (state != Transport::State::Done) return close();
    sent_bytes_ += count;
    moved_at_ = loop_.timers().now();
    if (phase_ != Phase::Routing) continue;
    if (timer_ != TimerId::None) {
      loop_.timers().cancel(std::exchange(timer_, TimerId::None));
      patience_.spend(loop_.timers().now() - waits_since_, count);
    }
    passage_->onSent(count);
    if (phase_ != Phase::Routing) return;  // it finished, and the rest is on its way
  }
  if (phase_ == Phase::Routing) return;
  if (phase_ == Phase::Writing) return written();
  // In a turn of its own: one who reads much does not keep the loop from others.
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) streamOn();
  });
}

void Connection::written() {
  output_ = {};
  sent_bytes_ = 0;
  if (!keep_alive_) return linger();
  phase_ = Phase::Reading;
  setTimer(kHttpIdle);
  // In a turn of its own: a peer that pipelines does not keep the loop from others.
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) process();
  });
}

// A close with bytes unread would take the answer from a peer that is still sending: they are read and dropped.
void Connection::linger() {
  if (ended_) return close();
  phase_ = Phase::Lingering;
  transport_->endWriting();
  setTimer(kHttpLinger);
  readMore();
}

void Connection::drain() {
  draining_ = true;
  if (phase_ == Phase::Routing) return passage_->drain();
  if (phase_ == Phase::Reading || phase_ == Phase::Streaming) close();
}

std::optional<TimePoint> Connection::waitsSince() const {
  const bool is_read = (phase_ == Phase::Writing || phase_ == Phase::Streaming) && write_pending_;
  if (phase_ == Phase::Reading || phase_ == Phase::Lingering || is_read) return moved_at_;
  return std::nullopt;
}

void Connection::close() {
  if (phase_ == Phase::Closed) return;
  phase_ = Phase::Closed;
  loop_.timers().cancel(std::exchange(timer_, TimerId::None));
  if (auto cancel = std::exchange(cancel_, {})) cancel();
  transport_->endWriting();
  ::shutdown(transport_->fd(), SHUT_RDWR);
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    const auto closed = std::move(closed_);
    closed();
  });
}

}  // namespace longhaul::host::http
