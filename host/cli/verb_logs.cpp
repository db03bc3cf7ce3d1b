// logs: what instances and the host about them wrote; several are merged by time.
#include <fmt/format.h>

#include <algorithm>

#include "host/base/text.h"
#include "host/cli/instances.h"
#include "host/cli/log_follow.h"
#include "host/cli/printable.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

struct Line {
  std::string instance;
  Json value;
};

class LogView {
 public:
  // With several instances each line begins with its instance's name.
  LogView(Output& output, const std::vector<Json>& instances) : output_(output) {
    if (instances.size() < 2) return;
    for (const Json& instance : instances)
      name_width_ = std::max(name_width_, textAt(instance, "name").size());
  }

  void show(const std::string& instance, const Json& line) {
    if (!output_.forPeople()) {
      Json value = line;
      value["instance"] = instance;
      output_.page(Table{{}}, Json::array({std::move(value)}), {});
      return;
    }
    const std::string level = textAt(line, "level");
    const std::string source = textAt(line, "source");
    std::string text = name_width_ > 0 ? fmt::format("{:<{}} | ", instance, name_width_) : std::string{};
    text += localTime(timeAt(line, "time"), true);
    text += ' ' + output_.toned(fmt::format("{:<7}", printable(level)), toneOf(level)) + ' ';
    if (output_.wide()) {
      text += fmt::format("[generation {}, pid {}, thread {}] ", numberAt(line, "generation"), numberAt(line, "pid"),
                          numberAt(line, "thread"));
    }
    if (source != "plugin") text += fmt::format("[{}] ", printable(source));
    output_.line(text + printable(textAt(line, "text")));
  }

 private:
  static Tone toneOf(std::string_view level) {
    if (level == "error") return Tone::Bad;
    if (level == "warning") return Tone::Warning;
    return level == "debug" ? Tone::Dim : Tone::Plain;
  }

  Output& output_;
  std::size_t name_width_ = 0;  // 0: one instance, its name is not shown
};

// Reads what is there now, page by page, and leaves the cursor behind it.
Result<void> readNow(const Api& api, const Arguments& arguments, const LogFilter& filter,
                     std::optional<std::int64_t> since_us, FollowedLog& log,
                     const std::function<void(const Json& line)>& take) {
  for (bool more = true; more;) {
    Target target{"/instances"};
    target.step(log.instance).literal("/logs");
    if (const auto lines = arguments.count("lines"); lines && log.cursor.empty()) target.query("n", *lines);
    if (since_us && log.cursor.empty()) target.query("since", formatTimeUs(*since_us));
    if (!log.cursor.empty()) target.query("cursor", log.cursor);
    addTo(target, filter);
    const auto answer = api.get(target);
    if (!answer) return answer.error();
    for (const Json& line : memberAt(*answer, "lines"))
      take(line);
    const std::string next = textAt(*answer, "next");
    // The last N are one page: what lies in front of them was not asked for. From a time on, there may be more pages.
    more = since_us && !arguments.has("lines") && flagAt(*answer, "more") && next != log.cursor;
    if (!next.empty()) log.cursor = next;
  }
  return {};
}

Exit logs(Session& session, const Arguments& arguments) {
  Output& output = session.output;
  const bool follow = arguments.has("follow");
  if (output.format() == Format::Name) return session.usage("lines of a log have no names: -o name is not for logs");
  if (follow && output.format() == Format::Json) {
    return session.usage("a log that is followed never ends, a JSON array must", "use -o jsonl");
  }
  std::optional<std::int64_t> since;
  if (const auto text = arguments.text("since")) {
    since = parseSince(*text, session.nowUs());
    if (!since) {
      return session.usage(fmt::format("--since has \"{}\", wanted a span (10min), \"today\", or a time like \"{}\"",
                                       *text, localTime(session.nowUs())));
    }
  }
  auto selected = selectInstances(session.api, arguments.all("NAME"));
  if (!selected) return session.fail(selected.error());
  const LogFilter filter{arguments.text("level").value_or(""), arguments.text("source").value_or("")};
  LogView view{output, *selected};
  std::vector<FollowedLog> followed;
  std::vector<Line> lines;
  output.beginList();
  for (const Json& instance : *selected) {
    FollowedLog& log = followed.emplace_back(FollowedLog{textAt(instance, "name"), {}});
    const auto read = readNow(session.api, arguments, filter, since, log, [&](const Json& line) {
      if (selected->size() == 1) return view.show(log.instance, line);
      lines.push_back({log.instance, line});
    });
    if (!read) return session.fail(read.error());
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& one, const Line& other) {
    return textAt(one.value, "time") < textAt(other.value, "time");
  });
  for (const Line& line : lines)
    view.show(line.instance, line.value);
  output.flush();
  if (!follow) {
    output.endList();
    return Exit::Done;
  }
  const FollowNews news{.lines =
                            [&](const std::string& instance, const Json& news_lines) {
                              for (const Json& line : news_lines)
                                view.show(instance, line);
                              output.flush();
                            },
                        .note = [&](const std::string& sentence) { output.note(sentence); }};
  const auto ended = followLogs(session.api, filter, std::move(followed), news);
  return ended ? Exit::Done : session.fail(ended.error());
}

}  // namespace

std::vector<Verb> logVerbs() {
  return {
      {.name = "logs",
       .group = Group::Look,
       .summary = "shows the log of instances, several merged by time",
       .operands = {{.name = "NAME", .many = true}},
       .options = {{.flags = "-f,--follow", .help = "goes on with what comes, also over restarts of the daemon"},
                   {.flags = "-n,--lines", .kind = ValueKind::Count, .value = "N", .help = "the last N lines (100)"},
                   {.flags = "--since",
                    .kind = ValueKind::Text,
                    .value = "WHEN",
                    .help = "from then on: 10min (ago), today, \"2026-11-24 03:22\""},
                   {.flags = "--level",
                    .kind = ValueKind::Text,
                    .value = "LEVEL",
                    .help = "at least: debug, info, warning or error",
                    .choices = {"debug", "info", "warning", "error"}},
                   {.flags = "--source",
                    .kind = ValueKind::Text,
                    .value = "SOURCE",
                    .help = "only from plugin, stdout, stderr or host",
                    .choices = {"plugin", "stdout", "stderr", "host"}}},
       .details = "Names may be globs ('edge-*'). Times are local; -o jsonl has them in UTC.",
       .run = logs}};
}

}  // namespace longhaul::host::cli
