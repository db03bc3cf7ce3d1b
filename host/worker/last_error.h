// The text of each thread's last failed call, in memory of the thread: no allocation, nothing to destroy, so that it
// works while a thread ends and when memory is out. Any thread, its own text.
#pragma once

#include <cstring>
#include <string_view>

#include "host/base/limits.h"
#include "host/base/text.h"

namespace longhaul::host::worker {

struct LastError {
  std::size_t size = 0;
  char bytes[kErrorTextBytesMax];
};
inline thread_local LastError last_error;

inline void setLastError(std::string_view text) {
  text = cutAtCharacter(text, kErrorTextBytesMax);
  std::memcpy(last_error.bytes, text.data(), text.size());
  last_error.size = text.size();
}
inline std::string_view lastErrorText() {
  return {last_error.bytes, last_error.size};
}

}  // namespace longhaul::host::worker
