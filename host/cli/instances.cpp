#include "host/cli/instances.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "host/cli/times.h"

namespace longhaul::host::cli {
namespace {

Error noneOf(const Json& unmatched) {
  std::string sentence;
  std::string hint;
  for (const Json& each : unmatched) {
    const std::string name = textAt(each, "name");
    sentence += fmt::format("{}\"{}\"", sentence.empty() ? "" : ", ", name);
    if (const std::string near = textAt(each, "hint"); !near.empty()) {
      if (!hint.empty()) hint += kHintBreak;
      hint += unmatched.size() > 1 ? name + ": " + near : near;
    }
  }
  const bool glob = unmatched.size() == 1 && isGlob(textAt(unmatched[0], "name"));
  if (hint.empty()) hint = "longhaul ps lists the instances";
  return withHint(Error{Code::NotFound, fmt::format("no instance {} {}", glob ? "matches" : "is named", sentence)},
                  hint);
}

}  // namespace

bool isGlob(std::string_view name) {
  return name.find_first_of("*?[") != std::string_view::npos;
}

Result<std::vector<Json>> selectInstances(const Api& api, const std::vector<std::string>& names) {
  std::map<std::string, Json> found;
  Json unmatched = Json::array();
  for (std::size_t at = 0; at == 0 || at < names.size(); at += kNamesPerRequest) {
    Target target{"/instances"};
    for (std::size_t i = at; i < std::min(names.size(), at + kNamesPerRequest); ++i)
      target.query("name", names[i]);
    auto answer = api.get(target);
    if (!answer) return std::move(answer).error();
    for (const Json& instance : memberAt(*answer, "instances"))
      found.insert_or_assign(textAt(instance, "name"), instance);
    for (const Json& name : memberAt(*answer, "unmatched"))
      unmatched.push_back(name);
  }
  if (!unmatched.empty()) return noneOf(unmatched);
  std::vector<Json> instances;
  for (auto& [name, instance] : found)
    instances.push_back(std::move(instance));
  return instances;
}

std::string listenerText(const Json& listener) {
  const std::string transport = textAt(listener, "transport");
  const std::string address = textAt(listener, "address");
  return transport == "unix" ? address : fmt::format("{}/{}", address, transport);
}

Tone toneOfState(std::string_view state) {
  if (state == "running") return Tone::Good;
  if (state == "starting" || state == "stopping" || state == "backoff") return Tone::Warning;
  if (state == "crash-loop" || state == "quarantined" || state == "refused" || state == "held") return Tone::Bad;
  if (state == "disabled" || state == "idle" || state == "orphaned") return Tone::Dim;
  return Tone::Plain;
}

Tone toneOfHealth(std::string_view state) {
  if (state == "healthy") return Tone::Good;
  if (state == "warning") return Tone::Warning;
  if (state == "error" || state == "unresponsive") return Tone::Bad;
  return Tone::Plain;
}

std::string stateText(const Json& instance, std::int64_t now_us) {
  std::string text = textAt(instance, "state");
  const std::int64_t ready = timeAt(memberAt(instance, "current"), "readyAt");
  if (text == "running" && ready > 0) text += fmt::format(" for {}", spanText(now_us - ready));
  if (const std::int64_t next = timeAt(instance, "nextStartAt"); next > 0) {
    text += fmt::format(", next start {}", next > now_us ? agoText(next, now_us) : "now");
  }
  return text;
}

}  // namespace longhaul::host::cli
