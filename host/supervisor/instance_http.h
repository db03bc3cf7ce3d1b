// The HTTP requests of one instance between the front (services/http_port.h) and its workers' HTTP channels: each waits
// until a worker serves and has a thread to spare, goes there, and is followed to its end. At most kHttpAtOnce are in
// one worker, and kHttpWaitMax wait. A worker that ends takes with it what it had begun (502) and nothing else; what it
// had not begun goes to the next one. Private to this room; loop only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/base/event_loop.h"
#include "host/base/http_limits.h"
#include "host/ipc/http_channel.h"
#include "host/lifecycle/instance_machine.h"
#include "host/services/http_port.h"

namespace longhaul::host::supervisor {

class InstanceRequests {
 public:
  // Who takes requests now: a worker; or nobody, and what waits goes on waiting; or nobody will, and why.
  struct Serving {
    lifecycle::WorkerId worker = lifecycle::WorkerId::None;
    std::optional<services::HttpFailure> refusal{};
  };
  struct Surroundings {
    EventLoop& loop;
    std::function<Serving()> serving;
    // That worker broke the protocol and has to go.
    std::function<void(lifecycle::WorkerId, std::string)> violated;
    // A line for the instance's log, in that worker's words or about it.
    std::function<void(lifecycle::WorkerId, std::string_view)> warn;
  };

  explicit InstanceRequests(Surroundings around);
  // Whatever is under way has failed.
  ~InstanceRequests();
  InstanceRequests(const InstanceRequests&) = delete;
  InstanceRequests& operator=(const InstanceRequests&) = delete;

  std::unique_ptr<services::HttpExchange> open(services::HttpAsked asked, services::HttpEvents& events);

  // That worker's channel: before it serves.
  void attach(lifecycle::WorkerId worker, UniqueFd channel);
  // It is dead. `clean`: it said BYE, so that what it did not answer at all it had not begun. Reads what it left.
  void ended(lifecycle::WorkerId worker, bool clean);
  // What serves may have changed: in a turn of its own, what waits is sent or refused.
  void pumpSoon();

  std::size_t waitingCount() const { return waiting_.size(); }
  std::size_t underWayCount() const { return requests_.size() - waiting_.size(); }

 private:
  class Handle;
  struct Link;
  struct Request {
    services::HttpAsked asked;
    services::HttpEvents* events = nullptr;  // null: told of its end, or the client is gone
    Handle* handle = nullptr;
    Link* link = nullptr;  // null: waits
    TimePoint deadline{};  // of waiting, or of the answer's head
    bool begun = false;    // the worker said something of it
    bool cancelled = false;
    bool body_ended = false;  // by the client
    bool told_no_body = false;
    std::int64_t window = 0;                                           // what may be sent to the worker
    std::int64_t taken = static_cast<std::int64_t>(kHttpWindowBytes);  // what the worker may send
    std::size_t to_give_back = 0;
    std::uint32_t status = 0;  // of the answer; 0: none yet
    std::int64_t content_length = -1;
    std::uint64_t body_bytes = 0;
    bool closed_there = false, closed_here = false;  // the WebSocket, by the plugin and by the client
    protocol::HttpMessageParts parts;
  };

  void pump();
  void send(std::uint32_t number, Request& request, Link& link);
  void sweep();
  void armSweep();
  Request* find(std::uint32_t number);
  void fail(std::uint32_t number, const services::HttpFailure& failure);
  void forget(std::uint32_t number);
  void cancel(std::uint32_t number, Request& request);
  void holdAgain(std::uint32_t number, Request& request);
  services::HttpEvents* letGo(Request& request);
  void violate(Link& link, std::string text);

  // From a worker.
  void onRecord(Link& link, const protocol::HttpRecord& record);
  void onWindow(Link& link, Request& request, std::string_view payload);
  void onHead(Link& link, Request& request, std::string_view payload);
  void onBody(Link& link, Request& request, std::string_view bytes);
  void onMessage(Link& link, Request& request, const protocol::HttpRecord& record);
  void onClose(Link& link, Request& request, std::string_view payload);
  void onEnd(Link& link, std::uint32_t number, Request& request);
  void onFailed(std::uint32_t number, Request& request, const protocol::HttpRecord& record);

  // From the front.
  void sendBody(std::uint32_t number, std::string_view bytes);
  void endBody(std::uint32_t number);
  void consumed(std::uint32_t number, std::size_t bytes);
  void sendMessage(std::uint32_t number, services::HttpMessageKind kind, std::string_view message);
  void close(std::uint32_t number, std::uint16_t code, std::string_view reason);
  void gone(std::uint32_t number);

  Surroundings around_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Request>> requests_;
  std::deque<std::uint32_t> waiting_;  // in the order in which they came
  std::map<lifecycle::WorkerId, std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Link>> dead_links_;  // one may be on the stack
  std::uint32_t last_number_ = 0;
  TimerId sweep_timer_ = TimerId::None;
  bool pump_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what was posted
};

}  // namespace longhaul::host::supervisor
