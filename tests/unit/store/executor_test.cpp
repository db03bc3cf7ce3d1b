#include "host/store/store_executor.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/base/limits.h"

using namespace longhaul::host;
using namespace longhaul::host::store;

namespace {

// A store that writes nothing: it remembers its batches and holds each until the test lets it go.
class GatedStore final : public Store {
 public:
  std::vector<WriteResult> apply(std::span<const Write> batch) override {
    std::unique_lock lock{mutex_};
    batches_.push_back(batch.size());
    for (const Write& write : batch) {
      const auto* commit = std::get_if<CommitWrite>(&write);
      order_.push_back(commit == nullptr ? "host" : commit->idempotency_key);
    }
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    std::vector<WriteResult> results;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      results.emplace_back(fails_ ? WriteResult(Error{Code::StoreFull, "full"}) : WriteResult(WriteValue{Done{}}));
    }
    return results;
  }
  bool maintain() override {
    const std::lock_guard lock{mutex_};
    ++maintained_;
    changed_.notify_all();
    return false;
  }

  void open() {
    const std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }
  void fail() {
    const std::lock_guard lock{mutex_};
    fails_ = true;
  }
  void waitForBatches(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return batches_.size() >= count; });
  }
  void waitForMaintenance(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return maintained_ >= count; });
  }
  std::vector<std::size_t> batches() {
    const std::lock_guard lock{mutex_};
    return batches_;
  }
  std::vector<std::string> order() {
    const std::lock_guard lock{mutex_};
    return order_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::size_t> batches_;
  std::vector<std::string> order_;
  std::size_t maintained_ = 0;
  bool open_ = false;
  bool fails_ = false;
};

// The loop's side: keeps what is posted until the test runs it.
class Posted {
 public:
  StoreExecutor::Post post() {
    return [this](std::function<void()> task) {
      const std::lock_guard lock{mutex_};
      tasks_.push_back(std::move(task));
      changed_.notify_all();
    };
  }
  // Waits for so many tasks in all, and runs those that were not run.
  void runUntil(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return tasks_.size() >= count; });
    for (; run_ < tasks_.size(); ++run_)
      tasks_[run_]();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> tasks_;
  std::size_t run_ = 0;
};

Write commitNamed(const std::string& name) {
  CommitWrite write;
  write.idempotency_key = name;
  return write;
}

}  // namespace

TEST_CASE("what queues up while a batch is made durable becomes one batch, and completes by one post") {
  GatedStore store;
  Posted posted;
  StoreExecutor executor{store, posted.post()};
  std::vector<int> done;
  REQUIRE(executor.submit(commitNamed("0"), [&](WriteResult result) {
    CHECK(result.has_value());
    done.push_back(0);
  }));
  store.waitForBatches(1);
  for (int i = 1; i <= 50; ++i) {
    REQUIRE(executor.submit(commitNamed(std::to_string(i)), [&done, i](WriteResult) { done.push_back(i); }));
  }
  CHECK(executor.counters().queued == 50);
  CHECK(done.empty());
  store.open();
  posted.runUntil(2);
  CHECK(store.batches() == std::vector<std::size_t>{1, 50});
  REQUIRE(done.size() == 51);
  for (int i = 0; i <= 50; ++i)
    CHECK(done[static_cast<std::size_t>(i)] == i);
  const auto counters = executor.counters();
  CHECK(counters.batches == 2);
  CHECK(counters.writes == 51);
  CHECK(counters.queued == 0);
}

TEST_CASE("a batch is bounded by its number of writes and by their bytes") {
  GatedStore store;
  Posted posted;
  StoreExecutor executor{store, posted.post()};
  REQUIRE(executor.submit(commitNamed("first"), {}));
  store.waitForBatches(1);
  for (std::size_t i = 0; i < kStoreBatchWritesMax + 1; ++i)
    REQUIRE(executor.submit(commitNamed("x"), {}));
  CommitWrite large;
  large.last_run = std::string(kStoreBatchBytesMax, ' ');
  REQUIRE(executor.submit(large, {}));
  REQUIRE(executor.submit(large, {}));
  store.open();
  posted.runUntil(5);
  CHECK(store.batches() == std::vector<std::size_t>{1, kStoreBatchWritesMax, 1, 1, 1});
}

TEST_CASE("a full queue refuses plugins' writes at once, and takes the host's own") {
  GatedStore store;
  Posted posted;
  StoreExecutor executor{store, posted.post()};
  REQUIRE(executor.submit(commitNamed("first"), {}));
  store.waitForBatches(1);
  for (std::size_t i = 0; i < kStoreQueueWritesMax; ++i)
    REQUIRE(executor.submit(commitNamed("x"), {}));
  bool called = false;
  CHECK_FALSE(executor.submit(commitNamed("over"), [&](WriteResult) { called = true; }));
  CHECK(executor.counters().refused == 1);
  CHECK(executor.submit(SetEnabled{InstanceId{1}, true}, {}));
  store.open();
  posted.runUntil(1 + (kStoreQueueWritesMax + 1 + kStoreBatchWritesMax - 1) / kStoreBatchWritesMax);
  CHECK_FALSE(called);
  CHECK(store.order().back() == "host");
  CHECK(executor.submit(commitNamed("again"), {}));
}

TEST_CASE("a queue full of bytes refuses too") {
  GatedStore store;
  Posted posted;
  StoreExecutor executor{store, posted.post()};
  REQUIRE(executor.submit(commitNamed("first"), {}));
  store.waitForBatches(1);
  CommitWrite large;
  large.last_run = std::string(kStoreQueueBytesMax / 2 + 1, ' ');
  CHECK(executor.submit(large, {}));
  CHECK_FALSE(executor.submit(large, {}));
  store.open();
}

TEST_CASE("the executor's end makes durable what is queued, and posts it") {
  GatedStore store;
  Posted posted;
  int done = 0;
  {
    StoreExecutor executor{store, posted.post()};
    for (int i = 0; i < 10; ++i)
      REQUIRE(executor.submit(commitNamed("x"), [&](WriteResult) { ++done; }));
    store.open();
  }
  posted.runUntil(store.batches().size());
  CHECK(done == 10);
}

TEST_CASE("writes of each thread keep their order") {
  GatedStore store;
  store.open();
  Posted posted;
  {
    StoreExecutor executor{store, posted.post()};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&executor, t] {
        for (int i = 0; i < 500; ++i) {
          while (!executor.submit(commitNamed(std::to_string(t) + "/" + std::to_string(1000 + i)), {}))
            std::this_thread::yield();
        }
      });
    }
    for (std::thread& thread : threads)
      thread.join();
  }
  std::vector<std::string> last(4);
  for (const std::string& name : store.order()) {
    std::string& before = last[static_cast<std::size_t>(name[0] - '0')];
    CHECK(before < name);
    before = name;
  }
  CHECK(store.order().size() == 2000);
}

TEST_CASE("a batch of which nothing succeeded is counted as failed") {
  GatedStore store;
  store.fail();
  store.open();
  Posted posted;
  StoreExecutor executor{store, posted.post()};
  Code code{};
  REQUIRE(executor.submit(commitNamed("x"), [&](WriteResult result) { code = result.error().code; }));
  posted.runUntil(1);
  CHECK(code == Code::StoreFull);
  CHECK(executor.counters().failed_batches == 1);
}

TEST_CASE("the store tidies up once when nothing comes, and again only after a new batch") {
  GatedStore store;
  store.open();
  Posted posted;
  StoreExecutor executor{store, posted.post()};
  REQUIRE(executor.submit(commitNamed("x"), {}));
  store.waitForMaintenance(1);
  REQUIRE(executor.submit(commitNamed("y"), {}));
  store.waitForMaintenance(2);
  CHECK(store.batches() == std::vector<std::size_t>{1, 1});
}
