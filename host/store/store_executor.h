// Group commit: one writer thread takes whatever queued up while the last batch was being made durable, and applies it
// as one transaction. There is no timer, and nothing waits when nothing else is queued.
#pragma once

#include <functional>
#include <memory>

#include "host/store/store.h"

namespace longhaul::host::store {

// Thread-safe: submit() and the counters from any thread. Owns its thread; the Store outlives it.
class StoreExecutor {
 public:
  // How completions get to the loop: called once a batch, on the writer thread.
  using Post = std::function<void(std::function<void()>)>;
  using Completion = std::function<void(WriteResult)>;

  StoreExecutor(Store& store, Post post);
  // Applies what is queued, posts its completions, joins the thread.
  ~StoreExecutor();

  // Queues one write. `done` runs through `post` once the write is durable or has failed; writes of one caller keep
  // their order. False: the queue is full (kStoreQueueWritesMax, kStoreQueueBytesMax), nothing was queued and `done`
  // never runs: BUSY. Writes of the host itself (everything but CommitWrite) are taken over the limit, which
  // is there for plugins.
  bool submit(Write write, Completion done);

  // Runs through `post`, right before its completion, for each write that succeeded, with what it gave. Set on the
  // loop, before the first write; it works until the executor's end.
  using Observer = std::function<void(const Write& write, const WriteValue& value)>;
  void observe(Observer observer);

  struct Counters {
    std::uint64_t batches = 0;
    std::uint64_t writes = 0;
    std::uint64_t failed_batches = 0;
    std::uint64_t refused = 0;  // submit() said false
    std::size_t queued = 0;
  };
  Counters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace longhaul::host::store
