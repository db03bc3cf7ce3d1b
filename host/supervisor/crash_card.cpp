#include "host/supervisor/crash_card.h"

#include <fmt/format.h>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/base/sha256.h"
#include "host/base/system_calls.h"
#include "host/base/text.h"
#include "host/config/references.h"
#include "host/supervisor/crash_names.h"

namespace longhaul::host::supervisor {

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
  if (crash.guessed_count > 0) json["guessedCount"] = crash.guessed_count;
  return json;
}

Json stacksJson(const std::vector<ThreadReport>& stacks, const Scrubber& scrubber) {
  Json threads = Json::array();
  for (const ThreadReport& each : stacks) {
    Json thread{{"thread", each.state.thread},
                {"name", scrubber.scrubbedCut(each.state.name)},
                {"state", std::string(1, each.state.state)},
                {"frames", each.frames}};
    if (!each.state.waits_in.empty()) thread["waitsIn"] = each.state.waits_in;
    threads.push_back(std::move(thread));
  }
  return threads;
}

// Of the files that its stacks lie in: the first bytes of the build-id, as far as the worker told.
Json modulesJson(const WorkerProcess& worker, const NameQuestion& question) {
  Json modules = Json::object();
  for (const NameQuestion::Module& asked : question.modules) {
    for (const protocol::Module& each : worker.modules()) {
      if (each.name == asked.name) modules[each.name] = each.build_id_head;
    }
  }
  return modules;
}

// What is encrypted anew is another text, and the same secret.
void hideCiphertexts(Json& value) {
  if (value.is_string()) {
    const auto reference = config::parseReference(value.get_ref<const std::string&>());
    if (reference && reference->kind == config::Reference::Kind::Encrypted) value = "${encrypted}";
  } else if (value.is_structured()) {
    for (Json& inner : value)
      hideCiphertexts(inner);
  }
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
            {"configHash", worker.about().config_hash},
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
  if (!worker.stacks().empty()) {
    card["stacks"] = stacksJson(worker.stacks(), worker.about().scrubber);
  } else if (const auto& crash = worker.observed().crash) {
    card["crash"] = crashJson(*crash);
  }
  if (const NameQuestion question = questionOf(card); !question.modules.empty()) {
    card["modules"] = modulesJson(worker, question);
    card["names"] = {{"state", "pending"}};
  }
  setWhere(card);
  if (!worker.usage().samples().empty()) card["usage"] = worker.usage().toJson(ended_at_us);
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
  card["fingerprint"] = fingerprintOf(card);
  return dumpJson(card);
}

std::string configHash(std::string_view config) {
  auto json = parseJson(config);
  if (!json) return sha256Hex(config).substr(0, 16);
  hideCiphertexts(*json);
  return sha256Hex(dumpJson(*json)).substr(0, 16);
}

}  // namespace longhaul::host::supervisor
