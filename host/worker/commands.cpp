#include "host/worker/commands.h"

#include <csignal>
#include <cstring>
#include <memory>
#include <string>

#include "host/base/limits.h"
#include "host/base/result.h"
#include "host/base/text.h"
#include "host/base/worker_contract.h"
#include "host/worker/kept_text.h"
#include "host/worker/last_error.h"

namespace longhaul::host::worker {
namespace {

// The host sends no more than the worker takes.
static_assert(kCommandsAtOnce == LONGHAUL_COMMANDS_AT_ONCE);

}  // namespace

struct Commands::Job {
  Commands* commands = nullptr;
  std::uint64_t id = 0;
  bool is_test = false;
  std::uint32_t deadline_ms = 0;
  std::string name, arguments, context;
};

void Commands::execute(const protocol::Execute& asked) {
  if (table_ == nullptr || (asked.is_test != 0 ? table_->test == nullptr : table_->execute == nullptr)) {
    return answer(asked.id, LONGHAUL_ABSENT, kCommandSaid,
                  std::string{"the plugin's table "} + LONGHAUL_COMMANDS_ID + " has no " +
                      (asked.is_test != 0 ? "test" : "execute"));
  }
  {
    const std::lock_guard lock{mutex_};
    if (running_count_ >= LONGHAUL_COMMANDS_AT_ONCE) {
      return answer(asked.id, LONGHAUL_BUSY, kCommandSaid,
                    std::to_string(running_count_) + " commands run already, no more are taken: try again");
    }
    ++running_count_;
  }
  auto job = std::make_unique<Job>(Job{.commands = this,
                                       .id = asked.id,
                                       .is_test = asked.is_test != 0,
                                       .deadline_ms = asked.deadline_ms,
                                       .name = std::string{asked.name},
                                       .arguments = std::string{asked.arguments},
                                       .context = std::string{asked.context}});
  pthread_t thread;
  const int error_number = ::pthread_create(
      &thread, nullptr,
      [](void* raw) -> void* {
        const std::unique_ptr<Job> mine{static_cast<Job*>(raw)};
        // The control thread blocks all signals; a thread of the plugin's starts with none blocked.
        sigset_t none;
        ::sigemptyset(&none);
        ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
        mine->commands->run(*mine);
        return nullptr;
      },
      job.get());
  if (error_number != 0) {
    leave();
    return answer(asked.id, LONGHAUL_BUSY, kCommandSaid,
                  std::string{"no thread could be started for it: "} + ::strerrordesc_np(error_number));
  }
  job.release();
  ::pthread_detach(thread);
}

void Commands::run(const Job& job) {
  // Also when the plugin ends the thread instead of returning: then the caller hears of it, and end() is not kept.
  struct Leaving {
    Commands& commands;
    const Job& job;
    bool returned = false;
    ~Leaving() {
      if (!returned) {
        commands.answer(job.id, LONGHAUL_INTERNAL, kCommandSaid,
                        "the plugin ended the command's thread instead of returning");
      }
      commands.leave();
    }
  } leaving{*this, job};

  longhaul_plugin_t* plugin = enter();
  if (plugin == nullptr) {
    leaving.returned = true;
    return answer(job.id, LONGHAUL_CLOSED, kCommandNotBegun, "the worker is ending");
  }
  KeptText result;
  KeptText error;
  longhaul_status_t status = LONGHAUL_OK;
  if (job.is_test) {
    status = table_->test(plugin, &result.sink, &error.sink);
  } else {
    const longhaul_command_t command{.struct_size = sizeof command,
                                     .deadline_ms = job.deadline_ms,
                                     .name = textOf(job.name),
                                     .arguments = textOf(job.arguments),
                                     .context = textOf(job.context)};
    status = table_->execute(plugin, &command, &result.sink, &error.sink);
  }
  leaving.returned = true;
  if (status >= 0) return answer(job.id, status, result.said ? kCommandSaid : kCommandSilent, result.text);
  if (error.text.empty()) {
    error.text = !lastErrorText().empty() ? std::string{lastErrorText()}
                                          : "it failed with " + std::string{codeName(static_cast<Code>(status))};
  }
  answer(job.id, status, kCommandSaid, error.text);
}

void Commands::answer(std::uint64_t id, longhaul_status_t status, std::uint32_t said, std::string_view text) {
  std::string instead;
  if (!isUtf8(text)) {
    instead = "the plugin's answer is not UTF-8";
  } else if (text.size() > LONGHAUL_COMMAND_RESULT_BYTES_MAX) {
    instead = "the plugin's answer has " + std::to_string(text.size()) + " bytes, at most " +
              std::to_string(LONGHAUL_COMMAND_RESULT_BYTES_MAX) + " are taken";
  }
  if (!instead.empty()) {
    status = LONGHAUL_INVALID;
    text = instead;
  }
  std::string payload;
  protocol::encode(protocol::CommandDone{.id = id, .status = status, .said = said, .text = text}, payload);
  session_.control.send(protocol::Kind::CommandDone, payload);
}

longhaul_plugin_t* Commands::enter() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return plugin_ != nullptr || ended_; });
  return ended_ ? nullptr : plugin_;
}

void Commands::leave() {
  const std::lock_guard lock{mutex_};
  --running_count_;
  changed_.notify_all();
}

void Commands::begin(longhaul_plugin_t* plugin) {
  const std::lock_guard lock{mutex_};
  plugin_ = plugin;
  changed_.notify_all();
}

void Commands::end() {
  std::unique_lock lock{mutex_};
  ended_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return running_count_ == 0; });
}

}  // namespace longhaul::host::worker
