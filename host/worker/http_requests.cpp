#include "host/worker/http_requests.h"

#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "host/base/http_limits.h"

namespace longhaul::host::worker {

using protocol::HttpKind;
using protocol::HttpRecord;

namespace {

// The host sends no more than the worker takes.
static_assert(kHttpAtOnce == LONGHAUL_HTTP_AT_ONCE);
static_assert(kHttpFieldsBytesMax == LONGHAUL_HTTP_HEADER_BYTES_MAX);
static_assert(kHttpMessageBytesMax == LONGHAUL_HTTP_MESSAGE_BYTES_MAX);

// Detached. Returns 0 or an error number.
int startDetached(void* (*function)(void*), void* argument) {
  pthread_t thread;
  const int error_number = ::pthread_create(&thread, nullptr, function, argument);
  if (error_number == 0) ::pthread_detach(thread);
  return error_number;
}

}  // namespace

HttpRequests::HttpRequests(UniqueFd channel, const longhaul_http_t& table,
                           std::function<void(std::string_view)> violated)
    : channel_(std::move(channel)), table_(table), violated_(std::move(violated)), outbox_(channel_.get()) {}

bool HttpRequests::begin(longhaul_plugin_t* plugin) {
  {
    const std::lock_guard lock{mutex_};
    plugin_ = plugin;
  }
  // Signals are the plugin's, on its own threads.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error_number = startDetached(
      [](void* self) -> void* {
        static_cast<HttpRequests*>(self)->read();
        return nullptr;
      },
      this);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error_number;
  return error_number == 0;
}

void HttpRequests::end() {
  std::unique_lock lock{mutex_};
  ended_ = true;
  std::string records;
  for (const HttpExchange* each : waiting_) {
    protocol::appendHttpRecord(records, {HttpKind::Failed, protocol::kHttpNotBegun, each->number(), {}});
    exchanges_.erase(each->number());
  }
  waiting_.clear();
  for (const auto& [number, exchange] : exchanges_)
    exchange->endsSoon();
  const std::uint64_t up_to = outbox_.append(records);
  lock.unlock();
  outbox_.flush(up_to);
  lock.lock();
  running_changed_.wait(lock, [&] { return running_count_ == 0; });
  plugin_ = nullptr;
}

// ---------------------------------------------------------------- the channel's thread

void HttpRequests::read() {
  const std::unique_ptr<char[]> packet{new char[kPacketBytesMax]};
  for (;;) {
    const ssize_t count = ::recv(channel_.get(), packet.get(), kPacketBytesMax, MSG_TRUNC);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the host is gone: the control thread ends the process
    if (static_cast<std::size_t>(count) > kPacketBytesMax) return violated_("a packet over the limit");
    protocol::HttpRecords records{protocol::HttpSender::Host, {packet.get(), static_cast<std::size_t>(count)}};
    for (auto next = records.next(); !std::holds_alternative<protocol::HttpRecords::Done>(next);
         next = records.next()) {
      if (const auto* violation = std::get_if<protocol::Violation>(&next)) return violated_(violation->text);
      if (!take(std::get<HttpRecord>(next))) return violated_("an HTTP record out of its turn");
    }
  }
}

bool HttpRequests::take(const HttpRecord& record) {
  if (record.kind == HttpKind::Open) return open(record);
  const std::lock_guard lock{mutex_};
  const auto found = exchanges_.find(record.request);
  // One that has ended here meanwhile is none.
  return found == exchanges_.end() || found->second->take(record);
}

bool HttpRequests::open(const HttpRecord& record) {
  protocol::HttpOpen head;
  if (!decode(record.payload, head)) return false;
  std::string refusal;
  {
    const std::lock_guard lock{mutex_};
    if (exchanges_.size() >= kHttpAtOnce || exchanges_.contains(record.request)) return false;
    if (ended_) {
      protocol::appendHttpRecord(refusal, {HttpKind::Failed, protocol::kHttpNotBegun, record.request, {}});
    } else {
      auto& exchange = exchanges_[record.request];
      exchange = std::make_unique<HttpExchange>(mutex_, outbox_, record, head);
      waiting_.push_back(exchange.get());
      if (idle_count_ >= waiting_.size() || startThread() || threads_count_ > 0) {
        work_changed_.notify_one();
      } else {
        waiting_.pop_back();
        exchanges_.erase(record.request);
        protocol::appendHttpRecord(
            refusal, {HttpKind::Failed, 0, record.request, "no thread could be started for it in the worker"});
      }
    }
  }
  if (!refusal.empty()) outbox_.flush(outbox_.append(refusal));
  return true;
}

// With the mutex.
bool HttpRequests::startThread() {
  if (threads_count_ >= kHttpAtOnce) return false;
  const int error_number = startDetached(
      [](void* self) -> void* {
        // The channel's thread blocks all signals; a thread of the plugin's starts with none blocked.
        sigset_t none;
        ::sigemptyset(&none);
        ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
        static_cast<HttpRequests*>(self)->serve();
        return nullptr;
      },
      this);
  if (error_number == 0) ++threads_count_;
  return error_number == 0;
}

// ---------------------------------------------------------------- the pool

void HttpRequests::serve() {
  std::unique_lock lock{mutex_};
  for (;;) {
    ++idle_count_;
    work_changed_.wait(lock, [&] { return !waiting_.empty(); });
    --idle_count_;
    HttpExchange& exchange = *waiting_.front();
    waiting_.pop_front();
    ++running_count_;
    lock.unlock();
    handle(exchange);
    lock.lock();
  }
}

void HttpRequests::handle(HttpExchange& exchange) {
  // Also when the plugin ends the thread instead of returning.
  struct Leaving {
    HttpRequests& requests;
    HttpExchange& exchange;
    longhaul_status_t status = LONGHAUL_INTERNAL;
    bool returned = false;
    ~Leaving() {
      requests.finish(exchange, status, returned ? "" : "the plugin ended the request's thread instead of returning");
      const std::lock_guard lock{requests.mutex_};
      if (!returned) --requests.threads_count_;
    }
  } leaving{*this, exchange};

  exchange.begin();
  leaving.status = table_.handle(plugin_, &exchange.request(), &exchange.table());
  leaving.returned = true;
}

void HttpRequests::finish(HttpExchange& exchange, longhaul_status_t status, std::string_view fault) {
  std::unique_lock lock{mutex_};
  const std::uint64_t up_to = exchange.finish(status, fault);
  exchanges_.erase(exchange.number());  // before its end is told: the host then sends the next one
  lock.unlock();
  outbox_.flush(up_to);
  lock.lock();
  --running_count_;
  running_changed_.notify_all();
}

}  // namespace longhaul::host::worker
