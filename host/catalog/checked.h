// A Result whose error also says which of the refusals of a plugin file it is (file_reason.h). Any thread; values.
#pragma once

#include <string>
#include <utility>

#include "host/base/result.h"
#include "host/catalog/file_reason.h"

namespace longhaul::host::catalog {

struct FileFault {
  FileReason reason = FileReason::Damaged;
  Error error;
};

// INVALID, with the sentence.
inline FileFault refuse(FileReason reason, std::string message) {
  return {reason, Error{Code::Invalid, std::move(message)}};
}

template <class T>
class [[nodiscard]] Checked : public Result<T> {
 public:
  Checked(T value) : Result<T>(std::move(value)) {}                                       // NOLINT: implicit
  Checked(FileFault fault) : Result<T>(std::move(fault.error)), reason_(fault.reason) {}  // NOLINT: implicit
  Checked(Error) = delete;                                                                // of which kind?
  FileFault fault() const { return {reason_, this->error()}; }

 private:
  FileReason reason_ = FileReason::Damaged;
};

template <>
class [[nodiscard]] Checked<void> : public Result<void> {
 public:
  Checked() = default;
  Checked(FileFault fault) : Result<void>(std::move(fault.error)), reason_(fault.reason) {}  // NOLINT: implicit
  Checked(Error) = delete;
  FileFault fault() const { return {reason_, error()}; }

 private:
  FileReason reason_ = FileReason::Damaged;
};

}  // namespace longhaul::host::catalog
