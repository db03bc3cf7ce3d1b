#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "host/base/worker_contract.h"
#include "host/process/worker_threads.h"

using namespace longhaul::host;
using namespace longhaul::host::process;

namespace {

std::atomic<int> asked{-1};

void onAsked(int, siginfo_t* info, void*) {
  if (info->si_code == SI_QUEUE && info->si_pid == ::getpid()) asked = info->si_value.sival_int;
}

// A thread that waits on a pipe until the block is left.
struct Waiting {
  int ends[2] = {};
  std::atomic<pid_t> id{0};
  std::thread thread;
  Waiting() {
    REQUIRE(::pipe(ends) == 0);
    thread = std::thread{[this] {
      ::pthread_setname_np(::pthread_self(), "wait\x1b[2Js");
      id = ::gettid();
      char byte;
      while (::read(ends[0], &byte, 1) < 0)
        continue;
    }};
  }
  ~Waiting() {
    ::close(ends[1]);
    thread.join();
    ::close(ends[0]);
  }
};

template <class Condition>
void waitUntil(Condition condition) {
  for (int i = 0; i < 30'000 && !condition(); ++i)
    ::poll(nullptr, 0, 1);
  REQUIRE(condition());
}

const ThreadState* stateOf(const std::vector<ThreadState>& states, pid_t thread) {
  const auto found =
      std::find_if(states.begin(), states.end(), [&](const auto& each) { return each.thread == thread; });
  return found == states.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("the threads of a process are listed with their state, main first, and no name acts on a terminal") {
  const Waiting waiting;
  waitUntil([&] { return waiting.id != 0; });
  waitUntil([&] {
    const auto states = threadsOf(::getpid());
    const ThreadState* state = stateOf(states, waiting.id);
    return state != nullptr && state->state == 'S';
  });
  const auto states = threadsOf(::getpid());
  REQUIRE(states.size() >= 2);
  CHECK(states[0].thread == ::getpid());
  CHECK(states[0].state == 'R');
  CHECK(stateOf(states, waiting.id)->name == "wait?[2Js");
  CHECK_FALSE(isTraced(::getpid()));
}

TEST_CASE("a thread is asked by a signal that says its place") {
  struct sigaction action {};
  action.sa_sigaction = onAsked;
  action.sa_flags = SA_SIGINFO;
  REQUIRE(::sigaction(kStackSignal, &action, nullptr) == 0);
  const Waiting waiting;
  waitUntil([&] { return waiting.id != 0; });
  CHECK(askForStack(::getpid(), waiting.id, 42));
  waitUntil([&] { return asked == 42; });
  CHECK_FALSE(askForStack(::getpid(), 1, 0));  // no thread of this process
}

TEST_CASE("of a process that is gone there is nothing to tell") {
  const pid_t none = 0x7ffffff0;
  CHECK(threadsOf(none).empty());
  CHECK(queueWaitsOf(none).empty());
  CHECK_FALSE(isTraced(none));
}
