// One request to an instance on its way: the body to the port within the port's window, the answer to the client as
// fast as the client takes it. After 101 it is a WebSocket (web_socket_session.h). Loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/http/body_reader.h"
#include "host/http/passage.h"
#include "host/http/route_answer.h"
#include "host/http/route_counts.h"
#include "host/http/route_request.h"
#include "host/http/web_socket_session.h"
#include "host/services/http_port.h"

namespace longhaul::host::http {

class RoutePassage final : public Passage, private services::HttpEvents {
 public:
  // Opens the exchange. All that are given by reference outlive the passage.
  RoutePassage(RouteRequest request, services::InstanceHttp& port, PassageSide& side, TimerQueue& timers,
               RouteCounts& counts);
  ~RoutePassage() override;

  void take(std::string& input, bool ended) override;
  void onSent(std::size_t bytes) override;
  void drain() override;

 private:
  void onWindow(std::size_t bytes) override;
  void onHead(int status, std::vector<services::HttpField> fields, std::int64_t content_length) override;
  void onBody(std::string_view bytes) override;
  void onMessage(services::HttpMessageKind kind, std::string_view message) override;
  void onClose(std::uint16_t code, std::string_view reason) override;
  void onEnd() override;
  void onFailed(const services::HttpFailure& failure) override;

  void takeBody(std::string& input, bool ended);
  void waitForBody(bool waits, std::size_t came);
  void beginWebSocket(const std::vector<services::HttpField>& fields);
  // The plugin's answer is none.
  void failed(std::string detail) { onFailed({.status = 502, .detail = std::move(detail)}); }
  void refuse(int status, const std::string& detail, int retry_after_s);
  void over(int status, bool whole);
  bool keepsAlive() const;

  RouteRequest request_;  // without `asked`, which the port has
  const std::string instance_;
  const bool is_web_socket_;
  PassageSide& side_;
  TimerQueue& timers_;
  RouteCounts& counts_;
  std::unique_ptr<services::HttpExchange> exchange_;
  std::unique_ptr<WebSocketSession> socket_;

  BodyReader body_;
  std::int64_t window_ = 0;
  bool body_ended_ = false;
  Patience patience_;  // with a client whose body is waited for
  TimePoint waits_since_;
  TimerId timer_ = TimerId::None;

  std::optional<AnswerHead> head_;
  int status_ = 0;
  std::int64_t answer_left_ = 0;    // with Framing::Length
  std::size_t unsent_ = 0;          // of the answer's body, which the instance may not follow up yet
  std::uint64_t body_bytes_ = 0;    // counted at the end
  std::uint64_t answer_bytes_ = 0;  // likewise
  bool keep_alive_ = false;
  bool is_over_ = false;
  TimePoint began_at_;
};

}  // namespace longhaul::host::http
