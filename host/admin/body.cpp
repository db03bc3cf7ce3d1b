#include "host/admin/body.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/text.h"

namespace longhaul::host::admin {

Body::Body(std::string_view text, const std::vector<std::string>& known) {
  auto parsed = parseJson(text.empty() ? "{}" : text);
  if (!parsed) {
    failure_ = toFailure(parsed.error());
    return;
  }
  if (!parsed->is_object()) {
    failure_ = invalid("the body is no JSON object");
    return;
  }
  json_ = std::move(*parsed);
  for (const auto& [key, value] : json_.items()) {
    if (failure_ || std::find(known.begin(), known.end(), key) != known.end()) continue;
    failure_ = invalid(fmt::format("unknown key \"{}\"", key), "/" + key, didYouMean(key, known));
  }
}

void Body::fail(std::string_view key, std::string_view wanted) {
  if (failure_) return;
  const Json& found = member(key);
  const std::string shown(cutAtCharacter(dumpJson(found), 80));
  failure_ = invalid(found.is_null() ? fmt::format("\"{}\" is missing: wanted {}", key, wanted)
                                     : fmt::format("{}: found {}, wanted {}", key, shown, wanted),
                     fmt::format("/{}", key));
}

const Json& Body::member(std::string_view key) const {
  static const Json kNull;
  const auto found = json_.find(key);
  return found == json_.end() ? kNull : *found;
}

std::optional<std::string> Body::text(std::string_view key) {
  if (!has(key)) return std::nullopt;
  if (member(key).is_string()) return member(key).get<std::string>();
  fail(key, "a text");
  return std::nullopt;
}

std::string Body::neededText(std::string_view key, std::string_view wanted) {
  auto found = text(key);
  if (!found || found->empty()) fail(key, wanted);
  return found.value_or("");
}

std::optional<std::int64_t> Body::number(std::string_view key, std::int64_t least, std::int64_t most) {
  if (!has(key)) return std::nullopt;
  const Json& found = member(key);
  if (found.is_number_integer() && found.get<std::int64_t>() >= least && found.get<std::int64_t>() <= most) {
    return found.get<std::int64_t>();
  }
  fail(key, fmt::format("a whole number from {} to {}", least, most));
  return std::nullopt;
}

std::optional<std::vector<std::string>> Body::texts(std::string_view key) {
  if (!has(key)) return std::nullopt;
  std::vector<std::string> found;
  if (member(key).is_array()) {
    for (const Json& each : member(key)) {
      if (each.is_string()) found.push_back(each.get<std::string>());
    }
    if (found.size() == member(key).size()) return found;
  }
  fail(key, "an array of texts");
  return std::nullopt;
}

}  // namespace longhaul::host::admin
