#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <random>

#include "host/base/worker_limits.h"
#include "host/protocol/crash_report.h"

using namespace longhaul::host;
using namespace longhaul::host::protocol;

namespace {

struct Page {
  alignas(64) char bytes[kSharedPageBytes] = {};
  PageHeader& header() { return *headerOf(bytes); }
};

}  // namespace

TEST_CASE("a page that no handler wrote to has no report") {
  const auto page = std::make_unique<Page>();
  CHECK_FALSE(readCrash(page->bytes));
  CHECK(readDenied(page->bytes).empty());
  CHECK_FALSE(readStack(page->bytes, 0, 1));
}

TEST_CASE("a report names the place in a file where a frame is, and the bare address where there is no file") {
  const auto page = std::make_unique<Page>();
  page->header().modules[0] = {0x1000, 0x2000, 0x0807060504030201, "plugin"};
  page->header().modules[7] = {0x8000, 0x9000, 0, "libc.so.6"};
  CrashRecord& record = page->header().crash;
  record.state = 1;
  record.signal = 11;
  record.code = 1;
  record.thread = 77;
  record.address = 0x10;
  record.system_call = -1;
  std::strcpy(record.thread_name, "receiver");
  record.frames_count = 4;
  record.frames[0] = 0x1000;
  record.frames[1] = 0x8fff;
  record.frames[2] = 0x2000;
  record.frames[3] = 0;
  const auto report = readCrash(page->bytes);
  REQUIRE(report);
  CHECK(report->signal == 11);
  CHECK(report->thread == 77);
  CHECK(report->thread_name == "receiver");
  CHECK(report->sender_pid == 0);
  CHECK(report->frames == std::vector<std::string>{"plugin+0x0", "libc.so.6+0xfff", "0x2000", "0x0"});
}

TEST_CASE("what a plugin writes into the page is never read beyond and never acts on a terminal") {
  const auto page = std::make_unique<Page>();
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 200; ++round) {
    for (std::size_t i = 0; i + 4 <= kPageHeaderBytes; i += 4) {
      const auto word = static_cast<std::uint32_t>(random());
      std::memcpy(page->bytes + i, &word, sizeof word);
    }
    for (std::size_t i = kPageStacksOffset; i + 4 <= kSharedPageBytes; i += 4) {
      const auto word = static_cast<std::uint32_t>(random());
      std::memcpy(page->bytes + i, &word, sizeof word);
    }
    page->header().crash.state = 1;
    page->header().crash.signal = round % 70 - 2;
    page->header().modules[0].begin = 0;
    page->header().modules[0].end = UINT64_MAX;
    const auto report = readCrash(page->bytes);
    REQUIRE(report.has_value() == (round % 70 - 2 >= 1 && round % 70 - 2 <= 64));
    if (report) {
      REQUIRE(report->frames.size() <= kCrashFramesMax);
      REQUIRE(report->thread_name.size() <= sizeof page->header().crash.thread_name);
      for (const std::string& frame : report->frames) {
        for (const char c : frame)
          REQUIRE((c >= ' ' && c <= '~'));
      }
    }
    auto* stacks = stacksOf(page->bytes);
    stacks[3].state = 1;
    const auto stack = readStack(page->bytes, 3, stacks[3].thread);
    REQUIRE(stack);
    REQUIRE(stack->size() <= kStackFramesMax);
  }
  CHECK_FALSE(readStack(page->bytes, kStackThreadsMax, 0));
}

TEST_CASE("refused system calls are listed by their number") {
  const auto page = std::make_unique<Page>();
  page->header().denied_count[41] = 7;
  page->header().denied_count[kSystemCallsMax - 1] = 1;
  const std::vector<std::pair<int, std::uint32_t>> wanted{{41, 7}, {static_cast<int>(kSystemCallsMax) - 1, 1}};
  CHECK(readDenied(page->bytes) == wanted);
}

TEST_CASE("a stack counts only for the thread that was asked") {
  const auto page = std::make_unique<Page>();
  stacksOf(page->bytes)[1] = {.state = 1, .thread = 5, .frames_count = 1, .unused = 0, .frames = {0x42}};
  CHECK(readStack(page->bytes, 1, 5) == std::vector<std::string>{"0x42"});
  CHECK_FALSE(readStack(page->bytes, 1, 6));
}
