// One connection of a client: reads requests, hands over one at a time in their order, writes the answers. Keep-alive
// and pipelining; every wait has a deadline. A request for an instance's route goes through by pieces (passage.h). Loop
// only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/base/event_loop.h"
#include "host/base/unique_fd.h"
#include "host/http/passage.h"
#include "host/http/request_reader.h"
#include "host/http/transport.h"

namespace longhaul::host::http {

class Connection final : private PassageSide {
 public:
  using Respond = std::function<void(Response)>;
  // Gives what cancels the request when its peer is gone; empty: nothing. `respond` runs once, at once or later, on the
  // loop; after the connection's end it does nothing.
  using Handler = std::function<std::function<void()>(const Request& request, const Peer& peer, Respond respond)>;

  // `closed` runs once, at the end of a turn in which nothing of this object is on the stack: its owner may delete it
  // there. `handler` outlives the connection, and so does `door`; without one there are no routes to instances. The
  // descriptor is made non-blocking.
  Connection(EventLoop& loop, std::unique_ptr<Transport> transport, Peer peer, const Handler& handler,
             std::function<void()> closed, PassageDoor* door = nullptr);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Closes after the answer that is under way, at once when there is none.
  void drain();
  // Since when it waits for its peer alone: for a request, for the rest of one, or that an answer is read. Such a one
  // can be closed when others want its place. Nothing: it does not.
  std::optional<TimePoint> waitsSince() const;
  void close();

 private:
  enum class Phase { Reading, Handling, Routing, Writing, Streaming, Lingering, Closed };

  void onReadable();
  void onWritable();
  void process();
  void handle(Request request);
  void route(Header header);
  // PassageSide
  void write(std::string_view bytes) override;
  void flush() override;
  std::size_t unsentBytes() const override { return output_.size() - sent_bytes_; }
  void resume() override;
  bool isDraining() const override { return draining_; }
  void finish(bool keep_alive) override;
  void cut() override;
  void respond(std::uint64_t serial, const Response& response);
  void startStream(const Response& response);
  void streamOn();
  void refuse(const Refusal& refusal);
  void send(std::string bytes);
  void waitForPeer();
  void written();
  void linger();
  void setTimer(Duration after);
  void onTimer();
  void readMore();
  bool peerIsGone() const;

  EventLoop& loop_;
  const std::unique_ptr<Transport> transport_;
  const Peer peer_;
  const Handler& handler_;
  std::function<void()> closed_;
  std::unique_ptr<FdWatch> watch_;
  Phase phase_ = Phase::Reading;
  RequestReader reader_;
  std::string input_;
  std::string output_;
  std::size_t sent_bytes_ = 0;
  std::function<void()> cancel_;
  std::shared_ptr<BodyStream> stream_;
  std::uint64_t serial_ = 0;  // of the request under way
  bool head_ = false;         // it is a HEAD
  bool keep_alive_ = true;    // after the answer under way
  bool draining_ = false;
  bool read_pending_ = false;
  bool read_wants_write_ = false;  // the handshake of TLS
  bool write_pending_ = false;
  bool flush_posted_ = false;
  bool ended_ = false;  // the peer sends nothing more
  bool timing_request_ = false;
  TimerId timer_ = TimerId::None;
  PassageDoor* const door_;
  Patience patience_;      // with a peer that takes a routed answer
  TimePoint waits_since_;  // of it
  TimePoint moved_at_;     // when its peer last began or took something
  std::unique_ptr<Passage> passage_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late answers ask it
};

}  // namespace longhaul::host::http
