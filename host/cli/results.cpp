#include "host/cli/results.h"

#include <fmt/format.h>

#include "host/cli/instances.h"
#include "host/cli/printable.h"
#include "host/cli/times.h"

namespace longhaul::host::cli {
namespace {

// "is running (pid 4712)", "is disabled", "is idle".
std::string reachedText(const Json& instance) {
  const std::string state = textAt(instance, "state");
  const std::int64_t pid = numberAt(memberAt(instance, "current"), "pid");
  return state == "running" && pid > 0 ? fmt::format("is running (pid {})", pid) : fmt::format("is {}", state);
}

std::string_view outcomeName(Waited::Outcome outcome) {
  switch (outcome) {
    case Waited::Outcome::Reached:
      return "reached";
    case Waited::Outcome::Failed:
      return "failed";
    case Waited::Outcome::Timeout:
      break;
  }
  return "timeout";
}

}  // namespace

void Results::note(Exit exit) {
  if (exit_ == Exit::Done) {
    exit_ = exit;
  } else if (exit_ != exit) {
    exit_ = Exit::Error;
  }
}

void Results::done(const std::string& name, const std::string& sentence, Json details) {
  if (session_.output.forPeople()) session_.output.line(printable(fmt::format("{} {}", name, sentence)));
  Json value{{"name", name}, {"verb", verb_}, {"ok", true}};
  value.update(details);
  values_.push_back(std::move(value));
  names_.push_back(name);
}

void Results::failed(const std::string& name, const Error& error, Exit exit) {
  session_.output.error(error);
  const std::string sentence{sentenceOf(error)};
  values_.push_back({{"name", name},
                     {"verb", verb_},
                     {"ok", false},
                     {"error", {{"code", codeName(error.code)}, {"detail", sentence}}}});
  names_.push_back(name);
  note(exit);
}

void Results::await(const WaitFor& what, bool changed, std::chrono::steady_clock::time_point deadline,
                    std::chrono::milliseconds timeout) {
  const auto waited = waitFor(session_.api, what, deadline);
  if (!waited) return failed(what.name, waited.error());
  const std::string state = textAt(waited->instance, "state");
  Json details{
      {"changed", changed}, {"outcome", outcomeName(waited->outcome)}, {"reason", waited->reason}, {"state", state}};
  if (waited->outcome == Waited::Outcome::Reached) {
    return done(what.name, (changed ? "" : "was so already: it ") + reachedText(waited->instance), std::move(details));
  }
  const bool late = waited->outcome == Waited::Outcome::Timeout;
  const std::string reason = textAt(waited->instance, "reason");
  std::string sentence =
      late ? fmt::format("{} is {} after {}, and goes on", what.name, state, spanText(timeout.count() * 1000))
           : fmt::format("{} is {}", what.name, state);
  const std::string& why = waited->reason.empty() || late ? reason : waited->reason;
  if (!why.empty()) sentence += ": " + why;
  std::string hint = textAt(waited->instance, "remedy");
  if (hint.empty()) hint = fmt::format("longhaul {} {}", late ? "status" : "explain", what.name) + " tells more";
  session_.output.error(withHint({late ? Code::Timeout : Code::Internal, sentence}, hint));
  details["name"] = what.name;
  details["verb"] = verb_;
  details["ok"] = false;
  values_.push_back(std::move(details));
  names_.push_back(what.name);
  note(late ? Exit::Timeout : Exit::Error);
}

Exit Results::finish() {
  if (!session_.output.forPeople()) session_.output.list(Table{{}}, values_, names_);
  return exit_;
}

}  // namespace longhaul::host::cli
