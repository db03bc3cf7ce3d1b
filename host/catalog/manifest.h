// The manifest of a plugin as typed values: what the plugin is, which parameters an instance of it has, what it offers
// and what it asks for. It is read from the file's ELF note before any code of the plugin can run, so the text is a
// stranger's: every field is checked for type, form and bound, and an unknown key is an error with the nearest known
// one. Not here: the values that an instance gives to the parameters (host/config). Values; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/catalog/grants.h"
#include "host/catalog/semver.h"

namespace longhaul::host::catalog {

// XSOAR's kinds of parameters, by name. The JSON type of a value stands behind each.
enum class ParameterType {
  ShortText,          // string
  LongText,           // string, may have lines
  Number,             // number
  Boolean,            // true or false
  Encrypted,          // string, secret
  EncryptedLongText,  // string, secret
  Authentication,     // object {"identifier": string, "password": string}, the password secret
  SingleSelect,       // string, one of the options
  MultiSelect,        // array of strings, each one of the options
  IncidentType,       // string
  Interval,           // a span: "30s", "5min"
  Address,            // string: "127.0.0.1:5514", "[::1]:5514", ":5514", a port alone, or an absolute path (unix)
};

// "shortText" for ParameterType::ShortText, as manifests spell it.
std::string_view toText(ParameterType type);
// Encrypted, EncryptedLongText and Authentication hold secrets even when the manifest does not say "secret".
bool isSecretType(ParameterType type);

struct Parameter {
  std::string name;
  std::string display;  // for people; the name if the manifest has none
  ParameterType type = ParameterType::ShortText;
  bool required = false;
  Json default_value;                // null: none. Its JSON type fits `type`
  std::vector<std::string> options;  // of SingleSelect and MultiSelect, never empty there
  std::string help;
  bool secret = false;  // true for every secret type
  bool hidden = false;
  std::string section;
  bool advanced = false;
};

struct CommandArgument {
  std::string name;
  std::string description;
  bool required = false;
  Json default_value;  // null: none
  bool is_array = false;
  std::vector<std::string> options;  // empty: anything
  bool secret = false;
};

struct CommandOutput {
  std::string path;
  std::string type;
  std::string description;
};

struct Command {
  std::string name;
  std::string description;
  std::vector<CommandArgument> arguments;
  std::vector<CommandOutput> outputs;
};

enum class Transport { Udp, Tcp, Unix };
std::string_view toText(Transport transport);

// The listener exists only while `parameter` has one of the values `in`.
struct ListenerCondition {
  std::string parameter;
  std::vector<std::string> in;
};

struct Listener {
  std::string name;       // what the plugin asks listener() for
  std::string parameter;  // the parameter of type address that holds where
  Transport transport = Transport::Udp;
  std::optional<ListenerCondition> when;
  bool http = false;  // the plugin speaks HTTP/1.1 on it: /instance/execute/NAME goes there. A stream, one at most
};

struct Manifest {
  std::string id;  // isName(): the key of the plugin
  std::string name;
  Semver version;
  std::string vendor;
  std::string description;
  std::vector<std::string> capabilities;  // ids of optional tables: "longhaul.commands/1"
  std::vector<Parameter> parameters;
  std::vector<Command> commands;
  std::vector<Listener> listeners;
  Grants grants;
  std::int64_t state_schema = 0;
  bool signals_ready = false;                          // ready() is called; else entering the loop is readiness
  std::optional<std::chrono::milliseconds> heartbeat;  // progress() comes at least so often
  std::chrono::milliseconds start_timeout{};           // Start to READY
  std::chrono::milliseconds stop_timeout{};            // stop() to BYE
  std::vector<Json> samples;                           // objects: parameters with which `check` may create it
  std::string text;                                    // the JSON as it stands in the file

  const Parameter* parameter(std::string_view parameter_name) const;
  const Listener* listener(std::string_view listener_name) const;
  const Listener* httpListener() const;  // null: the plugin has no HTTP server of its own
  bool servesHttp() const;               // by longhaul.http/1, or by a server of its own
  bool offers(std::string_view capability) const;
};

// INVALID with the JSON pointer, what was found, what was wanted and the remedy: "/parameters/2/type: found "text",
// wanted one of shortText, …; did you mean "shortText"?".
Result<Manifest> parseManifest(std::string_view text);

// Whether the JSON type of `value` fits the parameter: the coarse check that defaults and samples pass. `pointer` names
// the place in the message. Values of instances get host/config's full check.
Result<void> checkParameterValue(const Parameter& parameter, const Json& value, const std::string& pointer);

// "90s", "500ms", "5min", "2h", or a whole number of seconds.
std::optional<std::chrono::milliseconds> parseSpan(const Json& value);

}  // namespace longhaul::host::catalog
