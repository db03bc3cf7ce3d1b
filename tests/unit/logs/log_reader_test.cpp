#include "host/logs/log_reader.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "host/base/json.h"
#include "host/base/text.h"
#include "host/logs/log_files.h"
#include "tests/unit/logs/temporary_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::logs;

namespace {

const std::int64_t kStartUs = *parseTimeUs("2026-11-24T00:00:00Z");

struct Fixture {
  Fixture() : files(std::move(*LogFiles::create(temp.path, settings, timers))) {}

  // Lines numbered on, one a second of their time.
  void write(int count, std::size_t padding = 0) {
    for (int i = 0; i < count; ++i, ++written) {
      const LogLevel level = written % 10 == 0 ? LogLevel::Error : LogLevel::Info;
      const LogSource source = written % 2 == 0 ? LogSource::Plugin : LogSource::Stderr;
      files->append(files->log("edge"), {.at_us = timeOf(written),
                                         .level = level,
                                         .source = source,
                                         .text = std::to_string(written) + std::string(padding, ' ')});
    }
    files->flush();
  }
  static std::int64_t timeOf(int number) { return kStartUs + number * std::int64_t{1'000'000}; }

  const LogSettings settings{.file_bytes_max = kLogFileBytesMin, .files_max = 3, .lines_per_second = 0};
  TemporaryFolder temp;
  TimerQueue timers{TimePoint{} + 1h};
  std::unique_ptr<LogFiles> files;
  LogReader reader{temp.path, "edge"};
  int written = 0;
};

std::vector<int> numbers(const LogPage& page) {
  std::vector<int> all;
  for (const std::string& line : page.lines)
    all.push_back(std::stoi(Json::parse(line)["text"].get<std::string>()));
  return all;
}

std::vector<int> range(int from, int to) {
  std::vector<int> all;
  for (int i = from; i < to; ++i)
    all.push_back(i);
  return all;
}

// All that after() gives from the cursor on, page by page; the cursor is left at the end.
std::vector<int> readOn(const LogReader& reader, LogCursor& cursor, LogQuery query = {}) {
  std::vector<int> all;
  for (bool more = true; more;) {
    const auto page = reader.after(cursor, query);
    REQUIRE(page.has_value());
    REQUIRE_FALSE(page->gap);
    for (const int number : numbers(*page))
      all.push_back(number);
    cursor = page->next;
    more = page->more;
  }
  return all;
}

}  // namespace

TEST_CASE("an instance without a log gives an empty page, and following from there sees its first line") {
  Fixture log;
  const auto page = log.reader.last({});
  REQUIRE(page.has_value());
  CHECK(page->lines.empty());
  CHECK_FALSE(page->more);
  LogCursor cursor = page->next;
  log.write(1);
  CHECK(readOn(log.reader, cursor) == range(0, 1));
  log.write(2);
  CHECK(readOn(log.reader, cursor) == range(1, 3));
}

TEST_CASE("the last lines come in the order of the file, and pages lead back to the first") {
  Fixture log;
  log.write(1000);
  auto page = log.reader.last({.lines_max = 300});
  CHECK(numbers(*page) == range(700, 1000));
  CHECK(page->more);
  page = log.reader.last({.lines_max = 300}, page->before);
  CHECK(numbers(*page) == range(400, 700));
  page = log.reader.last({.lines_max = 300}, page->before);
  page = log.reader.last({.lines_max = 300}, page->before);
  CHECK(numbers(*page) == range(0, 100));
  CHECK_FALSE(page->more);
  CHECK(numbers(*log.reader.last({.lines_max = 1000})) == range(0, 1000));
}

TEST_CASE("following loses and repeats nothing over rotation, and over a restart of the daemon") {
  Fixture log;
  LogCursor cursor = *log.reader.end();
  int seen = 0;
  for (int turn = 0; turn < 60; ++turn) {
    log.write(37, 1000);
    // Each cursor goes through its text, as a client keeps it.
    cursor = LogCursor::parse(cursor.text()).value();
    if (turn % 7 == 0) log.files = std::move(*LogFiles::create(log.temp.path, log.settings, log.timers));
    CHECK(readOn(log.reader, cursor, {.lines_max = 10}) == range(seen, log.written));
    seen = log.written;
  }
  CHECK(cursor.sequence == 3);
}

TEST_CASE("a follower that was away over several rotations reads on from the old file") {
  Fixture log;
  log.write(10, 1000);
  LogCursor cursor = *log.reader.end();
  log.write(1500, 1000);
  CHECK(readOn(log.reader, cursor) == range(10, 1510));
}

TEST_CASE("a place that was rotated away is a gap and not silence") {
  Fixture log;
  log.write(10, 1000);
  const LogCursor cursor = *log.reader.end();
  log.write(5000, 1000);
  const auto page = log.reader.after(cursor, {.lines_max = 1});
  CHECK(page->gap);
  REQUIRE(page->lines.size() == 1);
  CHECK(numbers(*page)[0] > 10);
  CHECK(log.reader.last({}, cursor)->gap);
}

TEST_CASE("the log of a new instance with an old name is not taken for the old one") {
  Fixture log;
  log.write(10);
  const LogCursor cursor = *log.reader.end();
  log.files->remove("edge");
  log.write(20);
  const auto page = log.reader.after(cursor, {});
  CHECK(page->gap);
  CHECK(numbers(*page) == range(10, 30));
}

TEST_CASE("lines are chosen by level, source and time") {
  Fixture log;
  log.write(100);
  CHECK(numbers(*log.reader.last({.lines_max = 3, .least_level = LogLevel::Error})) == std::vector<int>{70, 80, 90});
  CHECK(numbers(*log.reader.last({.lines_max = 3, .source = LogSource::Stderr})) == std::vector<int>{95, 97, 99});
  CHECK(numbers(*log.reader.last({.since_us = Fixture::timeOf(95)})) == range(95, 100));
  CHECK_FALSE(log.reader.last({.since_us = Fixture::timeOf(95)})->more);
  CHECK(numbers(*log.reader.after({}, {.since_us = Fixture::timeOf(98)})) == range(98, 100));
}

TEST_CASE("the place of a time is found in any file, and nothing of that time lies before it") {
  Fixture log;
  log.write(5000, 1000);
  const int oldest = numbers(*log.reader.after({}, {.lines_max = 1}))[0];
  CHECK(oldest > 0);
  for (const int since : {oldest - 1, oldest, oldest + 5, 4000, 4500, 4990, 4999, 6000}) {
    LogCursor cursor = *log.reader.placeOf(Fixture::timeOf(since));
    const auto found = readOn(log.reader, cursor, {.lines_max = 100, .since_us = Fixture::timeOf(since)});
    CHECK(found == range(std::min(5000, std::max(since, oldest)), 5000));
  }
  // It leads near: the older files are not read for the newest lines.
  const LogCursor near = *log.reader.placeOf(Fixture::timeOf(4999));
  CHECK(near.sequence == log.reader.end()->sequence);
}

TEST_CASE("a line that is still being written is not given, and damage is stepped over") {
  Fixture log;
  log.write(1);
  std::ofstream file(log.temp.path / "edge.log", std::ios::app);
  file << R"({"time":"2026-11-24T00:00:01.000000Z","level":"info","source":"plugin","text":"half)" << std::flush;
  LogCursor cursor{};
  CHECK(readOn(log.reader, cursor) == range(0, 1));
  CHECK(numbers(*log.reader.last({})) == range(0, 1));
  file << "\"}" << std::string(2 * kLogBufferBytes, '\0') << "\nnot a line\n" << std::flush;
  log.written = 7;
  log.write(1);
  CHECK(readOn(log.reader, cursor) == range(7, 8));
  CHECK(numbers(*log.reader.last({})) == std::vector<int>{0, 7});
}

TEST_CASE("only texts of cursors are cursors") {
  const LogCursor cursor{.sequence = 7, .offset = 123, .file_id = 0xabcdef0123456789};
  CHECK(LogCursor::parse(cursor.text()) == cursor);
  for (const char* text :
       {"", "-", "1-2", "1-2-", "1-2-3-", "1-2-x", "a-2-3", "1--3", "1-2-3 ", "-1-2-3", "99999999999999999999-1-1"}) {
    CHECK_FALSE(LogCursor::parse(text).has_value());
  }
}
