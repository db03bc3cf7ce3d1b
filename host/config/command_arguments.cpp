#include "host/config/command_arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/text.h"
#include "host/config/parameters.h"
#include "host/config/problem.h"

namespace longhaul::host::config {
namespace {

using catalog::Command;
using catalog::CommandArgument;

// As people write a list: "a, b" or ["a", "b"].
Json asArray(const Json& value) {
  if (value.is_array()) return value;
  if (!value.is_string()) return Json::array({value});
  const auto& text = value.get_ref<const std::string&>();
  if (text.starts_with('[')) {
    if (auto parsed = parseJson(text); parsed && parsed->is_array()) return std::move(*parsed);
  }
  return listFromText(text);
}

void checkOption(const CommandArgument& argument, const Json& value, std::vector<std::string>& faults) {
  if (argument.options.empty()) return;
  const std::string text = value.is_string() ? value.get<std::string>() : dumpJson(value);
  if (std::find(argument.options.begin(), argument.options.end(), text) != argument.options.end()) return;
  faults.push_back(fmt::format("{}: found {}, wanted {}{}", argument.name,
                               argument.secret ? std::string("another value") : describe(value),
                               oneOf(argument.options), argument.secret ? "" : didYouMean(text, argument.options)));
}

const CommandArgument* find(const Command& command, std::string_view name) {
  const auto found = std::find_if(command.arguments.begin(), command.arguments.end(),
                                  [&](const CommandArgument& each) { return each.name == name; });
  return found == command.arguments.end() ? nullptr : &*found;
}

}  // namespace

Result<Json> checkArguments(const catalog::Manifest& manifest, const std::string& name, const Json& arguments) {
  const auto command = std::find_if(manifest.commands.begin(), manifest.commands.end(),
                                    [&](const Command& each) { return each.name == name; });
  if (command == manifest.commands.end()) {
    std::vector<std::string> names;
    for (const Command& each : manifest.commands)
      names.push_back(each.name);
    std::string remedy = didYouMean(name, names);
    if (remedy.empty()) remedy = names.empty() ? "; it has none" : fmt::format("; it has {}", fmt::join(names, ", "));
    return Error{Code::NotFound, fmt::format("{} has no command {}{}", manifest.id, describe(Json(name)), remedy)};
  }
  if (!arguments.is_object()) {
    return Error{Code::Invalid,
                 fmt::format("the arguments of {}: found {}, wanted an object", name, describe(arguments))};
  }
  std::vector<std::string> faults;
  std::vector<std::string> known;
  for (const CommandArgument& each : command->arguments)
    known.push_back(each.name);
  Json all = Json::object();
  for (const auto& [key, value] : arguments.items()) {
    if (value.is_null()) continue;
    const CommandArgument* argument = find(*command, key);
    if (argument == nullptr) {
      std::string remedy = didYouMean(key, known);
      if (remedy.empty())
        remedy = known.empty() ? "; it takes none" : fmt::format("; it takes {}", fmt::join(known, ", "));
      faults.push_back(fmt::format("there is no argument {}{}", describe(Json(key)), remedy));
      continue;
    }
    all[key] = argument->is_array ? asArray(value) : value;
    if (!argument->is_array) {
      checkOption(*argument, value, faults);
      continue;
    }
    for (const Json& each : all[key])
      checkOption(*argument, each, faults);
  }
  for (const CommandArgument& each : command->arguments) {
    if (all.contains(each.name)) continue;
    if (!each.default_value.is_null()) {
      all[each.name] = each.is_array ? asArray(each.default_value) : each.default_value;
    } else if (each.required) {
      faults.push_back(fmt::format("the argument {} is missing{}", each.name,
                                   each.description.empty() ? "" : fmt::format(" ({})", each.description)));
    }
  }
  if (!faults.empty()) return Error{Code::Invalid, fmt::format("{}: {}", name, fmt::join(faults, "; "))};
  return all;
}

}  // namespace longhaul::host::config
