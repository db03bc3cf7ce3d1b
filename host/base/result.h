// Operating errors as values. A Result<T> holds a T or an Error; its member names are std::expected's, which g++ 12
// does not have in C++20. Codes have the numbers of longhaul_status_t (plugin-api/include/longhaul/types.h), so that an
// error keeps its code from the store to the plugin; the worker's build checks that they agree. Any thread; values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "host/base/check.h"

namespace longhaul::host {

enum class Code : std::int32_t {
  Invalid = -1,          // the request is wrong; the same request will fail again
  NotFound = -2,         //
  TooLarge = -3,         // over a limit, which the message names with its value
  NotGranted = -4,       //
  Conflict = -5,         // a version is stale
  Mismatch = -6,         // the same idempotency key with another request
  Busy = -7,             // a bounded queue is full: try again
  StoreFull = -8,        // nothing was written
  Timeout = -9,          // the outcome is unknown
  Fenced = -10,          // the worker's generation was replaced
  NotInWorker = -11,     //
  Closed = -12,          // the other side is gone
  Absent = -13,          // this peer does not offer it
  Internal = -14,        //
  AlreadyAnswered = -15  //
};

// "NOT_FOUND" for Code::NotFound: the name that the C header has without its prefix.
std::string_view codeName(Code code);

struct Error {
  Code code = Code::Internal;
  std::string message;  // a sentence: what was found, what was wanted, the remedy
};

// The same error with "what: " put in front of its message, for context on the way up.
[[nodiscard]] Error withContext(std::string_view what, Error error);

// Error of a failed system call: "open /x: No such file or directory". `error_number` is errno's value.
[[nodiscard]] Error systemError(std::string_view what, int error_number);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit, as std::expected
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit, so `return Error{…}`

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & {
    LONGHAUL_CHECK(has_value(), "value() of an error");
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    LONGHAUL_CHECK(has_value(), "value() of an error");
    return *std::get_if<0>(&state_);
  }
  T&& value() && { return std::move(value()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& {
    LONGHAUL_CHECK(!has_value(), "error() of a value");
    return *std::get_if<1>(&state_);
  }
  Error& error() & {
    LONGHAUL_CHECK(!has_value(), "error() of a value");
    return *std::get_if<1>(&state_);
  }
  Error&& error() && { return std::move(error()); }

 private:
  std::variant<T, Error> state_;
};

// Success without a value: `return {};`
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT: implicit

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& {
    LONGHAUL_CHECK(failed_, "error() of a value");
    return error_;
  }
  Error&& error() && {
    LONGHAUL_CHECK(failed_, "error() of a value");
    return std::move(error_);
  }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace longhaul::host
