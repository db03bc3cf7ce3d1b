// Reads off the loop: one reader thread runs lists and searches one after the other and posts what they gave back.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "host/store/store.h"

namespace longhaul::host::store {

// submit() from any thread. Owns its thread; the reader outlives it, and nobody else uses the reader meanwhile.
class StoreQueries {
 public:
  // How completions get to the loop: called once a query, on the reader thread.
  using Post = std::function<void(std::function<void()>)>;

  StoreQueries(StoreReader& reader, Post post);
  // Runs what is queued, posts its completions, joins the thread.
  ~StoreQueries();

  // Queues `query(StoreReader&)`; `done` runs through `post` with what it returned. Queries keep their order.
  // False: kStoreQueriesMax wait already, nothing was queued and `done` never runs: BUSY.
  template <class Query, class Done>
  bool submit(Query query, Done done) {
    using Answer = std::invoke_result_t<Query&, StoreReader&>;
    return push([query = std::move(query), done = std::move(done)](StoreReader& reader) mutable {
      auto answer = std::make_shared<Answer>(query(reader));
      return std::function<void()>{[answer, done] { done(std::move(*answer)); }};
    });
  }

  std::size_t queued() const;

 private:
  using Job = std::function<std::function<void()>(StoreReader&)>;
  bool push(Job job);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace longhaul::host::store
