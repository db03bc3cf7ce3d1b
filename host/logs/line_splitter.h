// Cuts what comes through a worker's stdout or stderr pipe into lines: bytes in as they come, whole lines out. A line
// longer than kLogLineBytesMax comes out in pieces of that size, so memory is bounded. A '\r' before '\n' belongs to
// the line's end. One object a pipe; one thread at a time.
#pragma once

#include <string>
#include <string_view>

#include "host/base/limits.h"

namespace longhaul::host::logs {

class LineSplitter {
 public:
  // Calls `take(std::string_view line)` for each line that `bytes` completes. The view is valid during the call.
  template <class Take>
  void feed(std::string_view bytes, Take&& take) {
    while (!bytes.empty()) {
      const std::size_t room = kLogLineBytesMax - partial_.size();
      const std::size_t end = bytes.substr(0, room + 1).find('\n');
      if (end != std::string_view::npos) {
        emit(bytes.substr(0, end), take);
        bytes.remove_prefix(end + 1);
      } else if (bytes.size() > room) {
        emit(bytes.substr(0, room), take);
        bytes.remove_prefix(room);
      } else {
        partial_.append(bytes);
        return;
      }
    }
  }

  // The pipe ended: gives the last line, if it had no end.
  template <class Take>
  void finish(Take&& take) {
    if (!partial_.empty()) emit({}, take);
  }

 private:
  template <class Take>
  void emit(std::string_view rest, Take&& take) {
    std::string_view line = rest;
    if (!partial_.empty()) line = partial_.append(rest);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    take(line);
    partial_.clear();
  }

  std::string partial_;
};

}  // namespace longhaul::host::logs
