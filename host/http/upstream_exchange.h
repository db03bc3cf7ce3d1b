// One request to a plugin's own HTTP server: over a connection that was kept, or a new one, to its answer or to why
// there is none. After 101 the messages of a WebSocket. Loop only.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/event_loop.h"
#include "host/base/unique_fd.h"
#include "host/http/body_reader.h"
#include "host/http/upstream_head.h"
#include "host/http/web_socket_frames.h"
#include "host/services/http_port.h"

namespace longhaul::host::http {

// Where the server listens: the host's own listener.
struct UpstreamAddress {
  std::string unix_path{};  // empty: TCP
  std::string host{};       // numeric
  std::uint16_t port = 0;
  bool operator==(const UpstreamAddress&) const = default;
};
std::string toText(const UpstreamAddress& address);

// The pool's side of an exchange.
class UpstreamOwner {
 public:
  virtual ~UpstreamOwner() = default;
  // A connection that may be used again, with nothing under way; none: a new one is made.
  virtual UniqueFd takeIdle() = 0;
  virtual void keepIdle(UniqueFd fd) = 0;
  virtual void over() = 0;  // the exchange is being destroyed
};

class UpstreamExchange final : public services::HttpExchange {
 public:
  // Begins in a later turn. All that are given by reference outlive the exchange.
  UpstreamExchange(EventLoop& loop, UpstreamAddress address, services::HttpAsked asked, services::HttpEvents& events,
                   std::unique_ptr<UpstreamOwner> owner);
  ~UpstreamExchange() override;

  void sendBody(std::string_view bytes) override;
  void endBody() override;
  void consumed(std::size_t bytes) override;
  void sendMessage(services::HttpMessageKind kind, std::string_view message) override;
  void close(std::uint16_t code, std::string_view reason) override;

  // Instead of beginning: the request cannot be sent at all.
  void refuse(services::HttpFailure failure);

 private:
  enum class Phase { Waiting, Connecting, Head, Body, Messages, Over };
  using Alive = std::weak_ptr<bool>;

  void begin();
  void connect();
  void connected();
  void attach(UniqueFd fd);
  void onReadable();
  void onWritable();
  void wantWrite();
  // How much of it left; false: the connection is broken.
  bool flush();
  void grant();
  void wantRead();
  void process();
  bool readHead();  // these three: true: there may be more to do with the input
  bool readBody();
  bool readMessage();
  void ended();  // the peer sends nothing more
  bool tryAgain();
  void finish();
  void fail(int status, std::string what, int retry_after_s = 0);
  void setTimer(Duration after, std::function<void()> then);
  void waitForAnswer();
  std::uint32_t mask();

  EventLoop& loop_;
  const UpstreamAddress address_;
  const services::HttpAsked asked_;
  services::HttpEvents& events_;
  std::unique_ptr<UpstreamOwner> owner_;
  const std::string key_;  // of a WebSocket
  std::string head_;       // of the request
  UniqueFd fd_;
  std::unique_ptr<FdWatch> watch_;
  Phase phase_ = Phase::Waiting;
  bool reused_ = false;  // the connection was kept: it may end just now
  bool read_pending_ = false;
  bool write_pending_ = false;
  bool peer_ended_ = false;
  bool closing_ = false;  // a WebSocket that this side closed
  TimePoint began_at_;

  std::string output_;
  std::size_t sent_ = 0;         // of output_
  std::size_t owed_ = 0;         // of the window: what left, and was not granted anew
  std::size_t queued_cost_ = 0;  // of what is in output_: granted when it has left
  bool body_ended_ = false;

  std::string input_;
  UpstreamAnswer answer_;
  std::optional<BodyReader> body_;
  std::int64_t window_;  // of the answer: what may be given on before some of it is consumed
  int interim_count_ = 0;
  WebSocketReader messages_;
  TimerId timer_ = TimerId::None;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // an event may end the exchange
};

}  // namespace longhaul::host::http
