#include "host/protocol/log_ring.h"

#include <algorithm>
#include <cstring>

namespace longhaul::host::protocol {
namespace {

std::atomic_ref<std::uint64_t> atomicOf(std::uint64_t& value) {
  return std::atomic_ref<std::uint64_t>{value};
}

constexpr std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + 7) & ~std::uint64_t{7};
}

}  // namespace

LogRingWriter::LogRingWriter(void* page)
    : header_(static_cast<PageHeader*>(page)), ring_(static_cast<char*>(page) + kPageHeaderBytes) {}

void LogRingWriter::copyIn(std::uint64_t at, const void* bytes, std::size_t count) {
  const std::size_t offset = at % kLogRingBytes;
  const std::size_t first = std::min(count, kLogRingBytes - offset);
  std::memcpy(ring_ + offset, bytes, first);
  std::memcpy(ring_, static_cast<const char*>(bytes) + first, count - first);
}

LogRingWriter::Outcome LogRingWriter::write(LogLevel level, std::uint16_t thread, std::uint64_t at_us,
                                            std::string_view text) {
  text = text.substr(0, kLogLineBytesMax);
  const LogRecord record{static_cast<std::uint32_t>(text.size()), static_cast<std::uint8_t>(level), 0, thread, at_us};
  const std::uint64_t size = padded(sizeof record + text.size());
  {
    const std::lock_guard lock{mutex_};
    const std::uint64_t tail = atomicOf(header_->tail).load(std::memory_order_acquire);
    if (head_ - tail + size > kLogRingBytes) {
      atomicOf(header_->dropped_count).fetch_add(1, std::memory_order_relaxed);
      return Outcome::Dropped;
    }
    copyIn(head_, &record, sizeof record);
    copyIn(head_ + sizeof record, text.data(), text.size());
    head_ += size;
    atomicOf(header_->head).store(head_, std::memory_order_release);
  }
  // Either the host sees the new head after it said that it sleeps, or we see that it sleeps: both sides store, fence,
  // then load the other's word. The exchange lets one of many threads ring.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic_ref<std::uint32_t> sleeps{header_->host_sleeps};
  if (sleeps.load(std::memory_order_relaxed) != 0 && sleeps.exchange(0, std::memory_order_relaxed) != 0) {
    return Outcome::WrittenRingDoorbell;
  }
  return Outcome::Written;
}

void LogRingWriter::progress() {
  atomicOf(header_->progress_count).fetch_add(1, std::memory_order_relaxed);
}

LogRingReader::LogRingReader(void* page)
    : header_(static_cast<PageHeader*>(page)), ring_(static_cast<const char*>(page) + kPageHeaderBytes) {}

bool LogRingReader::drain(const std::function<void(const LogRecord&, std::string_view text)>& take) {
  if (broken_) return false;
  const std::uint64_t head = atomicOf(header_->head).load(std::memory_order_acquire);
  const std::uint64_t size = head - tail_;
  if (size == 0) return true;
  broken_ = true;  // until every check below has held
  if (size > kLogRingBytes || size % 8 != 0) return false;
  copy_.resize(size);
  const std::size_t offset = tail_ % kLogRingBytes;
  const std::size_t first = std::min<std::size_t>(size, kLogRingBytes - offset);
  std::memcpy(copy_.data(), ring_ + offset, first);
  std::memcpy(copy_.data() + first, ring_, size - first);
  tail_ = head;
  atomicOf(header_->tail).store(tail_, std::memory_order_release);

  std::string_view rest = copy_;
  while (!rest.empty()) {
    LogRecord record;
    if (rest.size() < sizeof record) return false;
    std::memcpy(&record, rest.data(), sizeof record);
    if (record.size_bytes > kLogLineBytesMax || record.level > static_cast<std::uint8_t>(LogLevel::Error)) return false;
    const std::uint64_t bytes = padded(sizeof record + record.size_bytes);
    if (bytes > rest.size()) return false;
    take(record, rest.substr(sizeof record, record.size_bytes));
    rest.remove_prefix(bytes);
  }
  broken_ = false;
  return true;
}

bool LogRingReader::sleep() {
  std::atomic_ref<std::uint32_t>{header_->host_sleeps}.store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (broken_ || empty()) return true;
  awake();
  return false;
}

void LogRingReader::awake() {
  std::atomic_ref<std::uint32_t>{header_->host_sleeps}.store(0, std::memory_order_relaxed);
}

bool LogRingReader::empty() const {
  return atomicOf(header_->head).load(std::memory_order_acquire) == tail_;
}

std::uint64_t LogRingReader::droppedCount() const {
  return atomicOf(header_->dropped_count).load(std::memory_order_relaxed);
}

std::uint64_t LogRingReader::progressCount() const {
  return atomicOf(header_->progress_count).load(std::memory_order_relaxed);
}

}  // namespace longhaul::host::protocol
