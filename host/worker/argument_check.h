// Checks the arguments of one server call before anything is sent: there or not, UTF-8, sizes. The first fault wins and
// becomes the thread's last error; later arguments are then not looked at. One call on one thread.
#pragma once

#include <cstring>
#include <string_view>
#include <type_traits>

#include "host/protocol/messages.h"
#include "longhaul/types.h"

namespace longhaul::host::worker {

class ArgumentCheck {
 public:
  explicit ArgumentCheck(const char* call) : call_(call) {}

  std::string_view required(const char* name, longhaul_text_t text, std::size_t bytes_max);
  protocol::OptionalText optional(const char* name, longhaul_text_t text, std::size_t bytes_max);
  // 1 to LONGHAUL_IDEMPOTENCY_KEY_BYTES_MAX bytes, or absent.
  protocol::OptionalText idempotencyKey(longhaul_text_t text);
  // A pointer that the caller must give.
  void notNull(const char* name, const void* pointer);
  // The arguments as this build knows them: of a plugin built with an older header the rest is zero, so absent.
  // `needed_bytes`: up to the end of what every version has.
  template <class T>
  T structure(const T* arguments, std::size_t needed_bytes) {
    static_assert(std::is_trivially_copyable_v<T>);
    T copy{};
    if (!structureOk(arguments, arguments ? arguments->struct_size : 0, needed_bytes)) return copy;
    std::memcpy(&copy, arguments, arguments->struct_size < sizeof copy ? arguments->struct_size : sizeof copy);
    return copy;
  }

  // OK, or what the call returns at once.
  longhaul_status_t status();

 private:
  bool structureOk(const void* arguments, std::size_t struct_bytes, std::size_t needed_bytes);
  void fail(longhaul_status_t status, std::string_view text);
  void check(const char* name, longhaul_text_t text, std::size_t bytes_max);

  const char* call_;
  std::size_t total_bytes_ = 0;
  longhaul_status_t status_ = LONGHAUL_OK;
};

}  // namespace longhaul::host::worker
