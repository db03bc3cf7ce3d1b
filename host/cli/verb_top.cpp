// top: the instances with what they use, again and again on a terminal, once elsewhere.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "host/cli/instances.h"
#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

struct Sample {
  std::int64_t at_us = 0;
  std::int64_t cpu_ms = 0, generation = 0, calls = 0, incidents = 0;
};
using Samples = std::map<std::string, Sample>;

struct Row {
  Json instance;
  double cpu_percent = 0;
  double calls_per_second = 0;
  double incidents_per_second = 0;
};

// Rates since the sample before; without one since the worker's start.
Row rowOf(Json instance, Samples& samples, std::int64_t now_us) {
  const Json& worker = memberAt(instance, "current");
  const Sample now{now_us, numberAt(worker, "cpuMs"), numberAt(worker, "generation"), numberAt(instance, "callsCount"),
                   numberAt(instance, "incidentsCount")};
  Sample& kept = samples[textAt(instance, "name")];
  Sample before = kept;
  if (before.generation != now.generation) before.cpu_ms = 0;
  if (before.at_us == 0)
    before = {.at_us = timeAt(worker, "startedAt"), .calls = now.calls, .incidents = now.incidents};
  kept = now;
  Row row{.instance = std::move(instance)};
  const double seconds = static_cast<double>(now_us - before.at_us) / 1e6;
  if (seconds <= 0 || before.at_us == 0) return row;
  row.cpu_percent = static_cast<double>(std::max<std::int64_t>(now.cpu_ms - before.cpu_ms, 0)) / 10 / seconds;
  row.calls_per_second = static_cast<double>(std::max<std::int64_t>(now.calls - before.calls, 0)) / seconds;
  row.incidents_per_second = static_cast<double>(std::max<std::int64_t>(now.incidents - before.incidents, 0)) / seconds;
  return row;
}

// A list does not say what workers use: each that runs is asked for.
Result<std::vector<Row>> sample(Session& session, const Arguments& arguments, Samples& samples) {
  auto instances = selectInstances(session.api, arguments.all("NAME"));
  if (!instances) return std::move(instances).error();
  std::vector<Row> rows;
  for (Json& instance : *instances) {
    if (memberAt(instance, "current").is_object()) {
      auto whole = session.api.get(Target{"/instances"}.step(textAt(instance, "name")));
      if (whole) instance = std::move(*whole);
    }
    rows.push_back(rowOf(std::move(instance), samples, session.nowUs()));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& one, const Row& other) { return one.cpu_percent > other.cpu_percent; });
  return rows;
}

std::string numberText(double value) {
  return value == 0 ? std::string{} : fmt::format("{:.1f}", value);
}

void show(Session& session, const std::vector<Row>& rows) {
  Table table{{{"NAME"},
               {"STATE"},
               {"HEALTH"},
               {.title = "CPU %", .right = true},
               {.title = "MEMORY", .right = true},
               {.title = "THREADS", .right = true},
               {.title = "CALLS/S", .right = true},
               {.title = "INCIDENTS/S", .right = true},
               {.title = "RESTARTS", .right = true},
               {"UP"}}};
  Json values = Json::array();
  std::vector<std::string> names;
  for (const Row& row : rows) {
    const Json& worker = memberAt(row.instance, "current");
    const std::string name = textAt(row.instance, "name");
    const std::string state = textAt(row.instance, "state");
    const std::string health = textAt(memberAt(row.instance, "health"), "state");
    const std::int64_t ready = timeAt(worker, "readyAt");
    const std::int64_t resident = numberAt(worker, "rssBytes");
    const std::int64_t threads = numberAt(worker, "threadsCount");
    table.add({name, Cell{state, toneOfState(state)}, Cell{health, toneOfHealth(health)}, numberText(row.cpu_percent),
               resident == 0 ? "" : bytesText(static_cast<std::uint64_t>(resident)),
               threads == 0 ? "" : std::to_string(threads), numberText(row.calls_per_second),
               numberText(row.incidents_per_second), std::to_string(numberAt(row.instance, "restartsCount")),
               ready == 0 ? "" : spanText(session.nowUs() - ready)});
    values.push_back({{"name", name},
                      {"state", state},
                      {"health", health},
                      {"cpuPercent", row.cpu_percent},
                      {"rssBytes", resident},
                      {"threadsCount", threads},
                      {"callsPerSecond", row.calls_per_second},
                      {"incidentsPerSecond", row.incidents_per_second},
                      {"restartsCount", numberAt(row.instance, "restartsCount")}});
    names.push_back(name);
  }
  session.output.list(table, values, names);
}

Exit top(Session& session, const Arguments& arguments) {
  Samples samples;
  const bool repeats = session.output.forPeople() && session.output.outIsTerminal() && !arguments.has("once");
  const auto interval = arguments.span("interval").value_or(std::chrono::seconds{2});
  if (interval.count() < 100 || interval.count() > 3'600'000) {
    return session.usage("--interval is from 100ms to 1h");
  }
  while (true) {
    const auto rows = sample(session, arguments, samples);
    if (!rows) return session.fail(rows.error());
    // From the upper left corner, the rest of the screen empty.
    if (repeats) {
      session.output.text("\x1b[H\x1b[J");
      session.output.line(
          fmt::format("{}, every {}; Ctrl-C ends", localTime(session.nowUs()), spanText(interval.count() * 1000)));
      session.output.line("");
    }
    show(session, *rows);
    session.output.flush();
    if (!repeats) return Exit::Done;
    ::poll(nullptr, 0, static_cast<int>(interval.count()));
  }
}

}  // namespace

std::vector<Verb> topVerbs() {
  return {
      {.name = "top",
       .group = Group::Look,
       .summary = "shows what instances use and do, the busiest first, again and again",
       .operands = {{.name = "NAME", .required = false, .many = true}},
       .options = {{.flags = "--interval", .kind = ValueKind::Span, .value = "TIME", .help = "between two looks (2s)"},
                   {.flags = "--once", .help = "looks once, as it does when stdout is no terminal"}},
       .details =
           "The first look has the processor's share since the worker's start, the others since the look before.",
       .run = top}};
}

}  // namespace longhaul::host::cli
