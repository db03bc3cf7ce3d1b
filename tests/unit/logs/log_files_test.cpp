#include "host/logs/log_files.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>

#include "host/base/files.h"
#include "host/base/json.h"
#include "tests/unit/logs/temporary_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::logs;

namespace {

struct Fixture {
  explicit Fixture(LogSettings settings = {})
      : files(std::move(*LogFiles::create(temp.path / "logs", settings, timers))) {
    files->setOnWritten([this](const std::string& name) { written.push_back(name); });
    files->setOnTrouble([this](const std::string& sentence) { trouble.push_back(sentence); });
  }
  void say(std::string_view text, std::string_view instance = "edge") {
    files->append(files->log(instance), {.at_us = 1'000'000, .text = text});
  }
  void pass(Duration time) {
    timers.advanceTo(timers.now() + time);
    files->flush();
  }
  std::vector<Json> lines(const std::string& file = "edge.log") {
    std::ifstream in(files->folder() / file);
    std::vector<Json> all;
    for (std::string line; std::getline(in, line);)
      all.push_back(Json::parse(line));
    return all;
  }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(files->folder())) {
      all.push_back(entry.path().filename().native());
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  TemporaryFolder temp;
  TimerQueue timers{TimePoint{} + 1h};
  std::unique_ptr<LogFiles> files;
  std::vector<std::string> written;
  std::vector<std::string> trouble;
};

// No file of this process grows beyond `bytes` while it lives: a full disk, with short writes as a full disk has them.
struct FullDisk {
  explicit FullDisk(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit now = before;
    now.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before); }
  rlimit before{};
};

}  // namespace

TEST_CASE("lines reach the file at flush, and who follows is told once a log and flush") {
  Fixture logs;
  logs.say("one");
  logs.say("two");
  logs.say("three", "other");
  CHECK(logs.names().empty());
  logs.files->flush();
  CHECK(logs.written == std::vector<std::string>{"edge", "other"});
  REQUIRE(logs.lines().size() == 2);
  CHECK(logs.lines()[1]["text"] == "two");
  CHECK(logs.lines("other.log")[0]["text"] == "three");
  logs.files->flush();
  CHECK(logs.written.size() == 2);
  CHECK(logs.files->counters(logs.files->log("edge")).lines == 2);
  const auto mode = std::filesystem::status(logs.files->folder() / "edge.log").permissions();
  CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("what is buffered is written when the object ends, and a later one goes on in the same file") {
  Fixture logs;
  logs.say("one");
  logs.files = std::move(*LogFiles::create(logs.temp.path / "logs", {}, logs.timers));
  logs.say("two");
  logs.files->flush();
  CHECK(logs.lines().size() == 2);
}

TEST_CASE("files rotate by size, and their number and bytes are a hard cap") {
  Fixture logs{{.file_bytes_max = kLogFileBytesMin, .files_max = 3, .lines_per_second = 0}};
  const std::string text(1000, 'x');
  for (int turn = 0; turn < 100; ++turn) {
    for (int i = 0; i < 100; ++i)
      logs.say(text);
    logs.files->flush();
    std::size_t total = 0;
    for (const auto& name : logs.names()) {
      const auto size = std::filesystem::file_size(logs.files->folder() / name);
      CHECK(size <= kLogFileBytesMin);
      total += size;
    }
    REQUIRE(total <= 3 * kLogFileBytesMin);
  }
  CHECK(logs.names() == std::vector<std::string>{"edge.log", "edge.log.10", "edge.log.11"});
  // A new process goes on with the numbers that it finds.
  logs.files = std::move(
      *LogFiles::create(logs.temp.path / "logs", {.file_bytes_max = kLogFileBytesMin, .files_max = 3}, logs.timers));
  for (int i = 0; i < 2000; ++i)
    logs.say(text);
  logs.files->flush();
  CHECK(logs.names() == std::vector<std::string>{"edge.log", "edge.log.12", "edge.log.13"});
}

TEST_CASE("names of instances cannot collide with rotated files") {
  Fixture logs{{.file_bytes_max = kLogFileBytesMin, .files_max = 2, .lines_per_second = 0}};
  const std::string text(10'000, 'x');
  for (int i = 0; i < 150; ++i)
    logs.say(text, "a");
  logs.say("of another instance", "a.log.1");
  logs.files->flush();
  CHECK(logs.names() == std::vector<std::string>{"a.log", "a.log.1", "a.log.1.log"});
  logs.files->remove("a");
  CHECK(logs.names() == std::vector<std::string>{"a.log.1.log"});
  CHECK(logs.lines("a.log.1.log").size() == 1);
}

TEST_CASE("remove forgets what was buffered, and the name can be used anew") {
  Fixture logs;
  logs.say("old");
  logs.files->remove("edge");
  logs.files->remove("edge");
  logs.files->flush();
  CHECK(logs.names().empty());
  logs.say("new");
  logs.files->flush();
  CHECK(logs.lines()[0]["text"] == "new");
}

TEST_CASE("more lines than the limit are dropped, counted, and told in the log within a second") {
  Fixture logs{{.lines_per_second = 10, .lines_burst = 20}};
  for (int i = 0; i < 100; ++i)
    logs.say("flood");
  logs.files->appendHost(logs.files->log("edge"), LogLevel::Info, "the host is heard");
  logs.files->flush();
  CHECK(logs.lines().size() == 21);
  logs.pass(1s);
  REQUIRE(logs.lines().size() == 22);
  CHECK(logs.lines().back()["source"] == "host");
  CHECK_THAT(logs.lines().back()["text"].get<std::string>(),
             Catch::StartsWith("80 lines were dropped: more than 10 a second"));
  for (int i = 0; i < 100; ++i)
    logs.say("flood");
  logs.files->flush();
  CHECK(logs.lines().size() == 32);  // ten tokens came back in that second
  logs.pass(1h);
  CHECK(logs.lines().size() == 33);
  CHECK(logs.files->counters(logs.files->log("edge")).dropped_rate == 170);
  for (int i = 0; i < 25; ++i)
    logs.say("calm");
  logs.files->flush();
  CHECK(logs.lines().size() == 53);  // never more than the burst
}

TEST_CASE("a limit of 0 drops nothing") {
  Fixture logs{{.lines_per_second = 0}};
  for (std::uint32_t i = 0; i < kLogLinesBurst * 2; ++i)
    logs.say("x");
  logs.files->flush();
  CHECK(logs.lines().size() == kLogLinesBurst * 2);
  CHECK_FALSE(logs.timers.next().has_value());
}

TEST_CASE("lines that the worker's ring had no room for are told") {
  Fixture logs;
  logs.files->countRingDrops(logs.files->log("edge"), 7);
  logs.files->countRingDrops(logs.files->log("edge"), 5);
  logs.pass(1s);
  REQUIRE(logs.lines().size() == 1);
  CHECK_THAT(logs.lines()[0]["text"].get<std::string>(), Catch::StartsWith("12 lines were dropped: the worker"));
}

TEST_CASE("a full disk drops lines with a count, leaves whole lines, and is over by itself") {
  Fixture logs;
  logs.say("before");
  logs.files->flush();
  {
    const FullDisk disk{1000};
    for (int i = 0; i < 50; ++i)
      logs.say("does not all fit");
    logs.files->flush();
    REQUIRE(logs.trouble.size() == 1);
    CHECK_THAT(logs.trouble[0], Catch::Contains("the log of edge cannot be written") && Catch::Contains("edge.log"));
    const std::size_t kept = logs.lines().size();  // each parses: no line is torn
    CHECK(kept > 1);
    CHECK(kept < 10);
    CHECK(logs.files->counters(logs.files->log("edge")).lines == kept);
    CHECK(logs.files->counters(logs.files->log("edge")).dropped_disk == 51 - kept);
    logs.say("still full");
    logs.pass(1s);
    logs.pass(1s);
    CHECK(logs.trouble.size() == 1);
    CHECK(logs.files->counters(logs.files->log("edge")).dropped_disk == 52 - kept);
  }
  logs.pass(1s);
  CHECK(logs.trouble.size() == 2);
  const auto dropped = logs.files->counters(logs.files->log("edge")).dropped_disk;
  CHECK_THAT(logs.lines().back()["text"].get<std::string>(),
             Catch::StartsWith(std::to_string(dropped) + " lines were dropped"));
  logs.say("after");
  logs.files->flush();
  CHECK(logs.lines().back()["text"] == "after");
  CHECK_FALSE(logs.timers.next().has_value());
}

TEST_CASE("a folder that is gone drops lines until it is back, and other instances' logs hold the trouble open") {
  Fixture logs;
  std::filesystem::rename(logs.files->folder(), logs.temp.path / "away");
  logs.say("a", "a");
  logs.say("b", "b");
  logs.files->flush();
  CHECK(logs.trouble.size() == 1);
  std::filesystem::rename(logs.temp.path / "away", logs.files->folder());
  logs.pass(1s);
  REQUIRE(logs.trouble.size() == 2);
  CHECK(logs.trouble[1] == "all logs are written again");
  CHECK_THAT(logs.lines("b.log")[0]["text"].get<std::string>(), Catch::StartsWith("1 line was dropped"));
}

TEST_CASE("a file that an operator removed is made anew within a second") {
  Fixture logs;
  logs.say("one");
  logs.files->flush();
  std::filesystem::remove(logs.files->folder() / "edge.log");
  logs.pass(1s);
  logs.say("two");
  logs.files->flush();
  REQUIRE(logs.lines().size() == 1);
  CHECK(logs.lines()[0]["text"] == "two");
}

TEST_CASE("a line torn by a power cut does not swallow the next") {
  Fixture logs;
  std::ofstream(logs.files->folder() / "edge.log") << R"({"time":"2026-11-24T03:22)";
  logs.say("next");
  logs.files->flush();
  std::ifstream in(logs.files->folder() / "edge.log");
  std::string torn, next;
  std::getline(in, torn);
  std::getline(in, next);
  CHECK(torn == R"({"time":"2026-11-24T03:22)");
  CHECK(Json::parse(next)["text"] == "next");
}

TEST_CASE("a link in the place of a log is not followed") {
  Fixture logs;
  std::ofstream(logs.temp.path / "victim") << "precious";
  std::filesystem::create_symlink(logs.temp.path / "victim", logs.files->folder() / "edge.log");
  logs.say("x");
  logs.files->flush();
  CHECK(logs.trouble.size() == 1);
  CHECK(*readFile(logs.temp.path / "victim", 100) == "precious");
}

TEST_CASE("more logs than may stay open share the descriptors") {
  Fixture logs;
  for (int turn = 0; turn < 2; ++turn) {
    for (std::size_t i = 0; i < kLogFilesOpenMax + 20; ++i)
      logs.say("x", "i" + std::to_string(i));
    logs.files->flush();
    CHECK(logs.files->openFileCount() == kLogFilesOpenMax);
  }
  CHECK(logs.lines("i0.log").size() == 2);
  CHECK(logs.lines("i147.log").size() == 2);
}

TEST_CASE("a turn with more than a buffer of lines loses none") {
  Fixture logs{{.lines_per_second = 0}};
  const std::string text(kLogLineBytesMax, '\x02');
  for (int i = 0; i < 40; ++i)
    logs.say(text);
  logs.files->flush();
  CHECK(logs.lines().size() == 40);
  CHECK(logs.written.size() == 1);
}
