// No exception crosses the C table. Used by the SDK's optional tables; not for plugins.
#ifndef LONGHAUL_SDK_DETAIL_GUARD_HPP
#define LONGHAUL_SDK_DETAIL_GUARD_HPP

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "longhaul/sdk/outcome.hpp"
#include "longhaul/sdk/values.hpp"
#include "longhaul/types.h"

namespace longhaul::detail {

inline void putInto(longhaul_sink_t* sink, std::string_view text) noexcept {
  if (sink != nullptr) sink->put(sink->self, textOf(text));
}

// Runs a callback whose failure is a status and a sentence: Error with its status, std::invalid_argument as INVALID,
// anything else as INTERNAL, each with its text. `what`: "the command", for an exception without a text.
template <class Body>
longhaul_status_t guardInto(longhaul_sink_t* error, const char* what, Body body) noexcept {
  try {
    body();
    return LONGHAUL_OK;
  } catch (const Error& failure) {
    putInto(error, failure.what());
    return isDone(failure.status()) ? LONGHAUL_INTERNAL : static_cast<longhaul_status_t>(failure.status());
  } catch (const std::invalid_argument& failure) {
    putInto(error, failure.what());
    return LONGHAUL_INVALID;
  } catch (const std::exception& failure) {
    putInto(error, failure.what());
  } catch (...) {
    try {
      putInto(error, std::string(what) + " threw an exception that is no std::exception");
    } catch (...) {
      putInto(error, "an exception that is no std::exception");
    }
  }
  return LONGHAUL_INTERNAL;
}

}  // namespace longhaul::detail

#endif
