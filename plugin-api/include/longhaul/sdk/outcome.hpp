// How a server call ended: Status, Outcome (for the calls named try…) and Error (what the others throw). Values; any
// thread. The meaning of each status: longhaul/types.h.
#ifndef LONGHAUL_SDK_OUTCOME_HPP
#define LONGHAUL_SDK_OUTCOME_HPP

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "longhaul/types.h"

namespace longhaul {

enum class Status : std::int32_t {
  kOk = LONGHAUL_OK,
  kReplayed = LONGHAUL_REPLAYED,
  kInvalid = LONGHAUL_INVALID,
  kNotFound = LONGHAUL_NOT_FOUND,
  kTooLarge = LONGHAUL_TOO_LARGE,
  kNotGranted = LONGHAUL_NOT_GRANTED,
  kConflict = LONGHAUL_CONFLICT,
  kMismatch = LONGHAUL_MISMATCH,
  kBusy = LONGHAUL_BUSY,
  kStoreFull = LONGHAUL_STORE_FULL,
  kTimeout = LONGHAUL_TIMEOUT,
  kFenced = LONGHAUL_FENCED,
  kNotInWorker = LONGHAUL_NOT_IN_WORKER,
  kClosed = LONGHAUL_CLOSED,
  kAbsent = LONGHAUL_ABSENT,
  kInternal = LONGHAUL_INTERNAL,
  kAlreadyAnswered = LONGHAUL_ALREADY_ANSWERED,
};

// True for OK and REPLAYED, and for what a newer host may add above them.
constexpr bool isDone(Status status) noexcept {
  return static_cast<std::int32_t>(status) >= 0;
}

// "NOT_FOUND" and so on; "UNKNOWN" for a status of a newer host.
inline const char* statusName(Status status) noexcept {
  switch (status) {
    case Status::kOk:
      return "OK";
    case Status::kReplayed:
      return "REPLAYED";
    case Status::kInvalid:
      return "INVALID";
    case Status::kNotFound:
      return "NOT_FOUND";
    case Status::kTooLarge:
      return "TOO_LARGE";
    case Status::kNotGranted:
      return "NOT_GRANTED";
    case Status::kConflict:
      return "CONFLICT";
    case Status::kMismatch:
      return "MISMATCH";
    case Status::kBusy:
      return "BUSY";
    case Status::kStoreFull:
      return "STORE_FULL";
    case Status::kTimeout:
      return "TIMEOUT";
    case Status::kFenced:
      return "FENCED";
    case Status::kNotInWorker:
      return "NOT_IN_WORKER";
    case Status::kClosed:
      return "CLOSED";
    case Status::kAbsent:
      return "ABSENT";
    case Status::kInternal:
      return "INTERNAL";
    case Status::kAlreadyAnswered:
      return "ALREADY_ANSWERED";
  }
  return "UNKNOWN";
}

// A server call that failed. what() is "createIncidents: BUSY: the store's queue is full".
class Error : public std::runtime_error {
 public:
  Error(Status status, std::string_view call, std::string text)
      : std::runtime_error(std::string(call) + ": " + statusName(status) + (text.empty() ? "" : ": ") + text),
        status_(status),
        text_(std::move(text)) {}

  Status status() const noexcept { return status_; }
  // The host's sentence alone.
  const std::string& text() const noexcept { return text_; }

 private:
  Status status_;
  std::string text_;
};

// Stands for "no value".
struct Nothing {};

// The end of one call: `value` if it is done, else `error`, the host's sentence.
template <class T = Nothing>
struct Outcome {
  Status status = Status::kInternal;
  const char* call = "";  // the name of the call, for Error
  std::string error;
  T value{};

  bool ok() const noexcept { return isDone(status); }
  explicit operator bool() const noexcept { return ok(); }
  // Done before under the same idempotency key: the value is the stored one.
  bool replayed() const noexcept { return status == Status::kReplayed; }
  // The host could not take it now and wrote nothing: the same call may succeed later.
  bool mayRetry() const noexcept { return status == Status::kBusy || status == Status::kStoreFull; }

  // The value, or throws Error.
  T take() && {
    if (!ok()) throw Error(status, call, std::move(error));
    return std::move(value);
  }
};

}  // namespace longhaul

#endif
