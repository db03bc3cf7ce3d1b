#include "host/cli/crash_card_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "host/base/counted.h"
#include "host/base/text.h"
#include "host/cli/api.h"
#include "host/cli/printable.h"
#include "host/cli/times.h"

namespace longhaul::host::cli {
namespace {

constexpr std::size_t kFunctionColumns = 60;

class Lines {
 public:
  // One line, whatever it holds.
  void add(std::string_view text) { text_ += printable(text) + "\n"; }
  void title(std::string_view text) {
    text_ += "\n";
    add(text);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string textOf(const Json& json, std::size_t index) {
  return json.is_array() && index < json.size() && json[index].is_string() ? json[index].get<std::string>()
                                                                           : std::string{};
}

std::string timeOfDay(std::int64_t at_us) {
  const std::string text = localTime(at_us, true);
  const std::size_t blank = text.find(' ');
  return blank == std::string::npos ? text : text.substr(blank + 1);
}

void addHead(Lines& lines, std::string_view instance, const Json& death, std::int64_t now_us) {
  const Json& card = memberAt(death, "card");
  const std::int64_t at = timeAt(death, "at");
  lines.add(fmt::format("{} ended {} ({}), {}: {}", instance, agoText(at, now_us), localTime(at),
                        textAt(death, "exitClass"), textAt(card, "text")));
  if (const std::string where = textAt(card, "where"); !where.empty()) lines.add("  in " + where);
  if (const std::int64_t seen = numberAt(death, "seenCount"); seen > 1) {
    lines.add(fmt::format("  seen {} among the ends that are kept, first {} (fingerprint {})", counted(seen, "time"),
                          agoText(timeAt(death, "firstSeenAt"), now_us), textAt(card, "fingerprint")));
  } else if (const std::string print = textAt(card, "fingerprint"); !print.empty()) {
    lines.add(fmt::format("  seen for the first time among the ends that are kept (fingerprint {})", print));
  }
  if (const std::string version = textAt(card, "version"); !version.empty()) {
    lines.add(fmt::format("  version {} ({:.12}), configuration {} ({}), generation {}, pid {}", version,
                          textAt(card, "digest"), numberAt(card, "configRevision"), textAt(card, "configHash"),
                          numberAt(card, "generation"), numberAt(card, "pid")));
    const std::string ready =
        card.contains("readyAt") ? fmt::format("ready since {}", localTime(timeAt(card, "readyAt"))) : "never ready";
    lines.add(fmt::format("  it ran for {}, {}; {} of CPU, at most {} of memory{}",
                          spanText(numberAt(card, "uptimeMs") * 1000), ready, spanText(numberAt(card, "cpuMs") * 1000),
                          bytesText(static_cast<std::uint64_t>(numberAt(card, "rssMaxBytes"))),
                          memberAt(card, "coreDumped") == true ? "; its core was dumped" : ""));
  }
  if (const std::int64_t left = numberAt(card, "leftBehind"); left > 0) {
    lines.add(fmt::format("  it left {} behind, which were ended", counted(left, "process", "processes")));
  }
}

void addStack(Lines& lines, const Json& stack) {
  const Json& frames = memberAt(stack, "frames");
  const Json& functions = memberAt(stack, "functions");
  const auto guessed = static_cast<std::size_t>(numberAt(stack, "guessedCount"));
  std::size_t width = 0;
  for (std::size_t i = 0; i < functions.size(); ++i)
    width = std::max(width, std::min(widthOf(printable(textOf(functions, i))), kFunctionColumns));
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::string function = printable(textOf(functions, i));
    const std::string padding(width - std::min(width, widthOf(function)), ' ');
    lines.add(fmt::format("  {:>2}  {}{}{}{}{}", i, function, padding, width > 0 ? "  " : "", textOf(frames, i),
                          i + guessed >= frames.size() ? "  (a guess: found on the stack)" : ""));
  }
}

void addStacks(Lines& lines, const Json& card) {
  if (const Json& crash = memberAt(card, "crash"); crash.is_object()) {
    const std::string thread = textAt(crash, "thread");
    lines.title(fmt::format("Stack of {}", thread.empty() ? "the main thread" : "thread " + thread));
    addStack(lines, crash);
  }
  for (const Json& thread : memberAt(card, "stacks")) {
    std::string title = fmt::format("Stack of thread {} ({}), state {}", numberAt(thread, "thread"),
                                    textAt(thread, "name"), textAt(thread, "state"));
    if (const std::string waits = textAt(thread, "waitsIn"); !waits.empty()) title += " in " + waits;
    lines.title(memberAt(thread, "frames").empty() ? title + ": it did not say where it is" : title);
    addStack(lines, thread);
  }
  const Json& names = memberAt(card, "names");
  const std::string state = textAt(names, "state");
  if (state == "pending") lines.add("  the names of the functions are still looked for, or the daemon ended before");
  if (state == "missing") lines.add(fmt::format("  without names: {}", textAt(names, "why")));
  if (const Json& missing = memberAt(names, "missing"); missing.is_object()) {
    for (const auto& [module, why] : missing.items())
      lines.add(fmt::format("  {} has no names: {}", module, why.is_string() ? why.get<std::string>() : ""));
  }
}

// Who has a build with debug information finds file and line with it.
void addSourceHint(Lines& lines, const Json& card) {
  std::string offsets;
  for (const Json& frame : memberAt(memberAt(card, "crash"), "frames")) {
    constexpr std::string_view kPlugin = "plugin+";
    if (frame.is_string() && frame.get_ref<const std::string&>().starts_with(kPlugin))
      offsets += " " + frame.get_ref<const std::string&>().substr(kPlugin.size());
  }
  if (offsets.empty()) return;
  const std::string build_id = textAt(memberAt(card, "modules"), "plugin");
  lines.add(fmt::format("  file and line{}: addr2line -Cfipe PLUGIN.so{}",
                        build_id.empty() ? std::string{} : fmt::format(" (build-id {})", build_id), offsets));
}

void addCalls(Lines& lines, const Json& card) {
  const Json& calls = memberAt(card, "lastCalls");
  if (calls.empty()) return;
  lines.title("Last server calls, the newest last");
  for (const Json& call : calls) {
    const std::string answer = call.contains("status")
                                   ? fmt::format("{} in {}", textAt(call, "status"), spanText(numberAt(call, "tookUs")))
                                   : std::string{"not answered"};
    lines.add(fmt::format("  {}  {:<32} {}", timeOfDay(timeAt(call, "at")), textAt(call, "call"), answer));
  }
}

void addStderr(Lines& lines, const Json& card) {
  const std::string text = textAt(card, "stderr");
  if (text.empty()) return;
  lines.title("Last words (stderr)");
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.add(fmt::format("  {}", rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::vector<std::uint64_t> numbersOf(const Json& json) {
  std::vector<std::uint64_t> numbers;
  for (const Json& each : json) {
    if (each.is_number_unsigned() || each.is_number_integer()) numbers.push_back(each.get<std::uint64_t>());
  }
  return numbers;
}

// From nothing to the most that there was.
std::string sparkline(const std::vector<std::uint64_t>& values) {
  constexpr std::array<std::string_view, 8> kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::uint64_t most = std::max<std::uint64_t>(1, *std::max_element(values.begin(), values.end()));
  std::string line;
  for (const std::uint64_t value : values) {
    const double part = static_cast<double>(value) / static_cast<double>(most);
    line += kBars[std::min<std::size_t>(7, static_cast<std::size_t>(part * 8))];
  }
  return line;
}

void addUsage(Lines& lines, const Json& card) {
  const Json& usage = memberAt(card, "usage");
  const auto times = numbersOf(memberAt(usage, "beforeEndMs"));
  if (times.empty()) return;
  lines.title(fmt::format("What it used, from {} to {} before its end",
                          spanText(static_cast<std::int64_t>(times.front()) * 1000),
                          spanText(static_cast<std::int64_t>(times.back()) * 1000)));
  const auto add = [&](std::string_view label, const char* member, const auto& words) {
    const auto values = numbersOf(memberAt(usage, member));
    if (values.empty()) return;
    lines.add(fmt::format("  {:<8} {}  last {}, at most {}", label, sparkline(values), words(values.back()),
                          words(*std::max_element(values.begin(), values.end()))));
  };
  add("memory", "memoryBytes", [](std::uint64_t value) { return bytesText(value); });
  add("CPU", "cpuPercent", [](std::uint64_t value) { return fmt::format("{} %", value); });
  add("threads", "threads", [](std::uint64_t value) { return std::to_string(value); });
  add("files", "files", [](std::uint64_t value) { return std::to_string(value); });
}

}  // namespace

std::string endText(std::string_view text, std::string_view where) {
  return where.empty() ? std::string{text} : fmt::format("{}, in {}", text, where);
}

std::string crashCardText(std::string_view instance, const Json& death, std::int64_t now_us) {
  const Json& card = memberAt(death, "card");
  Lines lines;
  addHead(lines, instance, death, now_us);
  addStacks(lines, card);
  addSourceHint(lines, card);
  if (const Json& denied = memberAt(card, "deniedSystemCalls"); denied.is_object() && !denied.empty()) {
    lines.title("System calls that its sandbox refused");
    for (const auto& [name, count] : denied.items())
      lines.add(fmt::format("  {:<24} {}", name, dumpJson(count)));
  }
  addCalls(lines, card);
  addStderr(lines, card);
  addUsage(lines, card);
  return lines.take();
}

}  // namespace longhaul::host::cli
