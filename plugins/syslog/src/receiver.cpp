#include "receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace syslog_plugin {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kTcpAt = 2;         // in polled_, behind stop and UDP
constexpr milliseconds kTurnMax{20'000};  // a third of the heartbeat that the manifest declares
constexpr milliseconds kDrainQuiet{100};  // nothing came for so long: the peers have nothing under way
// A sender that has ended believes its lines delivered, though most of them may still be in the buffers of the two
// systems: they are read to their end. A peer that goes on sending is cut off, in time for the manifest's stopTimeout.
constexpr milliseconds kDrainMax{12'000};

}  // namespace

Receiver::Receiver(longhaul::Server server, const Settings& settings)
    : server_(server),
      settings_(settings),
      stop_fd_(server.stopToken().descriptor()),
      notices_(server),
      sender_(server, settings, notices_),
      health_(server, sender_.totals()),
      batch_(settings) {
  if (settings_.udp) udp_.emplace(server_.listener("udp"), settings_.line_bytes_max);
  if (settings_.tcp) tcp_.emplace(server_.listener("tcp"), settings_, notices_);
}

void Receiver::run() {
  while (true) {
    const Time now = std::chrono::steady_clock::now();
    pollAll(waitMs(now), now);
    if (polled_[0].revents != 0) return drain();
    server_.progress();
    if (turn() == Turn::Over) return;
  }
}

Receiver::Turn Receiver::turn() {
  const Time now = std::chrono::steady_clock::now();
  if (tcp_) tcp_->accept(polled_, kTcpAt, now);
  // Neither transport can keep the other from the batch for more than a turn.
  const auto readUdp = [&] {
    if (udp_ && !batch_.isFull()) udp_->read(batch_);
  };
  udp_first_ = !udp_first_;
  if (udp_first_) readUdp();
  if (tcp_ && !batch_.isFull()) tcp_->read(polled_, kTcpAt, batch_, now);
  if (!udp_first_) readUdp();
  if (tcp_) tcp_->closeIdle(batch_, now);
  if (commit() == Turn::Over) return Turn::Over;
  report(std::chrono::steady_clock::now());
  return Turn::On;
}

Receiver::Turn Receiver::commit() {
  if (batch_.lines() == 0) return Turn::On;
  return sender_.commit(batch_) == Sender::End::GivenUp ? Turn::Over : Turn::On;
}

void Receiver::report(Time now) {
  const bool at_limit = tcp_ && tcp_->isAtLimit();
  const auto due = health_.nextDue(sender_.totals(), at_limit);
  if (!due || now < *due) return;
  noteDrops();
  health_.report(sender_.totals(), at_limit ? tcp_->connectionCount() : 0, now);
  sender_.saveCounters();
}

int Receiver::waitMs(Time now) const {
  if ((udp_ && udp_->hasHeld()) || (tcp_ && tcp_->hasHeld())) return 0;
  Time until = now + kTurnMax;
  if (const auto due = health_.nextDue(sender_.totals(), tcp_ && tcp_->isAtLimit())) until = std::min(until, *due);
  if (tcp_) {
    if (const auto due = tcp_->nextDue()) until = std::min(until, *due);
  }
  // Rounded up: a wait that ends a little too early would turn the loop until the time has come.
  return static_cast<int>(std::max<milliseconds::rep>(0, std::chrono::ceil<milliseconds>(until - now).count()));
}

// Whether anything is ready. While draining, only connections count: stop stays readable, datagrams are left.
bool Receiver::pollAll(int timeout_ms, Time now) {
  polled_.clear();
  polled_.push_back({draining_ ? -1 : stop_fd_, POLLIN, 0});
  polled_.push_back({udp_ && !draining_ ? udp_->fd() : -1, POLLIN, 0});
  if (tcp_) tcp_->addTo(polled_, now);
  const int ready = poll(polled_.data(), polled_.size(), timeout_ms);
  if (ready >= 0) return ready > 0;
  if (errno != EINTR && errno != EAGAIN && errno != ENOMEM) {
    throw std::runtime_error(std::string("waiting for the sockets failed: ") + std::strerror(errno));
  }
  for (pollfd& one : polled_)
    one.revents = 0;
  return false;
}

void Receiver::drain() {
  draining_ = true;
  const Time end = std::chrono::steady_clock::now() + kDrainMax;
  if (tcp_) tcp_->shutdownAll();
  while (tcp_ && tcp_->connectionCount() > 0) {
    const Time now = std::chrono::steady_clock::now();
    if (now >= end) {
      tcp_->noteCut();
      break;
    }
    const bool held = tcp_->hasHeld();
    const bool ready = pollAll(held ? 0 : static_cast<int>(kDrainQuiet.count()), now);
    if (!held && !ready) break;
    tcp_->read(polled_, kTcpAt, batch_, now);
    if (commit() == Turn::Over) return;
    server_.progress();
  }
  // Whole lines that are here already; an unfinished one ends with its connection.
  bool some = true;
  while (some) {
    if (udp_) udp_->takeHeld(batch_);
    if (tcp_) tcp_->takeHeld(batch_);
    some = batch_.lines() > 0;
    if (commit() == Turn::Over) return;
  }
  noteDrops();
  sender_.saveCounters();
}

void Receiver::noteDrops() {
  if (!udp_) return;
  if (const auto drops = socketDrops(udp_->fd())) sender_.noteDrops(drops->socket, drops->dropped);
}

}  // namespace syslog_plugin
