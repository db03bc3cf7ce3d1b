#include "host/store/store_executor.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "host/base/limits.h"
#include "host/store/worker_thread.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {

struct StoreExecutor::State {
  struct Item {
    Write write;
    Completion done;
    std::size_t bytes;
  };
  struct Batch {
    std::vector<Write> writes;
    std::vector<Completion> completions;
  };

  State(Store& target, Post post_to_loop) : store(target), post(std::move(post_to_loop)) {}

  Store& store;
  const Post post;
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<Item> queue;  // under mutex, as all below
  std::size_t queued_bytes = 0;
  bool stopping = false;
  Counters counters;
  // Read and written on the loop alone; shared with completions that run after the executor's end.
  const std::shared_ptr<std::vector<Observer>> observers = std::make_shared<std::vector<Observer>>();
  std::thread thread;

  void run();
  Batch take();
  void perform(Batch batch);
};

// Waits for work; an empty batch is the end. While nothing comes, the store tidies up, once a pause.
StoreExecutor::State::Batch StoreExecutor::State::take() {
  std::unique_lock lock{mutex};
  bool untidy = counters.batches > 0;
  while (queue.empty() && !stopping) {
    if (!untidy) {
      wake.wait(lock);
    } else if (wake.wait_for(lock, kStoreIdle) == std::cv_status::timeout && queue.empty() && !stopping) {
      lock.unlock();
      untidy = store.maintain();
      lock.lock();
    }
  }
  Batch batch;
  std::size_t bytes = 0;
  while (!queue.empty() && batch.writes.size() < kStoreBatchWritesMax) {
    Item& item = queue.front();
    if (!batch.writes.empty() && bytes + item.bytes > kStoreBatchBytesMax) break;
    bytes += item.bytes;
    batch.writes.push_back(std::move(item.write));
    batch.completions.push_back(std::move(item.done));
    queue.pop_front();
  }
  queued_bytes -= bytes;
  return batch;
}

void StoreExecutor::State::perform(Batch batch) {
  auto results = store.apply(batch.writes);
  LONGHAUL_CHECK(results.size() == batch.writes.size(), "the store gave another number of results than it got writes");
  {
    const std::lock_guard lock{mutex};
    ++counters.batches;
    counters.writes += results.size();
    bool failed = true;
    for (const auto& result : results)
      failed = failed && !result;
    if (failed) ++counters.failed_batches;
  }
  // std::function wants copies, and completions may hold what cannot be copied cheaply: one shared holder a batch.
  struct Finished {
    Batch batch;
    std::vector<WriteResult> results;
  };
  auto finished = std::make_shared<Finished>(Finished{std::move(batch), std::move(results)});
  post([finished, told = observers] {
    for (std::size_t i = 0; i < finished->results.size(); ++i) {
      for (const Observer& observer : *told)
        if (finished->results[i]) observer(finished->batch.writes[i], *finished->results[i]);
      if (finished->batch.completions[i]) finished->batch.completions[i](std::move(finished->results[i]));
    }
  });
}

void StoreExecutor::State::run() {
  for (;;) {
    Batch batch = take();
    if (batch.writes.empty()) return;
    perform(std::move(batch));
  }
}

StoreExecutor::StoreExecutor(Store& store, Post post) : state_(std::make_unique<State>(store, std::move(post))) {
  state_->thread = startThread("store-writer", [state = state_.get()] { state->run(); });
}

StoreExecutor::~StoreExecutor() {
  {
    const std::lock_guard lock{state_->mutex};
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

bool StoreExecutor::submit(Write write, Completion done) {
  const std::size_t bytes = writeBytes(write);
  const bool of_plugin = std::holds_alternative<CommitWrite>(write);
  {
    const std::lock_guard lock{state_->mutex};
    const bool full =
        state_->queue.size() >= kStoreQueueWritesMax || state_->queued_bytes + bytes > kStoreQueueBytesMax;
    if (of_plugin && full) {
      ++state_->counters.refused;
      return false;
    }
    state_->queue.push_back({std::move(write), std::move(done), bytes});
    state_->queued_bytes += bytes;
  }
  state_->wake.notify_one();
  return true;
}

void StoreExecutor::observe(Observer observer) {
  state_->observers->push_back(std::move(observer));
}

StoreExecutor::Counters StoreExecutor::counters() const {
  const std::lock_guard lock{state_->mutex};
  Counters counters = state_->counters;
  counters.queued = state_->queue.size();
  return counters;
}

}  // namespace longhaul::host::store
