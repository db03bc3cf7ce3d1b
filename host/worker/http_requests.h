// Runs the plugin's longhaul.http/1: each request on a thread of a pool, beside the loop, with what comes of its body
// and leaves of its answer held to the windows of the HTTP channel (protocol/http_records.h). A thread of its own reads
// the channel. begin() and end() are main's. Never destroyed: a thread may still be in the plugin when the process
// ends.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/unique_fd.h"
#include "host/worker/http_exchange.h"
#include "host/worker/http_outbox.h"
#include "longhaul/http.h"

namespace longhaul::host::worker {

class HttpRequests {
 public:
  // `channel`: the worker's end, blocking. `violated` ends the process: the host broke the protocol.
  HttpRequests(UniqueFd channel, const longhaul_http_t& table, std::function<void(std::string_view)> violated);

  // From now on requests are taken. False with errno: there is no thread to read the channel.
  bool begin(longhaul_plugin_t* plugin);
  // Takes no further requests, tells WebSockets that they are closed, and returns once none is under way: what comes
  // next is destroy. Whoever waits longer than the stop deadline is ended by the host.
  void end();
  // Async-signal-safe.
  void closeInForkedChild() { outbox_.closeInForkedChild(); }

 private:
  void read();
  bool take(const protocol::HttpRecord& record);
  bool open(const protocol::HttpRecord& record);
  bool startThread();
  void serve();
  void handle(HttpExchange& exchange);
  void finish(HttpExchange& exchange, longhaul_status_t status, std::string_view fault);

  UniqueFd channel_;
  const longhaul_http_t& table_;
  std::function<void(std::string_view)> violated_;
  HttpOutbox outbox_;

  std::mutex mutex_;  // of all below, and of every exchange
  std::condition_variable work_changed_;
  std::condition_variable running_changed_;
  longhaul_plugin_t* plugin_ = nullptr;
  bool ended_ = false;
  std::map<std::uint32_t, std::unique_ptr<HttpExchange>> exchanges_;  // those that were not answered
  std::deque<HttpExchange*> waiting_;                                 // of these, for a thread
  std::size_t threads_count_ = 0;
  std::size_t idle_count_ = 0;
  std::size_t running_count_ = 0;
};

}  // namespace longhaul::host::worker
