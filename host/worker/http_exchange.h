// One request in the worker: what the plugin is given of it, what has come of its body, and how far its answer is. The
// functions of longhaul_http_exchange_t run on the plugin's threads, take…() on the channel's; all under the mutex of
// http_requests.h.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/protocol/http_records.h"
#include "host/worker/http_outbox.h"
#include "longhaul/http.h"

namespace longhaul::host::worker {

class HttpExchange {
 public:
  // `head`: what was decoded of Open; nothing of it is kept but copies.
  HttpExchange(std::mutex& mutex, HttpOutbox& outbox, const protocol::HttpRecord& open, const protocol::HttpOpen& head);
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  std::uint32_t number() const { return number_; }
  const longhaul_http_request_t& request() const { return request_; }
  const longhaul_http_exchange_t& table() const { return table_; }

  // The channel's thread, with the mutex. False: the host broke the protocol.
  bool take(const protocol::HttpRecord& record);
  void endsSoon();  // the worker is ending: a WebSocket is told

  // Its thread has it: the body may come. Without the mutex.
  void begin();
  // With the mutex: the last of it is in the outbox, up to what is given. `fault`: not empty where the plugin did not
  // return.
  std::uint64_t finish(longhaul_status_t status, std::string_view fault);

 private:
  struct Message {
    bool binary = false;
    std::string bytes;
  };

  std::int64_t read(void* buffer, std::size_t size);
  longhaul_status_t respond(std::uint32_t status, const longhaul_http_field_t* fields, std::size_t field_count,
                            std::int64_t content_length);
  longhaul_status_t write(std::string_view bytes);
  longhaul_status_t accept(std::string_view subprotocol);
  longhaul_status_t receive(std::int64_t timeout_ms, std::int32_t* kind, longhaul_sink_t* sink);
  longhaul_status_t send(std::int32_t kind, std::string_view message);
  longhaul_status_t close(std::uint32_t code, std::string_view reason);

  bool hasBody() const;  // of the answer
  void putHead(std::uint32_t status, const std::vector<protocol::HttpFieldView>& fields, std::int64_t content_length);
  void giveBack(std::size_t bytes);
  // What is held leaves, in its order; the lock is let go meanwhile. False: the host is gone.
  bool flush(std::unique_lock<std::mutex>& lock);

  std::mutex& mutex_;
  HttpOutbox& outbox_;
  std::condition_variable changed_;
  std::uint32_t number_;
  std::string head_bytes_;  // the texts of request_
  std::vector<longhaul_http_field_t> fields_;
  longhaul_http_request_t request_{};
  longhaul_http_exchange_t table_{};
  std::string_view offered_;  // subprotocols

  std::string held_;  // records that leave with the next ones
  std::string body_;
  std::size_t body_read_ = 0;
  bool body_ended_ = false;
  std::size_t to_give_back_ = 0;
  std::int64_t taken_window_ = 0;  // what the host may still send
  protocol::HttpMessageParts parts_;
  std::deque<Message> messages_;

  std::uint32_t status_ = 0;  // 0: not answered
  std::int64_t content_length_ = -1;
  std::uint64_t written_ = 0;
  std::int64_t window_ = static_cast<std::int64_t>(kHttpWindowBytes);  // what may be sent
  bool cancelled_ = false;
  bool peer_closed_ = false;
  bool closed_ = false;  // by the plugin
  bool ends_ = false;
};

}  // namespace longhaul::host::worker
