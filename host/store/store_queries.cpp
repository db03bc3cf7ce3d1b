#include "host/store/store_queries.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "host/base/limits.h"
#include "host/store/worker_thread.h"

namespace longhaul::host::store {

struct StoreQueries::State {
  State(StoreReader& source, Post post_to_loop) : reader(source), post(std::move(post_to_loop)) {}

  StoreReader& reader;
  const Post post;
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> queue;  // under mutex
  bool stopping = false;  // under mutex
  std::thread thread;

  void run() {
    for (;;) {
      Job job;
      {
        std::unique_lock lock{mutex};
        wake.wait(lock, [this] { return !queue.empty() || stopping; });
        if (queue.empty()) return;
        job = std::move(queue.front());
        queue.pop_front();
      }
      post(job(reader));
    }
  }
};

StoreQueries::StoreQueries(StoreReader& reader, Post post) : state_(std::make_unique<State>(reader, std::move(post))) {
  state_->thread = startThread("store-reader", [state = state_.get()] { state->run(); });
}

StoreQueries::~StoreQueries() {
  {
    const std::lock_guard lock{state_->mutex};
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

bool StoreQueries::push(Job job) {
  {
    const std::lock_guard lock{state_->mutex};
    if (state_->queue.size() >= kStoreQueriesMax) return false;
    state_->queue.push_back(std::move(job));
  }
  state_->wake.notify_one();
  return true;
}

std::size_t StoreQueries::queued() const {
  const std::lock_guard lock{state_->mutex};
  return state_->queue.size();
}

}  // namespace longhaul::host::store
