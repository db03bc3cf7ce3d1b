// A plugin with commands, on longhaul/commands.h: derive from CommandPlugin instead of Plugin, name
// "longhaul.commands/1" in the manifest's capabilities, and give each command of the manifest a handler.
//
//   class Weather : public longhaul::CommandPlugin {
//    public:
//     explicit Weather(longhaul::Server server) : CommandPlugin(server) {
//       onCommand("get-weather", [this](const longhaul::Command& command) {
//         return ask(command.argument("city", "Berlin"));
//       });
//     }
//     std::optional<std::string> test() override { return "ok"; }
//   };
//
// Handlers run on threads of their own, beside the loop and at once. What they throw is the command's failure: Error
// with its status, std::invalid_argument as INVALID, anything else as INTERNAL, each with its text.
#ifndef LONGHAUL_SDK_COMMANDS_HPP
#define LONGHAUL_SDK_COMMANDS_HPP

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "longhaul/commands.h"
#include "longhaul/sdk/detail/guard.hpp"
#include "longhaul/sdk/json.hpp"
#include "longhaul/sdk/plugin.hpp"

namespace longhaul {

// One command, valid during its handler.
struct Command {
  std::string_view name;
  std::string_view arguments = "{}";      // a JSON object, checked against the manifest, with its defaults
  std::string_view context = "{}";        // a JSON object: {"incidentId", "user": {"username", "email"}}
  std::chrono::milliseconds deadline{0};  // the caller waits so long, from the handler's start on
  mutable bool silent = false;            // set by who runs it: done, and what was returned is no result

  // An argument: a string as its text, anything else as JSON; nothing if it has no value.
  std::optional<std::string> argument(std::string_view argument_name) const {
    return jsonMember(arguments, argument_name);
  }
  std::string argument(std::string_view argument_name, std::string_view otherwise) const {
    return argument(argument_name).value_or(std::string(otherwise));
  }
  // The incident in whose war room it was run; empty outside of any.
  std::string incidentId() const { return jsonMember(context, "incidentId").value_or(""); }
  // Who ran it, as far as that is known.
  std::string username() const { return ofUser("username"); }
  std::string email() const { return ofUser("email"); }

 private:
  std::string ofUser(std::string_view key) const {
    const auto user = jsonMember(context, "user");
    return user ? jsonMember(*user, key).value_or("") : std::string();
  }
};

class CommandPlugin : public Plugin {
 public:
  // Gives the command's result: a text or JSON; nothing: done without one. A function that gives a std::string fits.
  using Handler = std::function<std::optional<std::string>(const Command&)>;

  using Plugin::Plugin;

  // Tries the parameters without side effects. Gives what the operator reads ("ok"); nothing: passed with a warning.
  // Throws with the sentence of what is wrong.
  virtual std::optional<std::string> test() { return std::nullopt; }

  // Runs the handler of the command's name. Override it to take all commands yourself; the result is what it returns,
  // unless it sets command.silent.
  virtual std::string execute(const Command& command) {
    const auto handler = handlers_.find(command.name);
    if (handler != handlers_.end()) {
      std::optional<std::string> said = handler->second(command);
      command.silent = !said;
      return std::move(said).value_or(std::string());
    }
    throw Error(Status::kNotFound, "execute",
                "the plugin has no handler for the command \"" + std::string(command.name) + "\" of its manifest");
  }

 protected:
  // In the constructor: afterwards other threads read.
  void onCommand(std::string name, Handler handler) { handlers_[std::move(name)] = std::move(handler); }

 private:
  std::map<std::string, Handler, std::less<>> handlers_;
};

namespace detail {

// The table of all plugins that derive from CommandPlugin.
struct CommandGlue {
  static const longhaul_commands_t* table() noexcept {
    static constexpr longhaul_commands_t kTable = {sizeof(longhaul_commands_t), 0, &test, &execute};
    return &kTable;
  }

 private:
  static CommandPlugin& pluginOf(longhaul_plugin_t* raw) noexcept {
    return static_cast<CommandPlugin&>(*reinterpret_cast<Plugin*>(raw));
  }
  static longhaul_status_t test(longhaul_plugin_t* plugin, longhaul_sink_t* result, longhaul_sink_t* error) {
    return guardInto(error, "the command", [&] {
      if (const auto said = pluginOf(plugin).test()) putInto(result, *said);
    });
  }
  static longhaul_status_t execute(longhaul_plugin_t* plugin, const longhaul_command_t* command,
                                   longhaul_sink_t* result, longhaul_sink_t* error) {
    return guardInto(error, "the command", [&] {
      const Command asked{viewOf(command->name), viewOf(command->arguments), viewOf(command->context),
                          std::chrono::milliseconds(command->deadline_ms), false};
      const std::string said = pluginOf(plugin).execute(asked);
      if (!asked.silent) putInto(result, said);
    });
  }
};

template <class Derived>
const void* commandsOf() noexcept {
  if constexpr (std::is_base_of_v<CommandPlugin, Derived>) return CommandGlue::table();
  return nullptr;
}

}  // namespace detail
}  // namespace longhaul

#endif
