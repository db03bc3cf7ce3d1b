// The ring of log lines in the page that host and worker share (shared_page.h). The worker is not trusted: the host
// reads each index once, checks its range, and copies before it parses.
//
// A record is a LogRecord and its text, padded to eight bytes, and may run over the end of the ring to its begin. head
// and tail count bytes from the start of the worker and never wrap.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "host/protocol/shared_page.h"

namespace longhaul::host::protocol {

enum class LogLevel : std::uint8_t { Debug = 0, Info = 1, Error = 2 };

struct LogRecord {
  std::uint32_t size_bytes;  // of the text
  std::uint8_t level;        // LogLevel
  std::uint8_t source;       // 0: the plugin's call
  std::uint16_t thread;      // the worker's number of its thread
  std::uint64_t at_us;       // wall clock
};
static_assert(sizeof(LogRecord) == 16);

// The worker's half. Thread-safe: the mutex is in the worker's own memory, and one release store publishes a line, so
// that a killed producer leaves no hole.
class LogRingWriter {
 public:
  // `page` points at kSharedPageBytes and outlives the object.
  explicit LogRingWriter(void* page);

  enum class Outcome { Written, WrittenRingDoorbell, Dropped };
  // A text over kLogLineBytesMax is cut.
  Outcome write(LogLevel level, std::uint16_t thread, std::uint64_t at_us, std::string_view text);
  void progress();

 private:
  void copyIn(std::uint64_t at, const void* bytes, std::size_t count);

  PageHeader* header_;
  char* ring_;
  std::mutex mutex_;
  std::uint64_t head_ = 0;
};

// The host's half. One thread.
class LogRingReader {
 public:
  explicit LogRingReader(void* page);

  // Gives every line that is there to `take` (the text is valid during the call). False: the worker broke the ring's
  // rules; nothing more is read from it.
  bool drain(const std::function<void(const LogRecord&, std::string_view text)>& take);
  // Says that the next line needs the doorbell. False: lines came meanwhile, drain again.
  bool sleep();
  void awake();

  std::uint64_t droppedCount() const;
  std::uint64_t progressCount() const;
  bool empty() const;

 private:
  PageHeader* header_;
  const char* ring_;
  std::uint64_t tail_ = 0;  // our own copy: the one in the page can be scribbled over
  bool broken_ = false;
  std::string copy_;
};

}  // namespace longhaul::host::protocol
