#include "host/admin/log_requests.h"

#include <catch2/catch.hpp>
#include <deque>

#include "host/logs/log_files.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::admin {
namespace {

// A log that the test writes and questions whose jobs it runs by hand.
struct Logs {
  test::TempFolder folder;
  TimerQueue timers{TimePoint{} + std::chrono::hours{1}};
  std::deque<std::pair<std::function<void()>, std::function<void()>>> jobs;
  std::unique_ptr<logs::LogFiles> files = std::move(logs::LogFiles::create(folder.path(), {}, timers)).value();
  LogRequests requests{timers, folder.path(), [this](auto work, auto done) { jobs.emplace_back(work, done); }};
  std::vector<Json> answers;

  void write(const std::string& text) {
    files->append(files->log("edge"), {.at_us = 1'000'000, .text = text});
    files->flush();
  }
  void ask(LogsAsked asked, std::uint64_t id = 1) {
    requests.ask(WaitId{id}, "edge", asked, [this](const Answer& answer) {
      auto json = parseJson(std::get<std::string>(answer));
      answers.push_back(std::move(json).value());
    });
  }
  void runJobs() {
    while (!jobs.empty()) {
      const auto job = std::move(jobs.front());
      jobs.pop_front();
      job.first();
      job.second();
    }
  }
  logs::LogCursor next() const { return *logs::LogCursor::parse(answers.back()["next"].get<std::string>()); }
};

TEST_CASE("Lines are read once and go on behind the cursor") {
  Logs logs;
  for (const auto* text : {"a", "b", "c"})
    logs.write(text);
  logs.ask({.lines = 2});
  logs.runJobs();
  REQUIRE(logs.answers.size() == 1);
  CHECK(logs.answers[0]["lines"].size() == 2);
  CHECK(logs.answers[0]["lines"][1]["text"] == "c");
  logs.write("d");
  logs.ask({.cursor = logs.next()});
  logs.runJobs();
  REQUIRE(logs.answers[1]["lines"].size() == 1);
  CHECK(logs.answers[1]["lines"][0]["text"] == "d");
}

TEST_CASE("Who waits gets the first line that comes, and an empty page when none does") {
  Logs logs;
  logs.write("before");
  logs.ask({.lines = 0});
  logs.runJobs();
  REQUIRE(logs.answers.size() == 1);
  logs.ask({.cursor = logs.next(), .wait = std::chrono::seconds{20}}, 2);
  logs.runJobs();
  REQUIRE(logs.answers.size() == 1);

  SECTION("a line comes") {
    logs.write("after");
    logs.requests.written("other");
    CHECK(logs.jobs.empty());
    logs.requests.written("edge");
    logs.timers.advanceTo(logs.timers.now() + kLogFollowDelay);
    logs.runJobs();
    REQUIRE(logs.answers.size() == 2);
    CHECK(logs.answers[1]["lines"][0]["text"] == "after");
  }
  SECTION("a line came while the first read was under way") {
    logs.requests.cancel(WaitId{2});
    logs.ask({.cursor = logs.next(), .wait = std::chrono::seconds{20}}, 3);
    const auto job = std::move(logs.jobs.front());
    logs.jobs.pop_front();
    job.first();
    logs.write("after");
    logs.requests.written("edge");
    job.second();
    logs.timers.advanceTo(logs.timers.now() + kLogFollowDelay);
    logs.runJobs();
    REQUIRE(logs.answers.size() == 2);
  }
  SECTION("none comes") {
    logs.timers.advanceTo(logs.timers.now() + std::chrono::seconds{20});
    logs.runJobs();
    REQUIRE(logs.answers.size() == 2);
    CHECK(logs.answers[1]["lines"].empty());
    CHECK(logs.answers[1]["next"] == logs.answers[0]["next"]);
  }
  SECTION("the peer goes away") {
    logs.requests.written("edge");
    logs.requests.cancel(WaitId{2});
    logs.timers.advanceTo(logs.timers.now() + std::chrono::seconds{20});
    logs.runJobs();
    CHECK(logs.answers.size() == 1);
  }
  CHECK(logs.requests.size() == 0);
  CHECK(logs.timers.size() == 0);
}

TEST_CASE("Who asks for no line and waits gets the next one, however many are older") {
  Logs logs;
  logs.write("before");
  logs.ask({.lines = 0, .wait = std::chrono::seconds{20}});
  logs.runJobs();
  REQUIRE(logs.answers.empty());
  logs.write("after");
  logs.requests.written("edge");
  logs.timers.advanceTo(logs.timers.now() + kLogFollowDelay);
  logs.runJobs();
  REQUIRE(logs.answers.size() == 1);
  REQUIRE(logs.answers[0]["lines"].size() == 1);
  CHECK(logs.answers[0]["lines"][0]["text"] == "after");
}

TEST_CASE("An instance without a log can be followed from its first line on") {
  Logs logs;
  logs.ask({.wait = std::chrono::seconds{20}});
  logs.runJobs();
  REQUIRE(logs.answers.empty());
  logs.write("first");
  logs.requests.written("edge");
  logs.timers.advanceTo(logs.timers.now() + kLogFollowDelay);
  logs.runJobs();
  REQUIRE(logs.answers.size() == 1);
  CHECK(logs.answers[0]["lines"][0]["text"] == "first");
}

TEST_CASE("Since a time, without a number of lines, reads on in pages") {
  Logs logs;
  for (const std::int64_t second : {10, 20, 30}) {
    logs.files->append(logs.files->log("edge"), {.at_us = second * 1'000'000, .text = "x"});
  }
  logs.files->flush();
  logs.ask({.since_us = 20'000'000});
  logs.runJobs();
  CHECK(logs.answers[0]["lines"].size() == 2);
  logs.ask({.lines = 1, .since_us = 20'000'000});
  logs.runJobs();
  CHECK(logs.answers[1]["lines"].size() == 1);
  CHECK(logs.answers[1]["lines"][0]["time"] == "1970-01-01T00:00:30.000000Z");
}

}  // namespace
}  // namespace longhaul::host::admin
