// A plugin in C++: derive from longhaul::Plugin, export with LONGHAUL_PLUGIN(MyPlugin) in one source file.
//
//   class Ticker : public longhaul::Plugin {
//    public:
//     using Plugin::Plugin;
//     void longRunningExecution() override {
//       while (!stopToken().waitFor(std::chrono::seconds(30))) server().info("tick");
//     }
//   };
//   LONGHAUL_PLUGIN(Ticker)
//
// Every callback is guarded: an exception goes to the instance's log as its last line of level error, and the callback
// gives a failure, so that the worker ends with class "error" and that text. Nothing crosses the C table.
#ifndef LONGHAUL_SDK_PLUGIN_HPP
#define LONGHAUL_SDK_PLUGIN_HPP

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "longhaul/commands.h"
#include "longhaul/http.h"
#include "longhaul/migrate.h"
#include "longhaul/plugin.h"
#include "longhaul/sdk/migrate.hpp"
#include "longhaul/sdk/server.hpp"

namespace longhaul {

namespace detail {
template <class Derived>
struct Glue;
// The table of the plugin's commands, or null (commands.hpp).
template <class Derived>
const void* commandsOf() noexcept;
// The table of a class that is an HttpHandler, or null (http.hpp).
template <class Derived>
struct HttpGlue;
template <class Derived>
const void* httpOf() noexcept;
}  // namespace detail

// One plugin in one worker. Made and destroyed on the worker's main thread; its constructor takes a Server and hands it
// on. Each server call may be made from the constructor until the destructor has returned.
class Plugin {
 public:
  explicit Plugin(Server server) noexcept : server_(server) {}
  virtual ~Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  // The work, on the main thread: returns soon after stop was asked for. Returning before that: the instance completed.
  // Throwing: class "error".
  virtual void longRunningExecution() = 0;

  // For a loop that waits on something else than the stop token: make it return. Comes once, from another thread, at
  // any time after the constructor, also before the loop is entered.
  virtual void stop() {}

  // The optional sides of the plugin by id; null for an unknown one. Hide it with one of your own. Commands and HTTP
  // have classes of their own: commands.hpp, http.hpp; a migration is a static function: migrate.hpp.
  static const void* getExtension(std::string_view) noexcept { return nullptr; }

 protected:
  const Server& server() const noexcept { return server_; }
  StopToken stopToken() const noexcept { return server_.stopToken(); }

 private:
  template <class Derived>
  friend struct detail::Glue;
  template <class Derived>
  friend struct detail::HttpGlue;

  Server server_;
};

namespace detail {

// The callbacks of the descriptor for one class.
template <class Derived>
struct Glue {
  static_assert(std::is_base_of_v<Plugin, Derived>, "LONGHAUL_PLUGIN wants a class that derives from longhaul::Plugin");
  static_assert(std::is_constructible_v<Derived, Server>, "the plugin's constructor takes a longhaul::Server");

  static const longhaul_descriptor_t* entry(std::uint32_t host_abi_version) noexcept {
    const bool same_major = (host_abi_version >> 16) == LONGHAUL_VERSION_MAJOR;
    const bool new_enough = host_abi_version >= LONGHAUL_ABI_VERSION;
    return same_major && new_enough ? &kDescriptor : nullptr;
  }

 private:
  static longhaul_status_t create(const longhaul_server_t* table, longhaul_plugin_t** out) {
    return guard(Server(table), "create", [&] {
      std::unique_ptr<Plugin> plugin = std::make_unique<Derived>(Server(table));
      *out = reinterpret_cast<longhaul_plugin_t*>(plugin.release());
    });
  }
  static longhaul_status_t longRunningExecution(longhaul_plugin_t* raw) {
    Plugin* plugin = pluginOf(raw);
    return guard(plugin->server_, "longRunningExecution", [&] { plugin->longRunningExecution(); });
  }
  static void stop(longhaul_plugin_t* raw) {
    Plugin* plugin = pluginOf(raw);
    guard(plugin->server_, "stop", [&] { plugin->stop(); });
  }
  static void destroy(longhaul_plugin_t* raw) { delete pluginOf(raw); }  // a destructor does not throw
  static const void* getExtension(longhaul_text_t id) {
    try {
      if (viewOf(id) == LONGHAUL_COMMANDS_ID)
        if (const void* commands = commandsOf<Derived>()) return commands;
      if (viewOf(id) == LONGHAUL_HTTP_ID)
        if (const void* http = httpOf<Derived>()) return http;
      if (viewOf(id) == LONGHAUL_MIGRATE_ID)
        if (const void* migrate = migrateOf<Derived>()) return migrate;
      return Derived::getExtension(viewOf(id));
    } catch (...) {
      return nullptr;
    }
  }

  static Plugin* pluginOf(longhaul_plugin_t* raw) noexcept { return reinterpret_cast<Plugin*>(raw); }

  template <class Body>
  static longhaul_status_t guard(Server server, const char* callback, Body body) noexcept {
    try {
      body();
      return LONGHAUL_OK;
    } catch (const Error& error) {
      report(server, callback, error.what());
      return isDone(error.status()) ? LONGHAUL_INTERNAL : static_cast<longhaul_status_t>(error.status());
    } catch (const std::exception& error) {
      report(server, callback, error.what());
    } catch (...) {
      report(server, callback, "an exception that is no std::exception");
    }
    return LONGHAUL_INTERNAL;
  }

  // Without memory for the longer line the text alone is logged; a line that the log drops goes to stderr, whose end is
  // on the crash card.
  static void report(Server server, const char* callback, const char* what) noexcept {
    Status status = Status::kInternal;
    try {
      status = server.error(std::string(callback) + " threw: " + what);
    } catch (...) {
      status = server.error(what);
    }
    if (status == Status::kBusy || status == Status::kAbsent) std::fprintf(stderr, "%s threw: %s\n", callback, what);
  }

  static constexpr longhaul_descriptor_t kDescriptor = {
      sizeof(longhaul_descriptor_t),
      LONGHAUL_ABI_VERSION,
      &create,
      &longRunningExecution,
      &stop,
      &destroy,
      &getExtension,
  };
};

}  // namespace detail
}  // namespace longhaul

// The plugin's one exported symbol. Once, at namespace scope outside of any namespace.
#define LONGHAUL_PLUGIN(Class)                                                                             \
  extern "C" LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) { \
    return ::longhaul::detail::Glue<Class>::entry(host_abi_version);                                       \
  }                                                                                                        \
  static_assert(true, "LONGHAUL_PLUGIN may be followed by a semicolon")

#endif
