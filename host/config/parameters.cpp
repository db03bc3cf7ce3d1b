#include "host/config/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/base/limits.h"
#include "host/config/address.h"
#include "host/config/references.h"

namespace longhaul::host::config {
namespace {

using catalog::Parameter;
using catalog::ParameterType;

// What stands in a secret's place, without what it says.
std::string kindOf(const Json& value) {
  if (value.is_string()) return "a text";
  return value.is_number() ? "a number" : describe(value);
}

// Collects the faults of one instance's parameters. The text of a secret never gets into a message.
class Checker {
 public:
  Checker(const catalog::Manifest& manifest, std::vector<Problem>& problems)
      : manifest_(manifest), problems_(problems) {}

  void check(const Parameter& parameter, const Json& value, const std::string& pointer) {
    at_ = &parameter;
    switch (parameter.type) {
      case ParameterType::ShortText:
      case ParameterType::IncidentType:
        return line(value, pointer);
      case ParameterType::LongText:
      case ParameterType::Encrypted:
      case ParameterType::EncryptedLongText:
        return text(value, pointer);
      case ParameterType::Authentication:
        return authentication(value, pointer);
      case ParameterType::Number:
        return number(value, pointer);
      case ParameterType::Boolean:
        return boolean(value, pointer);
      case ParameterType::SingleSelect:
        return option(value, pointer);
      case ParameterType::MultiSelect:
        return options(value, pointer);
      case ParameterType::Interval:
        return interval(value, pointer);
      case ParameterType::Address:
        return address(value, pointer);
    }
  }

  void unknown(const std::string& name, const Json& parameters, const std::string& pointer) {
    std::vector<std::string> free, all;
    for (const Parameter& parameter : manifest_.parameters) {
      all.push_back(parameter.name);
      if (!parameters.contains(parameter.name)) free.push_back(parameter.name);
    }
    std::string remedy = didYouMean(name, free);
    if (remedy.empty()) {
      remedy = all.empty() ? "; it has no parameters" : fmt::format("; it has {}", fmt::join(all, ", "));
    }
    problems_.push_back(
        {.pointer = pointer, .message = fmt::format("{} has no parameter {}{}", manifest_.id, describe(name), remedy)});
  }

  void missing(const Parameter& parameter, const std::string& pointer) {
    problems_.push_back({.pointer = pointer,
                         .message = fmt::format("the parameter {} is missing ({}, a {}); add it, {} cannot run without",
                                                dumpJson(parameter.name), parameter.display,
                                                catalog::toText(parameter.type), manifest_.id)});
  }

 private:
  void fail(const std::string& pointer, std::string_view message) {
    problems_.push_back({.pointer = pointer, .message = fmt::format("{}: {}", at_->name, message)});
  }
  void wanted(const std::string& pointer, const Json& value, std::string_view what, std::string_view remedy = {}) {
    fail(pointer, fmt::format("found {}, wanted {}{}", at_->secret ? kindOf(value) : describe(value), what, remedy));
  }
  bool isString(const Json& value, const std::string& pointer) {
    if (value.is_string()) return true;
    std::string remedy;
    if (value.is_primitive() && !value.is_null() && !at_->secret) {
      remedy = fmt::format("; put it in quotes: \"{}\"", dumpJson(value));
    }
    wanted(pointer, value, "a text", remedy);
    return false;
  }

  void text(const Json& value, const std::string& pointer) {
    if (!isString(value, pointer)) return;
    if (at_->secret) return secret(value.get_ref<const std::string&>(), pointer);
    reference(value.get_ref<const std::string&>(), pointer);
  }
  void line(const Json& value, const std::string& pointer) {
    if (!isString(value, pointer)) return;
    const auto& found = value.get_ref<const std::string&>();
    if (at_->secret) return secret(found, pointer);
    if (found.find_first_of("\r\n") != std::string::npos) {
      return fail(pointer, "found a text of several lines, wanted one line; take the line ends out");
    }
    if (at_->type == ParameterType::ShortText) return reference(found, pointer);
    if (parseReference(found)) fail(pointer, "found a reference, wanted the name of an incident type; write it out");
  }
  void secret(const std::string& found, const std::string& pointer) {
    if (parseReference(found)) return;
    if (const auto wrong = explainReference(found)) return fail(pointer, *wrong);
    fail(pointer, plainSecretFault());
  }
  // Whole texts that look like a reference must be one; others are texts as they stand.
  void reference(const std::string& found, const std::string& pointer) {
    if (parseReference(found)) return;
    if (const auto wrong = explainReference(found)) fail(pointer, *wrong);
  }

  void authentication(const Json& value, const std::string& pointer) {
    if (!value.is_object()) {
      return fail(pointer, fmt::format("found {}, wanted a mapping with identifier and password", kindOf(value)));
    }
    for (const auto& [key, part] : value.items()) {
      const std::string place = pointerTo(pointer, key);
      if (key != "identifier" && key != "password") {
        fail(place, fmt::format("the key {} is not known{}", describe(key),
                                fmt::format("; wanted identifier and password{}",
                                            didYouMean(key, {"identifier", "password"}))));
      } else if (part.is_null()) {
        continue;
      } else if (!part.is_string()) {
        fail(place, fmt::format("found {}, wanted a text", kindOf(part)));
      } else if (key == "password") {
        secret(part.get_ref<const std::string&>(), place);
      } else {
        reference(part.get_ref<const std::string&>(), place);
      }
    }
    if (!at_->required) return;
    for (const char* key : {"identifier", "password"}) {
      if (!value.contains(key) || value.at(key).is_null()) fail(pointer, fmt::format("{} is missing; add it", key));
    }
  }

  void number(const Json& value, const std::string& pointer) {
    if (value.is_number()) return;
    wanted(pointer, value, "a number", value.is_string() && !at_->secret ? "; take the quotes away" : "");
  }
  void boolean(const Json& value, const std::string& pointer) {
    if (!value.is_boolean()) wanted(pointer, value, "true or false");
  }
  void option(const Json& value, const std::string& pointer) {
    if (value.is_string()) {
      const auto& found = value.get_ref<const std::string&>();
      if (std::find(at_->options.begin(), at_->options.end(), found) != at_->options.end()) return;
      return wanted(pointer, value, oneOf(at_->options), didYouMean(found, at_->options));
    }
    wanted(pointer, value, oneOf(at_->options));
  }
  void options(const Json& value, const std::string& pointer) {
    if (!value.is_array()) {
      return wanted(pointer, value, fmt::format("a list of {}", oneOf(at_->options)),
                    value.is_string() ? "; put it in brackets: [a, b]" : "");
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      option(value[i], pointerTo(pointer, i));
      if (value[i].is_string() && !seen.insert(value[i].get<std::string>()).second) {
        fail(pointerTo(pointer, i), fmt::format("{} stands twice; keep one", describe(value[i])));
      }
    }
  }
  void address(const Json& value, const std::string& pointer) {
    const auto found = parseAddress(value);
    if (!found) return fail(pointer, found.error().message);
    const catalog::Listener* http = manifest_.httpListener();
    if (http == nullptr || http->parameter != at_->name || isLocal(*found)) return;
    fail(pointer,
         fmt::format("found {}, wanted an address of this host alone, as in \"127.0.0.1:0\" or an absolute path: "
                     "others come by /instance/execute/NAME, with the access that http asks for",
                     describe(value)));
  }
  void interval(const Json& value, const std::string& pointer) {
    const auto span = catalog::parseSpan(value);
    if (!span || span->count() <= 0)
      wanted(pointer, value, "a span longer than 0, as in \"30s\", \"500ms\" or \"5min\"");
  }

  const catalog::Manifest& manifest_;
  std::vector<Problem>& problems_;
  const Parameter* at_ = nullptr;
};

bool isAbsent(const Json& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  return found == parameters.end() || found->is_null();
}

}  // namespace

std::vector<Problem> checkParameters(const catalog::Manifest& manifest, const Json& parameters,
                                     const std::string& pointer) {
  std::vector<Problem> problems;
  if (parameters.is_null()) return checkParameters(manifest, Json::object(), pointer);
  if (!parameters.is_object()) {
    problems.push_back(
        {.pointer = pointer, .message = fmt::format("found {}, wanted a mapping of parameters", describe(parameters))});
    return problems;
  }
  Checker checker{manifest, problems};
  for (const auto& [name, value] : parameters.items()) {
    const Parameter* parameter = manifest.parameter(name);
    if (parameter == nullptr) {
      checker.unknown(name, parameters, pointerTo(pointer, name));
    } else if (!value.is_null()) {
      checker.check(*parameter, value, pointerTo(pointer, name));
    }
  }
  for (const Parameter& parameter : manifest.parameters) {
    if (!parameter.required || !parameter.default_value.is_null()) continue;
    const bool empty = !isAbsent(parameters, parameter.name) && parameters.at(parameter.name) == "";
    if (isAbsent(parameters, parameter.name) || empty) checker.missing(parameter, pointer);
  }
  return problems;
}

Json fromText(const Parameter& parameter, const std::string& text) {
  const auto parsed = parseJson(text);
  switch (parameter.type) {
    case ParameterType::Number:
      return parsed && parsed->is_number() ? *parsed : Json(text);
    case ParameterType::Boolean:
      return parsed && parsed->is_boolean() ? *parsed : Json(text);
    case ParameterType::Authentication:
      return parsed && parsed->is_object() ? *parsed : Json(text);
    case ParameterType::MultiSelect:
      return parsed && parsed->is_array() ? *parsed : listFromText(text);
    default:
      return text;
  }
}

Json listFromText(std::string_view text) {
  Json all = Json::array();
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    std::string_view piece = text.substr(at, comma - at);
    piece.remove_prefix(std::min(piece.find_first_not_of(' '), piece.size()));
    piece = piece.substr(0, piece.find_last_not_of(' ') + 1);
    if (!piece.empty()) all.push_back(std::string(piece));
    at = comma + 1;
  }
  return all;
}

Json withDefaults(const catalog::Manifest& manifest, const Json& parameters) {
  Json all = Json::object();
  if (parameters.is_object()) {
    for (const auto& [name, value] : parameters.items()) {
      if (!value.is_null()) all[name] = value;
    }
  }
  for (const Parameter& parameter : manifest.parameters) {
    if (!parameter.default_value.is_null() && !all.contains(parameter.name))
      all[parameter.name] = parameter.default_value;
  }
  return all;
}

}  // namespace longhaul::host::config
