// Makes incidents as fast as the host takes them (or with pauseMs between two calls), from several threads, each with
// the number of its first incident under the thread's key of the context, and appends what each call gave to
// given-THREAD.txt in its data folder: "FIRST ID,ID,…" a line, once the call has returned. Whatever stands there was
// acknowledged. A new worker goes on behind the last line and asks again, under the same idempotency key, for the call
// whose answer the killed one did not live to write down.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <longhaul/sdk.hpp>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

// Number of the first incident that no whole line of the file names. What is behind the last whole line is cut off.
std::int64_t resume(const std::string& path, std::int64_t batch) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t whole = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  if (whole != text.size() && ::truncate(path.c_str(), static_cast<off_t>(whole)) != 0) {
    throw std::runtime_error("cannot cut " + path);
  }
  std::int64_t lines = 0;
  for (std::size_t i = 0; i < whole; ++i)
    lines += text[i] == '\n';
  return lines * batch;
}

class Recorder : public longhaul::Plugin {
 public:
  explicit Recorder(longhaul::Server server)
      : Plugin(server),
        threads_(server.parameterInt("threads", 4)),
        batch_(server.parameterInt("batch", 5)),
        pause_(server.parameterInt("pauseMs", 0)) {}

  void longRunningExecution() override {
    std::vector<std::thread> threads;
    for (std::int64_t i = 0; i < threads_; ++i)
      threads.emplace_back([this, i] { run(i); });
    stopToken().wait();
    for (std::thread& thread : threads)
      thread.join();
    if (!failure_.empty()) throw std::runtime_error(failure_);
  }

 private:
  void run(std::int64_t thread) {
    try {
      record(thread);
    } catch (const std::exception& error) {
      const std::lock_guard lock(mutex_);
      failure_ = error.what();
      server().error(failure_);
    }
  }

  void record(std::int64_t thread) {
    const std::string path = "given-" + std::to_string(thread) + ".txt";
    std::int64_t first = resume(path, batch_);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) throw std::runtime_error("cannot open " + path);
    for (; !stopToken().stopRequested(); first += batch_) {
      std::vector<longhaul::Incident> incidents(static_cast<std::size_t>(batch_));
      for (std::int64_t i = 0; i < batch_; ++i) {
        incidents[static_cast<std::size_t>(i)].name = std::to_string(thread) + "/" + std::to_string(first + i);
      }
      const std::string key = std::to_string(thread) + "/" + std::to_string(first);
      longhaul::CreateOptions options;
      options.idempotency_key = key;
      const std::string patch = "{\"" + std::to_string(thread) + "\":" + std::to_string(first) + "}";
      options.patch_context = patch;
      auto made = longhaul::untilTaken(stopToken(), [&] { return server().tryCreateIncidents(incidents, options); });
      if (!made.ok() && stopToken().stopRequested()) break;
      std::string line = std::to_string(first);
      char separator = ' ';
      for (const auto& incident : std::move(made).take()) {
        line += separator + incident.id;
        separator = ',';
      }
      line += '\n';
      if (::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        throw std::runtime_error("cannot write " + path);
      }
      if (pause_.count() > 0 && stopToken().waitFor(pause_)) break;
    }
    ::close(file);
  }

  const std::int64_t threads_, batch_;
  const std::chrono::milliseconds pause_;
  std::mutex mutex_;
  std::string failure_;
};

}  // namespace

LONGHAUL_PLUGIN(Recorder);
