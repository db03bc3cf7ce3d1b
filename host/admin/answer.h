// What the service gives back: JSON text, or a failure that says what to do. JSON as text and not as values, because
// lines of logs and contexts are handed on as they are stored. Values; any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "host/base/json.h"
#include "host/base/result.h"

namespace longhaul::host::admin {

// The code of what destroys something and was asked for without a yes.
inline constexpr std::string_view kNeedsYes = "NEEDS_YES";

struct Failure {
  std::string code{};             // codeName()'s, or kNeedsYes
  std::string detail{};           // one sentence
  std::string field{};            // the parameter or JSON pointer that is wrong; empty: none
  std::string hint{};             // the remedy; empty: `detail` has it
  Json more = Json::object();     // further members: the plan that cannot be done
  bool plan_is_at_fault = false;  // the request is well-formed, what it wants has problems
};

Failure toFailure(const Error& error);
Failure invalid(std::string detail, std::string field = {}, std::string hint = {});
Failure notFound(std::string detail, std::string hint = {});
Failure conflict(std::string detail, std::string hint = {});
Failure needsYes(std::string detail);
// `did you mean "x"?`, or nothing: for `hint`.
std::string didYouMean(std::string_view word, const std::vector<std::string>& candidates);

using Answer = std::variant<std::string, Failure>;
using Reply = std::function<void(Answer)>;

}  // namespace longhaul::host::admin
