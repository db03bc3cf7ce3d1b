// Its commands do what commands can do, and what they should not: answer, wait, say nothing, throw, end the worker, and
// write the context from many threads at once. The loop does as its parameter says.
#include <condition_variable>
#include <cstdlib>
#include <longhaul/sdk.hpp>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

std::string quoted(std::string_view text) {
  return longhaul::quoteJson(text);
}

class Commander : public longhaul::CommandPlugin {
 public:
  explicit Commander(longhaul::Server server) : CommandPlugin(server) {
    onCommand("echo", [this](const longhaul::Command& command) { return echo(command); });
    onCommand("hold", [this](const longhaul::Command&) { return hold(); });
    onCommand("release", [this](const longhaul::Command&) { return release(); });
    onCommand("say-nothing", [](const longhaul::Command&) { return std::nullopt; });
    onCommand("say-empty", [](const longhaul::Command&) { return std::string(); });
    onCommand("throw", [](const longhaul::Command& command) -> std::string {
      throw std::invalid_argument(command.argument("text", ""));
    });
    onCommand("crash", [](const longhaul::Command&) -> std::string { std::abort(); });
    onCommand("remember", [this](const longhaul::Command& command) {
      this->server().patchIntegrationContext("{" + quoted(command.argument("key", "")) + ":" +
                                             quoted(command.argument("value", "")) + "}");
      return std::string("remembered");
    });
    onCommand("make-incident", [this](const longhaul::Command&) {
      longhaul::Incident incident;
      incident.name = "made by a command";
      this->server().createIncidents({incident});
      return std::string("made");
    });
    onCommand("write", [this](const longhaul::Command& command) {
      write(command.argument("writer", ""), std::stoi(command.argument("rounds", "0")));
      return std::string("nothing was lost");
    });
    onCommand("storm", [this](const longhaul::Command& command) { return storm(command); });
  }

  std::optional<std::string> test() override {
    const std::string says = server().parameter("says", "ok");
    if (says == "fault") throw std::runtime_error("the peer does not take " + server().parameter("token", ""));
    if (says == "nothing") return std::nullopt;
    return says;
  }

  void longRunningExecution() override {
    {
      const std::lock_guard lock(mutex_);
      in_loop_ = true;
    }
    server().ready();  // only now: a command that came before would not see that the loop runs
    const std::string loop = server().parameter("loop", "waits");
    if (loop == "crashes") std::abort();
    if (loop == "ends") return;
    stopToken().wait();
  }

 private:
  std::string echo(const longhaul::Command& command) {
    const std::lock_guard lock(mutex_);
    return "{\"arguments\":" + std::string(command.arguments) + ",\"context\":" + std::string(command.context) +
           ",\"inLoop\":" + (in_loop_ ? "true" : "false") +
           ",\"deadlineMs\":" + std::to_string(command.deadline.count()) + "}";
  }

  std::string hold() {
    std::unique_lock lock(mutex_);
    ++held_;
    server().patchIntegrationContext("{\"held\":" + std::to_string(held_) + "}");
    released_changed_.wait(lock, [this] { return released_; });
    return "released";
  }

  std::string release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    released_changed_.notify_all();
    return "released " + std::to_string(held_);
  }

  // A key of its own by patch, an element of its own in the list of all by merge. Whatever another writer's write takes
  // back shows in what is read after each of ours.
  void write(const std::string& writer, int rounds) {
    const std::string id = quoted(writer);
    for (int round = 1; round <= rounds; ++round) {
      const std::string number = std::to_string(round);
      server().patchIntegrationContext("{" + id + ":" + number + "}");
      server().mergeIntegrationContext("all", "[{\"id\":" + id + ",\"round\":" + number + "}]", "id");
      const std::string context = server().getIntegrationContext();
      const auto mine = longhaul::jsonMember(context, writer);
      if (mine != number) throw std::runtime_error(writer + ": a patch was lost: " + context);
      const auto all = longhaul::jsonMember(context, "all").value_or("");
      if (all.find("{\"id\":" + id + ",\"round\":" + number + "}") == std::string::npos) {
        throw std::runtime_error(writer + ": a merge was lost: " + all);
      }
    }
  }

  std::string storm(const longhaul::Command& command) {
    const int threads_count = std::stoi(command.argument("threads", "0"));
    const int rounds = std::stoi(command.argument("rounds", "0"));
    std::vector<std::string> faults(static_cast<std::size_t>(threads_count));
    std::vector<std::thread> threads;
    for (int i = 0; i < threads_count; ++i) {
      threads.emplace_back([this, i, rounds, &fault = faults[static_cast<std::size_t>(i)]] {
        try {
          write("thread" + std::to_string(i), rounds);
        } catch (const std::exception& error) {
          fault = error.what();
        }
      });
    }
    for (std::thread& thread : threads)
      thread.join();
    for (const std::string& fault : faults)
      if (!fault.empty()) throw std::runtime_error(fault);
    return "nothing was lost";
  }

  std::mutex mutex_;
  std::condition_variable released_changed_;
  bool in_loop_ = false;
  bool released_ = false;
  int held_ = 0;
};

}  // namespace

LONGHAUL_PLUGIN(Commander);
