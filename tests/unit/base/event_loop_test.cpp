#include "host/base/event_loop.h"

#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>

#include "host/base/unique_fd.h"

namespace longhaul::host {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    read = UniqueFd{ends[0]};
    write = UniqueFd{ends[1]};
  }
  void fill() const { REQUIRE(::write(write.get(), "x", 1) == 1); }
  UniqueFd read, write;
};

}  // namespace

// A worker was taken for dead, and killed, because the watch of its pidfd was made in the turn in which others went.
TEST_CASE("a watch made in place of one that went does not wake for the other's event") {
  constexpr std::size_t kCount = 8;
  EventLoop loop;
  std::array<Pipe, kCount> ready;
  Pipe quiet;
  std::array<std::unique_ptr<FdWatch>, kCount> watches;
  std::unique_ptr<FdWatch> fresh;
  int wakes = 0;
  bool turned = false;
  const auto replaceTheOthers = [&](std::size_t self) {
    if (fresh) return;
    for (std::size_t i = 0; i < kCount; ++i) {
      if (i != self) watches[i].reset();
    }
    fresh = loop.watch(quiet.read.get(), [&] { ++wakes; });
    fresh->waitReadable();
    loop.post([&] { loop.post([&] { turned = true; }); });
  };
  for (std::size_t i = 0; i < kCount; ++i) {
    ready[i].fill();
    watches[i] = loop.watch(ready[i].read.get(), [&, i] { replaceTheOthers(i); });
    watches[i]->waitReadable();
  }
  REQUIRE(loop.runUntil([&] { return turned; }, std::chrono::seconds{30}));
  CHECK(wakes == 0);

  quiet.fill();
  REQUIRE(loop.runUntil([&] { return wakes > 0; }, std::chrono::seconds{30}));
  CHECK(wakes == 1);
}

}  // namespace longhaul::host
