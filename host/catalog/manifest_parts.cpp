#include "host/catalog/manifest_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "host/base/limits.h"
#include "host/catalog/json_reader.h"

namespace longhaul::host::catalog {
namespace {

// In the order of ParameterType.
const std::vector<std::string>& parameterTypes() {
  static const std::vector<std::string> kNames{"shortText",   "longText",          "number",         "boolean",
                                               "encrypted",   "encryptedLongText", "authentication", "singleSelect",
                                               "multiSelect", "incidentType",      "interval",       "address"};
  return kNames;
}

// In the order of Transport.
const std::vector<std::string>& transports() {
  static const std::vector<std::string> kNames{"udp", "tcp", "unix"};
  return kNames;
}

bool isSelect(ParameterType type) {
  return type == ParameterType::SingleSelect || type == ParameterType::MultiSelect;
}

Error wanted(const std::string& pointer, const Json& value, std::string_view what) {
  return Error{Code::Invalid, fmt::format("{}: found {}, wanted {}", pointer, describe(value), what)};
}

Result<void> checkOption(const Parameter& parameter, const Json& value, const std::string& pointer) {
  const auto& options = parameter.options;
  const std::string word = value.is_string() ? value.get<std::string>() : std::string{};
  if (value.is_string() && std::find(options.begin(), options.end(), word) != options.end()) return {};
  return wanted(pointer, value, fmt::format("one of {}{}", fmt::join(options, ", "), didYouMean(word, options)));
}

Result<void> checkAuthentication(const Json& value, const std::string& pointer) {
  ObjectReader reader{value, pointer};
  std::string part;
  reader.line("identifier", part);
  reader.text("password", part);
  return reader.finish();
}

Result<CommandArgument> parseArgument(const Json& value, const std::string& pointer) {
  CommandArgument argument;
  ObjectReader reader{value, pointer};
  reader.name("name", argument.name, Need::Required);
  reader.text("description", argument.description);
  reader.boolean("required", argument.required);
  if (const Json* given = reader.value("default")) argument.default_value = *given;
  reader.boolean("isArray", argument.is_array);
  reader.lines("options", argument.options);
  reader.boolean("secret", argument.secret);
  if (auto finished = reader.finish(); !finished) return std::move(finished).error();
  return argument;
}

Result<CommandOutput> parseOutput(const Json& value, const std::string& pointer) {
  CommandOutput output;
  ObjectReader reader{value, pointer};
  reader.line("path", output.path, Need::Required);
  reader.line("type", output.type);
  reader.text("description", output.description);
  if (auto finished = reader.finish(); !finished) return std::move(finished).error();
  return output;
}

std::vector<std::string> parameterNames(const Manifest& manifest) {
  std::vector<std::string> names;
  for (const auto& parameter : manifest.parameters)
    names.push_back(parameter.name);
  return names;
}

Result<ListenerCondition> parseCondition(const Json& value, const std::string& pointer, const Manifest& manifest) {
  ListenerCondition condition;
  ObjectReader reader{value, pointer};
  reader.name("parameter", condition.parameter, Need::Required);
  reader.lines("in", condition.in, Need::Required);
  if (auto finished = reader.finish(); !finished) return std::move(finished).error();
  const Parameter* parameter = manifest.parameter(condition.parameter);
  if (parameter == nullptr) {
    return Error{Code::Invalid,
                 fmt::format("{}/parameter: found \"{}\", wanted the name of a parameter{}", pointer,
                             condition.parameter, didYouMean(condition.parameter, parameterNames(manifest)))};
  }
  for (std::size_t i = 0; i < condition.in.size(); ++i) {
    const std::string at = fmt::format("{}/in/{}", pointer, i);
    if (isSelect(parameter->type)) {
      if (auto checked = checkOption(*parameter, condition.in[i], at); !checked) return std::move(checked).error();
    } else if (parameter->type == ParameterType::Boolean && condition.in[i] != "true" && condition.in[i] != "false") {
      return wanted(at, condition.in[i], "\"true\" or \"false\", since the parameter is boolean");
    }
  }
  return condition;
}

}  // namespace

std::string_view toText(ParameterType type) {
  return parameterTypes()[static_cast<std::size_t>(type)];
}

std::string_view toText(Transport transport) {
  return transports()[static_cast<std::size_t>(transport)];
}

bool isSecretType(ParameterType type) {
  return type == ParameterType::Encrypted || type == ParameterType::EncryptedLongText ||
         type == ParameterType::Authentication;
}

Result<void> checkParameterValue(const Parameter& parameter, const Json& value, const std::string& pointer) {
  switch (parameter.type) {
    case ParameterType::Number:
      if (!value.is_number()) return wanted(pointer, value, "a number");
      return {};
    case ParameterType::Boolean:
      if (!value.is_boolean()) return wanted(pointer, value, "true or false");
      return {};
    case ParameterType::Authentication:
      return checkAuthentication(value, pointer);
    case ParameterType::SingleSelect:
      return checkOption(parameter, value, pointer);
    case ParameterType::MultiSelect:
      if (!value.is_array()) return wanted(pointer, value, "an array of options");
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (auto checked = checkOption(parameter, value[i], fmt::format("{}/{}", pointer, i)); !checked) return checked;
      }
      return {};
    case ParameterType::Interval:
      if (!parseSpan(value)) return wanted(pointer, value, "a span as in \"30s\", \"500ms\" or \"5min\"");
      return {};
    case ParameterType::Address:
      // A port alone is written as a number.
      if (const auto port = wholeNumber(value); port && *port <= 65'535) return {};
      [[fallthrough]];
    default:
      if (!value.is_string()) return wanted(pointer, value, "a string");
      return {};
  }
}

Result<Parameter> parseParameter(const Json& value, const std::string& pointer) {
  Parameter parameter;
  ObjectReader reader{value, pointer};
  reader.name("name", parameter.name, Need::Required);
  reader.line("display", parameter.display);
  std::size_t type = 0;
  reader.choice("type", parameterTypes(), type, Need::Required);
  parameter.type = static_cast<ParameterType>(type);
  reader.boolean("required", parameter.required);
  const Json* default_value = reader.value("default");
  reader.lines("options", parameter.options);
  reader.text("help", parameter.help);
  reader.boolean("secret", parameter.secret);
  reader.boolean("hidden", parameter.hidden);
  reader.line("section", parameter.section);
  reader.boolean("advanced", parameter.advanced);
  if (isSelect(parameter.type) && parameter.options.empty()) {
    reader.failAt("options",
                  fmt::format("found nothing, but a {} needs them: add an array of strings", toText(parameter.type)));
  } else if (!isSelect(parameter.type) && !parameter.options.empty()) {
    reader.failAt("options",
                  fmt::format("a {} has none: take them out, or make it a singleSelect", toText(parameter.type)));
  }
  const bool is_text = parameter.type == ParameterType::ShortText || parameter.type == ParameterType::LongText;
  if (parameter.secret && !is_text && !isSecretType(parameter.type)) {
    reader.failAt("secret", fmt::format("found true, but a {} cannot be given by reference: make it an encrypted",
                                        toText(parameter.type)));
  }
  parameter.secret = parameter.secret || isSecretType(parameter.type);
  if (default_value != nullptr && !default_value->is_null() && !reader.failed()) {
    reader.check(checkParameterValue(parameter, *default_value, reader.pointerTo("default")));
    if (parameter.secret) {
      reader.failAt("default", "a secret in the file is known to everybody who has the file: take it out");
    }
    parameter.default_value = *default_value;
  }
  if (parameter.display.empty()) parameter.display = parameter.name;
  if (auto finished = reader.finish(); !finished) return std::move(finished).error();
  return parameter;
}

Result<Command> parseCommand(const Json& value, const std::string& pointer) {
  Command command;
  ObjectReader reader{value, pointer};
  reader.name("name", command.name, Need::Required);
  reader.text("description", command.description);
  reader.array("arguments", kManifestListMax, [&](const Json& element, const std::string& at) -> Result<void> {
    auto argument = parseArgument(element, at);
    if (!argument) return std::move(argument).error();
    for (const auto& other : command.arguments) {
      if (other.name != argument->name) continue;
      return Error{Code::Invalid, fmt::format("{}/name: \"{}\" stands twice: rename one", at, other.name)};
    }
    command.arguments.push_back(std::move(argument).value());
    return {};
  });
  reader.array("outputs", kManifestListMax, [&](const Json& element, const std::string& at) -> Result<void> {
    auto output = parseOutput(element, at);
    if (!output) return std::move(output).error();
    command.outputs.push_back(std::move(output).value());
    return {};
  });
  if (auto finished = reader.finish(); !finished) return std::move(finished).error();
  return command;
}

Result<Listener> parseListener(const Json& value, const std::string& pointer, const Manifest& manifest) {
  Listener listener;
  ObjectReader reader{value, pointer};
  reader.name("name", listener.name, Need::Required);
  reader.name("parameter", listener.parameter, Need::Required);
  std::size_t transport = 0;
  reader.choice("transport", transports(), transport, Need::Required);
  listener.transport = static_cast<Transport>(transport);
  reader.boolean("http", listener.http);
  if (listener.http && listener.transport == Transport::Udp) {
    reader.failAt("http", "HTTP needs a stream: make transport \"tcp\" or \"unix\", or take http out");
  }
  if (const Json* when = reader.value("when")) {
    auto condition = parseCondition(*when, reader.pointerTo("when"), manifest);
    if (!condition) {
      reader.fail(condition.error().message);
    } else {
      listener.when = std::move(condition).value();
    }
  }
  if (!reader.failed()) {
    const Parameter* parameter = manifest.parameter(listener.parameter);
    if (parameter == nullptr) {
      reader.failAt("parameter",
                    fmt::format("found \"{}\", wanted the name of a parameter of type address{}", listener.parameter,
                                didYouMean(listener.parameter, parameterNames(manifest))));
    } else if (parameter->type != ParameterType::Address) {
      reader.failAt("parameter", fmt::format("\"{}\" is a {}, wanted a parameter of type address", listener.parameter,
                                             toText(parameter->type)));
    }
  }
  if (auto finished = reader.finish(); !finished) return std::move(finished).error();
  return listener;
}

}  // namespace longhaul::host::catalog
