// The service's events as server-sent events (WHATWG HTML, 9.2): one reader's place in the stream, filtered, with a
// comment now and then, so that both sides notice when the other one is gone. Loop only. The stream outlives it.
#pragma once

#include <memory>
#include <string>

#include "host/admin/event_stream.h"
#include "host/base/timer_queue.h"
#include "host/http/body_stream.h"

namespace longhaul::host::http {

inline constexpr auto kEventsHeartbeat = std::chrono::seconds{15};  // under the idle time of usual proxies, 60 s
inline constexpr std::size_t kEventsChunkBytes = 64U << 10;         // in one go
inline constexpr std::size_t kEventsChunkRows = 256;

class EventSource final : public BodyStream {
 public:
  // Nothing: it is full for this reader.
  static std::shared_ptr<EventSource> open(admin::EventStream& events, TimerQueue& timers, admin::EventReader reader,
                                           admin::EventFilter filter, admin::EventStream::Place place);
  ~EventSource() override;
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;

  std::string take() override;
  void setWake(std::function<void()> wake) override { wake_ = std::move(wake); }

 private:
  EventSource(admin::EventStream& events, TimerQueue& timers, admin::EventFilter filter,
              admin::EventStream::Place place);
  void armHeartbeat();
  void wake() const;

  admin::EventStream& events_;
  TimerQueue& timers_;
  const admin::EventFilter filter_;
  admin::EventStream::Place place_;
  std::function<void()> wake_;
  std::uint64_t subscription_ = 0;
  bool heartbeat_due_ = true;  // the first one tells at once that the stream is open
  TimerId timer_ = TimerId::None;
};

}  // namespace longhaul::host::http
