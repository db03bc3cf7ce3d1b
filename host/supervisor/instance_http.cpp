#include "host/supervisor/instance_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "host/base/text.h"
#include "host/supervisor/http_check.h"

namespace longhaul::host::supervisor {

using lifecycle::WorkerId;
using protocol::HttpKind;
using protocol::HttpRecord;
using services::HttpAsked;
using services::HttpEvents;
using services::HttpFailure;

namespace {

constexpr auto kSweepEvery = std::chrono::seconds{1};
constexpr std::size_t kGiveBackBytes = kHttpWindowBytes / 4;
constexpr std::int64_t kWindowMax = 2 * static_cast<std::int64_t>(kHttpMessageBytesMax);
constexpr std::uint32_t kSwitching = 101;
constexpr std::uint16_t kCloseFailure = 1011;

}  // namespace

// What the front holds. It loses its owner when the request is over, and is then deaf.
class InstanceRequests::Handle final : public services::HttpExchange {
 public:
  Handle(InstanceRequests& owner, std::uint32_t number) : owner_(&owner), number_(number) {}
  ~Handle() override {
    if (owner_ != nullptr) owner_->gone(number_);
  }
  void letGo() { owner_ = nullptr; }

  void sendBody(std::string_view bytes) override {
    if (owner_ != nullptr) owner_->sendBody(number_, bytes);
  }
  void endBody() override {
    if (owner_ != nullptr) owner_->endBody(number_);
  }
  void consumed(std::size_t bytes) override {
    if (owner_ != nullptr) owner_->consumed(number_, bytes);
  }
  void sendMessage(services::HttpMessageKind kind, std::string_view message) override {
    if (owner_ != nullptr) owner_->sendMessage(number_, kind, message);
  }
  void close(std::uint16_t code, std::string_view reason) override {
    if (owner_ != nullptr) owner_->close(number_, code, reason);
  }

 private:
  InstanceRequests* owner_;
  std::uint32_t number_;
};

// One worker.
struct InstanceRequests::Link final : ipc::HttpChannel::Owner {
  Link(InstanceRequests& of, WorkerId id, UniqueFd fd)
      : requests(of), worker(id), channel(of.around_.loop, *this, std::move(fd)) {}

  void onRecord(const HttpRecord& record) override { requests.onRecord(*this, record); }
  void onViolation(std::string_view text) override { requests.violate(*this, std::string(text)); }

  InstanceRequests& requests;
  WorkerId worker;
  ipc::HttpChannel channel;
  std::size_t under_way_count = 0;
  bool refuses = false;  // it is ending: what it is sent comes back
};

InstanceRequests::InstanceRequests(Surroundings around) : around_(std::move(around)) {}

InstanceRequests::~InstanceRequests() {
  *alive_ = false;
  around_.loop.timers().cancel(sweep_timer_);
  for (const auto& [number, request] : std::exchange(requests_, {})) {
    if (HttpEvents* events = letGo(*request)) events->onFailed({503, "the instance is gone", 0});
  }
}

std::unique_ptr<services::HttpExchange> InstanceRequests::open(HttpAsked asked, HttpEvents& events) {
  do {
    ++last_number_;
  } while (last_number_ == 0 || requests_.contains(last_number_));
  auto handle = std::make_unique<Handle>(*this, last_number_);
  auto request = std::make_unique<Request>();
  request->asked = std::move(asked);
  request->events = &events;
  request->handle = handle.get();
  request->deadline = around_.loop.timers().now() + kHttpWaitTimeout;
  requests_.emplace(last_number_, std::move(request));
  waiting_.push_back(last_number_);
  armSweep();
  pumpSoon();
  return handle;
}

void InstanceRequests::attach(WorkerId worker, UniqueFd channel) {
  links_[worker] = std::make_unique<Link>(*this, worker, std::move(channel));
}

void InstanceRequests::ended(WorkerId worker, bool clean) {
  const auto found = links_.find(worker);
  if (found == links_.end()) return;
  Link& link = *found->second;
  link.channel.drain();
  std::vector<std::uint32_t> numbers;
  for (const auto& [number, request] : requests_) {
    if (request->link == &link) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end(), std::greater<>());  // so that what is held again keeps its order
  for (const std::uint32_t number : numbers) {
    Request* request = find(number);
    if (request == nullptr) continue;
    if (clean && !request->begun && request->events != nullptr) {
      holdAgain(number, *request);
    } else {
      fail(number, {502, "the worker ended before it had answered", 0});
    }
  }
  dead_links_.push_back(std::move(found->second));
  links_.erase(found);
  pumpSoon();
}

// ---------------------------------------------------------------- who goes when

void InstanceRequests::pumpSoon() {
  if (std::exchange(pump_posted_, true)) return;
  around_.loop.post([this, alive = alive_] {
    if (*alive) pump();
  });
}

void InstanceRequests::pump() {
  pump_posted_ = false;
  dead_links_.clear();
  if (!waiting_.empty()) {
    const Serving serving = around_.serving();
    const auto found = links_.find(serving.worker);
    Link* const link = found == links_.end() || found->second->refuses ? nullptr : found->second.get();
    while (link != nullptr && !waiting_.empty() && link->under_way_count < kHttpAtOnce) {
      const std::uint32_t number = waiting_.front();
      waiting_.pop_front();
      send(number, *find(number), *link);
    }
    // No more than are there now: one that is told may come again.
    for (std::size_t left = waiting_.size(); serving.refusal && left > 0 && !waiting_.empty(); --left)
      fail(waiting_.front(), *serving.refusal);
    while (waiting_.size() > kHttpWaitMax) {
      fail(waiting_.back(),
           {503, fmt::format("{} requests wait for this instance already", kHttpWaitMax), kHttpRetryAfterS});
    }
  }
  for (const auto& [worker, link] : links_)
    link->channel.flush();
}

void InstanceRequests::send(std::uint32_t number, Request& request, Link& link) {
  const HttpAsked& asked = request.asked;
  protocol::HttpOpen head{.content_length = asked.content_length,
                          .is_web_socket = asked.is_web_socket ? 1U : 0U,
                          .method = asked.method,
                          .path = asked.path,
                          .query = asked.query,
                          .request_uri = asked.request_uri,
                          .scheme = asked.scheme,
                          .host = asked.host,
                          .client_address = asked.client_address,
                          .user = std::nullopt,
                          .fields = {}};
  if (!asked.user.empty()) head.user = asked.user;
  head.fields.reserve(asked.fields.size());
  for (const services::HttpField& field : asked.fields)
    head.fields.push_back({field.name, field.value});
  std::string payload;
  protocol::encode(head, payload);
  if (payload.size() > protocol::kHttpRecordBytesMax) {
    return fail(number, {431,
                         fmt::format("the request's head has {} bytes, at most {} are taken", payload.size(),
                                     protocol::kHttpRecordBytesMax),
                         0});
  }
  request.told_no_body = request.body_ended || asked.content_length == 0 || asked.is_web_socket;
  request.link = &link;
  request.deadline = around_.loop.timers().now() + kHttpHeadTimeout;
  ++link.under_way_count;
  const std::uint16_t flags = request.told_no_body ? protocol::kHttpNoBody : std::uint16_t{0};
  protocol::appendHttpRecord(link.channel.out(), {HttpKind::Open, flags, number, payload});
}

void InstanceRequests::armSweep() {
  if (sweep_timer_ != TimerId::None) return;
  sweep_timer_ = around_.loop.timers().after(kSweepEvery, [this] {
    sweep_timer_ = TimerId::None;
    sweep();
    if (!requests_.empty()) armSweep();
  });
}

void InstanceRequests::sweep() {
  const TimePoint now = around_.loop.timers().now();
  std::vector<std::uint32_t> late;
  for (const auto& [number, request] : requests_) {
    if (request->events != nullptr && request->status == 0 && request->deadline <= now) late.push_back(number);
  }
  for (const std::uint32_t number : late) {
    Request* request = find(number);
    if (request == nullptr || request->events == nullptr) continue;
    if (request->link == nullptr) {
      fail(number, {503, "the instance has no worker to take it", kHttpRetryAfterS});
      continue;
    }
    around_.warn(
        request->link->worker,
        fmt::format("{} {} was not answered in {} s: the client got 504, and the request keeps its thread until "
                    "it returns",
                    request->asked.method, request->asked.path.substr(0, 200),
                    std::chrono::duration_cast<std::chrono::seconds>(kHttpHeadTimeout).count()));
    cancel(number, *request);
    letGo(*request)->onFailed({504, "the plugin did not answer in time", 0});
  }
}

// ---------------------------------------------------------------- ends

InstanceRequests::Request* InstanceRequests::find(std::uint32_t number) {
  const auto found = requests_.find(number);
  return found == requests_.end() ? nullptr : found->second.get();
}

HttpEvents* InstanceRequests::letGo(Request& request) {
  if (Handle* handle = std::exchange(request.handle, nullptr)) handle->letGo();
  return std::exchange(request.events, nullptr);
}

// It is forgotten before its end is told, so whoever hears of it may do what it likes.
void InstanceRequests::fail(std::uint32_t number, const HttpFailure& failure) {
  HttpEvents* const events = letGo(*find(number));
  forget(number);
  if (events != nullptr) events->onFailed(failure);
}

void InstanceRequests::forget(std::uint32_t number) {
  const auto found = requests_.find(number);
  if (Link* link = found->second->link) {
    --link->under_way_count;
    if (!waiting_.empty()) pumpSoon();
  } else {
    std::erase(waiting_, number);
  }
  requests_.erase(found);
}

void InstanceRequests::cancel(std::uint32_t number, Request& request) {
  if (std::exchange(request.cancelled, true)) return;
  protocol::appendHttpRecord(request.link->channel.out(), {HttpKind::Cancel, 0, number, {}});
  pumpSoon();
}

void InstanceRequests::holdAgain(std::uint32_t number, Request& request) {
  --request.link->under_way_count;
  request.link = nullptr;
  request.deadline = around_.loop.timers().now() + kHttpWaitTimeout;
  waiting_.push_front(number);
  pumpSoon();
}

void InstanceRequests::violate(Link& link, std::string text) {
  link.channel.stop();
  link.refuses = true;
  around_.violated(link.worker, std::move(text));
}

// ---------------------------------------------------------------- from a worker

void InstanceRequests::onRecord(Link& link, const HttpRecord& record) {
  Request* const request = find(record.request);
  if (request == nullptr || request->link != &link) {
    return violate(link, fmt::format("an HTTP record for request {}, which it does not have", record.request));
  }
  const bool is_refusal = record.kind == HttpKind::Failed && (record.flags & protocol::kHttpNotBegun) != 0;
  if (is_refusal && request->begun) return violate(link, "a request given back after it was begun");
  request->begun = !is_refusal;
  switch (record.kind) {
    case HttpKind::Window:
      return onWindow(link, *request, record.payload);
    case HttpKind::Head:
      return onHead(link, *request, record.payload);
    case HttpKind::Body:
      return onBody(link, *request, record.payload);
    case HttpKind::Message:
      return onMessage(link, *request, record);
    case HttpKind::Close:
      return onClose(link, *request, record.payload);
    case HttpKind::End:
      return onEnd(link, record.request, *request);
    case HttpKind::Failed:
      return onFailed(record.request, *request, record);
    default:
      return violate(link, fmt::format("an HTTP record of kind {}", static_cast<int>(record.kind)));
  }
}

void InstanceRequests::onWindow(Link& link, Request& request, std::string_view payload) {
  const auto bytes = protocol::decodeHttpWindow(payload);
  if (!bytes || request.window + static_cast<std::int64_t>(*bytes) > kWindowMax) {
    return violate(link, "a window that cannot be");
  }
  request.window += *bytes;
  if (request.status == 0) request.deadline = around_.loop.timers().now() + kHttpHeadTimeout;
  if (request.events != nullptr && !request.body_ended && !request.closed_here) request.events->onWindow(*bytes);
}

void InstanceRequests::onHead(Link& link, Request& request, std::string_view payload) {
  protocol::HttpHead head;
  if (!decode(payload, head)) return violate(link, "the begin of an answer that is none");
  if (request.status != 0) return violate(link, "a second answer to one request");
  if (std::string fault = headFault(request.asked, head); !fault.empty()) return violate(link, std::move(fault));
  request.status = head.status;
  request.content_length = head.content_length;
  if (request.events == nullptr) return;
  std::vector<services::HttpField> fields;
  fields.reserve(head.fields.size());
  for (const auto& [name, value] : head.fields)
    fields.push_back({std::string{name}, std::string{value}});
  request.events->onHead(static_cast<int>(head.status), std::move(fields), head.content_length);
}

void InstanceRequests::onBody(Link& link, Request& request, std::string_view bytes) {
  request.taken -= static_cast<std::int64_t>(bytes.size());
  request.body_bytes += bytes.size();
  if (request.status == 0 || !answerHasBody(request.asked, request.status)) {
    return violate(link, "a body where there is none");
  }
  if (request.taken < 0) return violate(link, "more of an answer than its window takes");
  if (request.content_length >= 0 && request.body_bytes > static_cast<std::uint64_t>(request.content_length)) {
    return violate(link, "more of an answer than it said");
  }
  if (request.events != nullptr) request.events->onBody(bytes);
}

void InstanceRequests::onMessage(Link& link, Request& request, const HttpRecord& record) {
  if (request.status != kSwitching || request.closed_there) return violate(link, "a message without a WebSocket");
  auto added = request.parts.add(record);
  if (auto* violation = std::get_if<protocol::Violation>(&added)) return violate(link, std::move(violation->text));
  const auto* whole = std::get_if<protocol::HttpMessageParts::Whole>(&added);
  if (whole == nullptr) return;
  if (request.taken <= 0) return violate(link, "more messages than its window takes");
  if (!whole->binary && !isUtf8(whole->message)) return violate(link, "a text message that is not UTF-8");
  request.taken -= static_cast<std::int64_t>(whole->message.size() + services::kHttpMessageCost);
  if (request.events == nullptr) return;
  request.events->onMessage(whole->binary ? services::HttpMessageKind::Binary : services::HttpMessageKind::Text,
                            whole->message);
}

void InstanceRequests::onClose(Link& link, Request& request, std::string_view payload) {
  protocol::HttpClose close;
  if (!decode(payload, close) || request.status != kSwitching || std::exchange(request.closed_there, true) ||
      !isCloseCode(close.code) || !isUtf8(close.reason)) {
    return violate(link, "the close of a WebSocket that cannot be");
  }
  if (HttpEvents* events = letGo(request)) events->onClose(close.code, close.reason);
}

void InstanceRequests::onEnd(Link& link, std::uint32_t number, Request& request) {
  const bool has_all = !answerHasBody(request.asked, request.status) || request.content_length < 0 ||
                       request.body_bytes == static_cast<std::uint64_t>(request.content_length);
  if (!request.cancelled && (request.status == 0 || !has_all)) return violate(link, "the end of half an answer");
  const bool is_socket = request.status == kSwitching;
  HttpEvents* const events = letGo(request);
  forget(number);
  if (events == nullptr) return;
  if (is_socket) {
    events->onClose(kCloseFailure, {});
  } else {
    events->onEnd();
  }
}

void InstanceRequests::onFailed(std::uint32_t number, Request& request, const HttpRecord& record) {
  if ((record.flags & protocol::kHttpNotBegun) != 0) {
    request.link->refuses = true;
    return request.events != nullptr ? holdAgain(number, request) : forget(number);
  }
  if (request.events != nullptr) {
    around_.warn(request.link->worker,
                 fmt::format("{} {}: {}", request.asked.method, request.asked.path.substr(0, 200), record.payload));
  }
  fail(number, {502, "the plugin's answer failed", 0});
}

// ---------------------------------------------------------------- from the front

void InstanceRequests::sendBody(std::uint32_t number, std::string_view bytes) {
  Request* const request = find(number);
  if (request == nullptr || request->link == nullptr || bytes.empty() || request->told_no_body) return;
  request->window -= static_cast<std::int64_t>(bytes.size());
  if (request->status == 0) request->deadline = around_.loop.timers().now() + kHttpHeadTimeout;
  protocol::appendHttpBody(request->link->channel.out(), number, bytes);
  pumpSoon();
}

void InstanceRequests::endBody(std::uint32_t number) {
  Request* const request = find(number);
  if (request == nullptr || std::exchange(request->body_ended, true)) return;
  if (request->link == nullptr || request->told_no_body) return;
  protocol::appendHttpRecord(request->link->channel.out(), {HttpKind::BodyEnd, 0, number, {}});
  pumpSoon();
}

void InstanceRequests::consumed(std::uint32_t number, std::size_t bytes) {
  Request* const request = find(number);
  if (request == nullptr || request->link == nullptr) return;
  request->to_give_back += bytes;
  if (request->to_give_back < kGiveBackBytes || request->cancelled) return;
  request->taken += static_cast<std::int64_t>(request->to_give_back);
  protocol::appendHttpWindow(request->link->channel.out(), number,
                             static_cast<std::uint32_t>(std::exchange(request->to_give_back, 0)));
  pumpSoon();
}

void InstanceRequests::sendMessage(std::uint32_t number, services::HttpMessageKind kind, std::string_view message) {
  Request* const request = find(number);
  if (request == nullptr || request->status != kSwitching || request->closed_here) return;
  request->window -= static_cast<std::int64_t>(message.size() + services::kHttpMessageCost);
  protocol::appendHttpMessage(request->link->channel.out(), number, kind == services::HttpMessageKind::Binary, message);
  pumpSoon();
}

void InstanceRequests::close(std::uint32_t number, std::uint16_t code, std::string_view reason) {
  Request* const request = find(number);
  if (request == nullptr || request->status != kSwitching || std::exchange(request->closed_here, true)) return;
  protocol::appendHttpClose(request->link->channel.out(), number, code, reason);
  pumpSoon();
}

void InstanceRequests::gone(std::uint32_t number) {
  Request* const request = find(number);
  if (request == nullptr) return;
  request->handle = nullptr;
  request->events = nullptr;
  if (request->link == nullptr) {
    forget(number);
  } else {
    cancel(number, *request);
  }
}

}  // namespace longhaul::host::supervisor
