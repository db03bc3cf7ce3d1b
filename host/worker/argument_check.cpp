#include "host/worker/argument_check.h"

#include <string>

#include "host/base/text.h"
#include "host/worker/last_error.h"

namespace longhaul::host::worker {

void ArgumentCheck::fail(longhaul_status_t status, std::string_view text) {
  if (status_ != LONGHAUL_OK) return;
  status_ = status;
  setLastError(std::string{call_} + ": " + std::string{text});
}

void ArgumentCheck::check(const char* name, longhaul_text_t text, std::size_t bytes_max) {
  if (status_ != LONGHAUL_OK) return;
  total_bytes_ += text.size;
  if (text.size > bytes_max) {
    fail(LONGHAUL_TOO_LARGE, std::string{name} + " has " + std::to_string(text.size) + " bytes, at most " +
                                 std::to_string(bytes_max) + " are taken");
  } else if (!isUtf8({text.data, text.size})) {
    fail(LONGHAUL_INVALID, std::string{name} + " is not UTF-8");
  }
}

std::string_view ArgumentCheck::required(const char* name, longhaul_text_t text, std::size_t bytes_max) {
  if (text.data == nullptr) {
    fail(LONGHAUL_INVALID, std::string{name} + " is absent (data is NULL), and it is required");
    return {};
  }
  check(name, text, bytes_max);
  return {text.data, text.size};
}

protocol::OptionalText ArgumentCheck::optional(const char* name, longhaul_text_t text, std::size_t bytes_max) {
  if (text.data == nullptr) {
    if (text.size != 0) fail(LONGHAUL_INVALID, std::string{name} + " has a size but data is NULL");
    return std::nullopt;
  }
  check(name, text, bytes_max);
  return std::string_view{text.data, text.size};
}

protocol::OptionalText ArgumentCheck::idempotencyKey(longhaul_text_t text) {
  const auto key = optional("idempotency_key", text, LONGHAUL_IDEMPOTENCY_KEY_BYTES_MAX);
  if (key && key->empty()) {
    fail(LONGHAUL_INVALID, "idempotency_key is empty; leave it absent (data NULL) for a call without a key");
  }
  return key;
}

void ArgumentCheck::notNull(const char* name, const void* pointer) {
  if (pointer == nullptr) fail(LONGHAUL_INVALID, std::string{name} + " is NULL, and it is required");
}

bool ArgumentCheck::structureOk(const void* arguments, std::size_t struct_bytes, std::size_t needed_bytes) {
  notNull("args", arguments);
  if (arguments != nullptr && struct_bytes < needed_bytes) {
    fail(LONGHAUL_INVALID, "args->struct_size is " + std::to_string(struct_bytes) + ", at least " +
                               std::to_string(needed_bytes) + " is wanted; set it to sizeof of the struct");
  }
  return status_ == LONGHAUL_OK;
}

longhaul_status_t ArgumentCheck::status() {
  if (total_bytes_ > LONGHAUL_MESSAGE_BYTES_MAX - kMessageOverheadBytes) {
    fail(LONGHAUL_TOO_LARGE, "the arguments have " + std::to_string(total_bytes_) + " bytes together, at most " +
                                 std::to_string(LONGHAUL_MESSAGE_BYTES_MAX - kMessageOverheadBytes) + " are taken");
  }
  return status_;
}

}  // namespace longhaul::host::worker
