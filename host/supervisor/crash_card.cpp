#include "host/supervisor/crash_card.h"

#include <fmt/format.h>

#include <cctype>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/base/sha256.h"
#include "host/base/system_calls.h"
#include "host/base/text.h"

namespace longhaul::host::supervisor {

std::string withoutNumbers(std::string_view text) {
  std::string out;
  bool in_number = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    const bool of_hex = in_number && std::isxdigit(static_cast<unsigned char>(c)) != 0;
    const bool x = in_number && c == 'x' && i > 0 && text[i - 1] == '0';
    if (digit || of_hex || x) {
      if (!in_number) out += '#';
      in_number = true;
    } else {
      in_number = false;
      out += c;
    }
  }
  return out;
}

namespace {

// What its own handler wrote. Of a worker that hung, SIGABRT was ours, and its stacks say more.
Json crashJson(const lifecycle::Observed::Crash& crash) {
  Json json{{"frames", crash.frames}};
  if (!crash.thread.empty()) json["thread"] = crash.thread;
  if (!crash.sender.empty()) {
    json["sentBy"] = crash.sender;
  } else if (crash.system_call.empty()) {
    json["address"] = fmt::format("{:#x}", crash.address);
  }
  if (!crash.system_call.empty()) json["systemCall"] = crash.system_call;
  if (crash.stack_overflow) json["stackOverflow"] = true;
  return json;
}

Json stacksJson(const std::vector<ThreadReport>& stacks, const Scrubber& scrubber) {
  Json threads = Json::array();
  for (const ThreadReport& each : stacks) {
    Json thread{{"thread", each.state.thread},
                {"name", scrubber.scrubbed(each.state.name)},
                {"state", std::string(1, each.state.state)},
                {"frames", each.frames}};
    if (!each.state.waits_in.empty()) thread["waitsIn"] = each.state.waits_in;
    threads.push_back(std::move(thread));
  }
  return threads;
}

// The innermost place in the plugin itself: the same for one fault of one file.
std::string_view placeOf(const std::vector<std::string>& frames) {
  for (const std::string& frame : frames) {
    if (frame.starts_with("plugin+")) return frame;
  }
  return {};
}

}  // namespace

std::string crashCard(const WorkerProcess& worker, const lifecycle::Exit& exit, std::int64_t ended_at_us) {
  const process::ExitStatus& status = worker.exitStatus();
  const std::string stderr_tail = replaceNonUtf8(worker.stderrTail());
  Json card{{"class", exitClassName(exit.exit_class)},
            {"text", exit.text},
            {"generation", worker.generation().value},
            {"pid", worker.pid()},
            {"version", worker.about().version},
            {"digest", worker.about().target.digest},
            {"configRevision", worker.about().target.config_revision},
            {"startedAt", formatTimeUs(worker.startedAtUs())},
            {"endedAt", formatTimeUs(ended_at_us)},
            {"uptimeMs", (ended_at_us - worker.startedAtUs()) / 1000},
            {"cpuMs", status.cpu_ms},
            {"rssMaxBytes", status.rss_max_bytes},
            {"stderr", stderr_tail}};
  if (worker.readyAtUs() != 0) card["readyAt"] = formatTimeUs(worker.readyAtUs());
  if (status.signaled) {
    card["signal"] = lifecycle::signalName(status.code);
    card["coreDumped"] = status.core_dumped;
  } else {
    card["exitCode"] = status.code;
  }
  std::string_view place;
  if (!worker.stacks().empty()) {
    card["stacks"] = stacksJson(worker.stacks(), worker.about().scrubber);
  } else if (const auto& crash = worker.observed().crash) {
    card["crash"] = crashJson(*crash);
    place = placeOf(crash->frames);
  }
  Json denied = Json::object();
  for (const auto& [number, count] : worker.denied())
    denied[systemCallName(number)] = count;
  if (!denied.empty()) card["deniedSystemCalls"] = std::move(denied);
  if (worker.leftBehindCount() > 0) card["leftBehind"] = worker.leftBehindCount();
  Json calls = Json::array();
  for (const LastCall& call : worker.lastCalls()) {
    Json each{{"call", protocol::methodName(call.method)}, {"at", formatTimeUs(call.at_us)}};
    if (call.took_us >= 0) {
      each["tookUs"] = call.took_us;
      each["status"] = call.status >= 0 ? "OK" : codeName(static_cast<Code>(call.status));
    }
    calls.push_back(std::move(each));
  }
  card["lastCalls"] = std::move(calls);
  const std::string alike =
      fmt::format("{}|{}|{}|{}|{}|{}", exitClassName(exit.exit_class), status.signaled, status.code,
                  worker.about().version, withoutNumbers(worker.observed().last_stderr_line), place);
  card["fingerprint"] = sha256Hex(alike).substr(0, 16);
  return dumpJson(card);
}

}  // namespace longhaul::host::supervisor
