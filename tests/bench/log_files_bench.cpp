// Log lines a second: formatted alone, and formatted, written and rotated through the page cache with the default
// sizes.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "host/logs/line_format.h"
#include "host/logs/log_files.h"
#include "host/logs/log_reader.h"

using namespace longhaul::host;
using namespace longhaul::host::logs;

namespace {

std::string sampleText(std::int64_t bytes) {
  std::string text = "accepted connection from 192.0.2.17:40112, message ";
  text.resize(static_cast<std::size_t>(bytes), 'x');
  return text;
}

void formatLines(benchmark::State& state) {
  const std::string text = sampleText(state.range(0));
  std::string out(LineFormat::bytesMax(text.size()), '\0');
  LineFormat format{"edge-syslog"};
  LogLine line{.at_us = 1'795'000'000'000'000, .generation = {3}, .pid = 4711, .thread = 1, .text = text};
  for (auto _ : state) {
    line.at_us += 3;
    benchmark::DoNotOptimize(format.write(line, out.data()));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(formatLines)->Arg(40)->Arg(100)->Arg(1000);

// As the loop does: a turn drains one ring of lines (256 KiB) and flushes once.
void writeLines(benchmark::State& state) {
  std::string pattern = (std::filesystem::temp_directory_path() / "longhaul-bench-XXXXXX").native();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  const std::string text = sampleText(state.range(0));
  const auto lines_a_turn = static_cast<std::int64_t>(kLogRingBytes) / (state.range(0) + 24);
  TimerQueue timers{TimePoint{} + 1h};
  auto files = std::move(*LogFiles::create(folder, {.lines_per_second = 0}, timers));
  InstanceLog& log = files->log("edge-syslog");
  LogLine line{.at_us = 1'795'000'000'000'000, .generation = {3}, .pid = 4711, .thread = 1, .text = text};
  for (auto _ : state) {
    for (std::int64_t i = 0; i < lines_a_turn; ++i) {
      line.at_us += 3;
      files->append(log, line);
    }
    files->flush();
  }
  state.SetItemsProcessed(state.iterations() * lines_a_turn);
  state.SetBytesProcessed(static_cast<std::int64_t>(files->counters(log).bytes));
  files.reset();
  std::filesystem::remove_all(folder);
}
BENCHMARK(writeLines)->Arg(40)->Arg(100)->Arg(1000)->UseRealTime();

// The worst question: a rare level in a full file.
void scanLines(benchmark::State& state) {
  std::string pattern = (std::filesystem::temp_directory_path() / "longhaul-bench-XXXXXX").native();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  const std::string text = sampleText(100);
  TimerQueue timers{TimePoint{} + 1h};
  auto files = std::move(*LogFiles::create(folder, {.lines_per_second = 0}, timers));
  for (int i = 0; i < 60'000; ++i)
    files->append(files->log("a"), {.at_us = 1'795'000'000'000'000 + i, .text = text});
  files->flush();
  const LogReader reader{folder, "a"};
  for (auto _ : state) {
    benchmark::DoNotOptimize(reader.last({.least_level = LogLevel::Error}));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(files->counters(files->log("a")).bytes));
  files.reset();
  std::filesystem::remove_all(folder);
}
BENCHMARK(scanLines)->UseRealTime();

}  // namespace
