#include "host/config/problem.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/limits.h"
#include "host/base/text.h"

namespace longhaul::host::config {

std::string toText(const Problem& problem) {
  if (problem.file.empty()) {
    return problem.pointer.empty() ? problem.message : fmt::format("{}: {}", problem.pointer, problem.message);
  }
  if (problem.place.line == 0) return fmt::format("{}: {}", problem.file, problem.message);
  return fmt::format("{}:{}:{}: {}", problem.file, problem.place.line, problem.place.column, problem.message);
}

Json toJson(const Problem& problem) {
  Json json = Json::object();
  if (!problem.file.empty()) json["file"] = problem.file;
  if (problem.place.line > 0) {
    json["line"] = problem.place.line;
    json["column"] = problem.place.column;
  }
  if (!problem.pointer.empty()) json["pointer"] = problem.pointer;
  json["message"] = problem.message;
  return json;
}

Error toError(const std::vector<Problem>& problems) {
  std::string text;
  for (std::size_t i = 0; i < std::min(problems.size(), kConfigProblemsMax); ++i) {
    if (i > 0) text += '\n';
    text += toText(problems[i]);
  }
  if (problems.size() > kConfigProblemsMax)
    text += fmt::format("\n… and {} more", problems.size() - kConfigProblemsMax);
  return Error{Code::Invalid, std::move(text)};
}

std::string shorten(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  return std::string(cutAtCharacter(text, bytes_max)) + "…";
}

std::string describe(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "nothing";
    case Json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case Json::value_t::string:
      return dumpJson(shorten(value.get_ref<const std::string&>()));
    case Json::value_t::array:
      return fmt::format("a list of {}", value.size());
    case Json::value_t::object:
      return fmt::format("a mapping of {}", value.size());
    default:
      return "the number " + dumpJson(value);
  }
}

std::string didYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto near = nearest(word, candidates);
  return near ? fmt::format("; did you mean {}?", dumpJson(*near)) : std::string();
}

std::string oneOf(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += dumpJson(words[i]);
  }
  return text;
}

std::string pointerTo(std::string_view parent, std::string_view key) {
  std::string pointer(parent);
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string pointerTo(std::string_view parent, std::size_t index) {
  return fmt::format("{}/{}", parent, index);
}

}  // namespace longhaul::host::config
