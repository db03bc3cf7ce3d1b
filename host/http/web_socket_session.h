// A WebSocket between a client and an instance, once both agreed: frames to messages and back, with the windows of the
// port, pings, and an end that both sides hear of. Loop only. Owns the exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/timer_queue.h"
#include "host/http/passage.h"
#include "host/http/web_socket_frames.h"
#include "host/services/http_port.h"

namespace longhaul::host::http {

class WebSocketSession {
 public:
  WebSocketSession(std::unique_ptr<services::HttpExchange> exchange, std::int64_t window, PassageSide& side,
                   TimerQueue& timers);
  ~WebSocketSession();
  WebSocketSession(const WebSocketSession&) = delete;
  WebSocketSession& operator=(const WebSocketSession&) = delete;

  // Of the client.
  void take(std::string& input, bool ended);
  void onSent(std::size_t bytes);
  // Of the instance.
  void addWindow(std::size_t bytes);
  void send(services::HttpMessageKind kind, std::string_view message);
  // Says the end to the client, and finishes.
  void end(std::uint16_t code, std::string_view reason);
  // To both.
  void endBoth(std::uint16_t code, std::string_view reason);

  bool isOver() const { return !exchange_; }
  std::uint64_t receivedBytes() const { return received_bytes_; }

 private:
  bool mayRead() const;
  void handle(WebSocketReader::Step& step);
  void armPing();
  void onQuiet();

  std::unique_ptr<services::HttpExchange> exchange_;  // none: it is over
  std::int64_t window_;                               // of messages to the instance; one may take it below zero
  PassageSide& side_;
  TimerQueue& timers_;
  WebSocketReader reader_;
  std::size_t unsent_cost_ = 0;  // of messages that the instance may not send anew yet
  std::uint64_t received_bytes_ = 0;
  bool pinged_ = false;
  TimerId timer_ = TimerId::None;
};

}  // namespace longhaul::host::http
