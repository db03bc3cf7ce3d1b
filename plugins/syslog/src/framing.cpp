#include "framing.h"

#include <algorithm>

namespace syslog_plugin {
namespace {

// A longer count is no count but the beginning of a line: no message of 16 MiB is sent by anyone.
constexpr std::size_t kCountMax = 16u << 20;
constexpr std::size_t kCountDigitsMax = 8;

// A buffer that has held a long message gives its memory back when it is empty.
constexpr std::size_t kKeptCapacityBytes = 8u << 10;

constexpr std::string_view kBetweenFrames("\n\r\0", 3);

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string_view withoutTrailer(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kBetweenFrames);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

void Framer::feed(std::string_view bytes) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  if (buffer_.empty() && buffer_.capacity() > kKeptCapacityBytes && bytes.size() <= kKeptCapacityBytes) {
    buffer_.shrink_to_fit();
  }
  buffer_.append(bytes);
  unread_ = true;
}

bool Framer::next(Frame& frame) {
  while (true) {
    bool given = false;
    bool goes_on = false;
    switch (place_) {
      case Place::Start:
        goes_on = start();
        break;
      case Place::Line:
        given = takeLine(frame);
        break;
      case Place::Counted:
        given = takeCounted(frame);
        break;
      case Place::SkipLine:
      case Place::SkipCounted:
        goes_on = skip();
        break;
    }
    if (given) {
      if (!frame.text.empty()) return true;
    } else if (!goes_on) {
      unread_ = false;
      return false;
    }
  }
}

// Decides what the frame at at_ is; false: its first bytes do not tell yet.
bool Framer::start() {
  const std::size_t begin = buffer_.find_first_not_of(kBetweenFrames, at_);
  at_ = begin == std::string::npos ? buffer_.size() : begin;
  const std::string_view bytes = rest();
  if (bytes.empty()) return false;

  std::size_t digits = 0;
  std::size_t count = 0;
  if (bytes[0] != '0') {
    while (digits < bytes.size() && digits <= kCountDigitsMax && isDigit(bytes[digits])) {
      count = count * 10 + static_cast<std::size_t>(bytes[digits++] - '0');
    }
  }
  bool counted = digits > 0 && digits <= kCountDigitsMax && count <= kCountMax;
  if (counted) {
    if (digits == bytes.size()) return false;
    counted = bytes[digits] == ' ';
    if (counted && !counted_before_) {
      if (digits + 1 == bytes.size()) return false;
      counted = bytes[digits + 1] == '<';
    }
  }
  if (counted) {
    at_ += digits + 1;
    left_bytes_ = count;
    place_ = Place::Counted;
  } else {
    searched_ = 0;
    place_ = Place::Line;
  }
  counted_before_ = counted;
  return true;
}

bool Framer::takeLine(Frame& frame) {
  const std::string_view bytes = rest();
  // CR and LF may stand behind a message that has just the size of the limit.
  const std::size_t end = bytes.substr(0, limit_bytes_ + 2).find('\n', searched_);
  if (end != std::string_view::npos) {
    place_ = Place::Start;
    give(frame, end, false);
    ++at_;
    return true;
  }
  searched_ = std::min(bytes.size(), limit_bytes_ + 2);
  if (bytes.size() < limit_bytes_ + 2) return false;
  place_ = Place::SkipLine;
  return give(frame, limit_bytes_, true);
}

bool Framer::takeCounted(Frame& frame) {
  const std::size_t wanted = std::min(left_bytes_, limit_bytes_);
  if (rest().size() < wanted) return false;
  left_bytes_ -= wanted;
  place_ = left_bytes_ > 0 ? Place::SkipCounted : Place::Start;
  return give(frame, wanted, left_bytes_ > 0);
}

// Reads over what is beyond the limit; false: there is more of it to come.
bool Framer::skip() {
  const std::string_view bytes = rest();
  if (place_ == Place::SkipCounted) {
    const std::size_t size = std::min(left_bytes_, bytes.size());
    at_ += size;
    left_bytes_ -= size;
    if (left_bytes_ > 0) return false;
  } else {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      at_ = buffer_.size();
      return false;
    }
    at_ += end + 1;
  }
  place_ = Place::Start;
  return true;
}

bool Framer::finish(Frame& frame) {
  const Place place = place_;
  place_ = Place::Start;
  counted_before_ = false;
  unread_ = false;
  if (place == Place::SkipLine || place == Place::SkipCounted) {
    at_ = buffer_.size();
    return false;
  }
  give(frame, rest().size(), place == Place::Counted);
  return !frame.text.empty();
}

bool Framer::give(Frame& frame, std::size_t size_bytes, bool truncated) {
  frame.text = withoutTrailer(rest().substr(0, size_bytes));
  frame.truncated = truncated || frame.text.size() > limit_bytes_;
  frame.text = frame.text.substr(0, limit_bytes_);
  at_ += size_bytes;
  return true;
}

}  // namespace syslog_plugin
