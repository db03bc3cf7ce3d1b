// What a stranger can send to the syslog plugin: a stream is framed, each message parsed and made an incident. Whatever
// the bytes, messages keep within the limit, do not depend on how the stream was cut, and the incident is valid JSON.
#include <cstdlib>
#include <string>
#include <vector>

#include "framing.h"
#include "incident.h"
#include "longhaul/sdk/detail/json_object.hpp"
#include "settings.h"

namespace {

using namespace syslog_plugin;

constexpr std::size_t kLimit = 600;

void must(bool holds) {
  if (!holds) std::abort();
}

const Settings& settings() {
  static const Settings all = readSettings([](std::string_view name) -> std::optional<std::string> {
    if (name == "timeZone") return "UTC";
    if (name != "rules") return std::nullopt;
    return "incident a\n  severity: err\n  match: (?i)fail(ed)? (\\w+)\n  name: {2} {hostname} {app|x}\n  label l: "
           "{1}\n"
           "incident b\n  app: s*d\n  host: *.*\n"
           "incident c\n  name: {facility}.{severity} {procid} {msgid} {source}: {message|}\n";
  });
  return all;
}

std::vector<std::string> frames(std::string_view stream, std::size_t piece) {
  Framer framer(kLimit);
  Frame frame;
  std::vector<std::string> out;
  const auto take = [&] {
    must(!frame.text.empty() && frame.text.size() <= kLimit);
    out.push_back((frame.truncated ? '~' : ' ') + std::string(frame.text));
  };
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    framer.feed(stream.substr(at, piece));
    while (framer.next(frame))
      take();
  }
  if (framer.finish(frame)) take();
  must(!framer.next(frame));
  return out;
}

void incidentOf(std::string_view raw) {
  Line line;
  line.raw = raw;
  line.message = parseMessage(raw);
  line.source = "192.0.2.7";
  line.transport = "tcp";
  line.received_us = 1'767'225'600'000'000;
  Captures captures{};
  const Rule* rule = settings().rules.find(line, captures);
  must(rule != nullptr);
  std::string json;
  appendIncident(json, line, *rule, captures, settings().zone);
  must(longhaul::detail::checkJson(json));
  must(json.find("\"name\":\"\"") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string_view stream = bytes.substr(1);
  const auto whole = frames(stream, stream.size() + 1);
  must(whole == frames(stream, 1u + data[0]));
  for (const std::string& message : whole)
    incidentOf(std::string_view(message).substr(1));
  incidentOf(withoutTrailer(stream));
  return 0;
}
