// The channel to a real worker: SOCK_SEQPACKET sockets and the shared page. Loop only. Owns the host's ends and the
// mapping of the page; it does not watch the process.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "host/base/event_loop.h"
#include "host/base/unique_fd.h"
#include "host/ipc/call_socket.h"
#include "host/ipc/channel.h"
#include "host/protocol/log_ring.h"

namespace longhaul::host::ipc {

// Extra call sockets of all workers together; the daemon sets the bound to a quarter of its descriptors.
struct CallSocketBudget {
  std::size_t used_count = 0;
  std::size_t count_max = 256;
};

class SeqpacketChannel final : public Channel, public CallSocket::Owner {
 public:
  // `page` is the mapping of kSharedPageBytes and outlives the channel. Events come from the next turn on.
  SeqpacketChannel(EventLoop& loop, ChannelEvents& events, CallSocketBudget& budget, UniqueFd control,
                   UniqueFd first_call, void* page);
  ~SeqpacketChannel() override;

  void sendControl(protocol::Kind kind, std::string_view payload) override;
  // The worker's end of its HTTP channel, behind what was sent before and in front of Start. False: it could not be
  // given.
  bool giveHttpChannel(int fd);
  void reply(CallId call, std::int32_t status, std::string_view payload) override;
  void drain() override;
  std::uint64_t progressCount() const override { return ring_.progressCount(); }
  std::uint64_t droppedLines() const override { return ring_.droppedCount(); }

 private:
  void onCall(CallSocket& socket, protocol::Method method, std::string_view payload) override;
  void onEnd(CallSocket& socket) override;
  void onViolation(std::string_view text) override;

  void readControl(std::size_t packets_max);
  void onControlMessage(const protocol::Frame& frame, std::string_view payload);
  void giveCallSocket(std::uint64_t request_id);
  void sendControlFrame(const protocol::Frame& frame, std::string_view payload);
  void drainRing();
  bool takeLines();
  void addCallSocket(UniqueFd fd);

  EventLoop& loop_;
  ChannelEvents& events_;
  CallSocketBudget& budget_;
  UniqueFd control_;
  std::unique_ptr<FdWatch> control_watch_;
  SendQueue control_queue_;
  protocol::ReassemblyBudget reassembly_;
  // Its own, for one message at a time: answers of commands go out whatever calls are under way.
  protocol::ReassemblyBudget control_reassembly_;
  protocol::Reassembler control_reassembler_{control_reassembly_};
  protocol::LogRingReader ring_;
  std::vector<std::unique_ptr<CallSocket>> calls_;              // by index; null: closed
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what was posted
  bool control_open_ = true;
  bool broken_ = false;
  bool ring_turn_posted_ = false;
  bool ring_taken_ = false;  // in this turn of the control socket
};

}  // namespace longhaul::host::ipc
