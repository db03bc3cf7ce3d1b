#include "host/daemon/job_thread.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace longhaul::host::daemon {

struct JobThread::State {
  struct Job {
    std::function<void()> work, done;
  };
  explicit State(EventLoop& loop_in) : loop(loop_in) {}

  void body() {
    std::unique_lock lock{mutex};
    while (true) {
      wake.wait(lock, [this] { return stopping || !jobs.empty(); });
      if (stopping) return;
      Job job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job.work();
      loop.post(std::move(job.done));
      lock.lock();
    }
  }

  EventLoop& loop;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> jobs;
  bool stopping = false;
  std::thread thread;
};

JobThread::JobThread(EventLoop& loop) : state_(std::make_unique<State>(loop)) {
  // Signals are the loop's; a thread inherits the mask that main set before anything else.
  state_->thread = std::thread([state = state_.get()] {
    ::pthread_setname_np(::pthread_self(), "jobs");
    state->body();
  });
}

JobThread::~JobThread() {
  {
    const std::lock_guard lock{state_->mutex};
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

void JobThread::run(std::function<void()> work, std::function<void()> done) {
  {
    const std::lock_guard lock{state_->mutex};
    state_->jobs.push_back({std::move(work), std::move(done)});
  }
  state_->wake.notify_one();
}

}  // namespace longhaul::host::daemon
