// A request's target in its parts, and its query read with types: the first fault is kept and told. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/admin/answer.h"

namespace longhaul::host::http {

struct Target {
  std::vector<std::string> segments;  // decoded; of "/" one that is empty
  std::vector<std::pair<std::string, std::string>> query;
};
// Percent-encoding that is none, or what is not UTF-8 after it, is a failure.
std::variant<Target, admin::Failure> parseTarget(std::string_view target);

// The query of one route. `known`: its keys; another one, or a key twice that may not be, is the failure.
class Query {
 public:
  Query(const std::vector<std::pair<std::string, std::string>>& parts, const std::vector<std::string>& known,
        std::string_view repeatable = {});

  std::optional<std::string> text(std::string_view key);
  std::vector<std::string> texts(std::string_view key) const;
  bool flag(std::string_view key);  // "true" or "false"; absent: false
  std::optional<std::int64_t> number(std::string_view key, std::int64_t least, std::int64_t most);
  // RFC 3339, as microseconds.
  std::optional<std::int64_t> time(std::string_view key);
  // What `parse` makes of the text; `wanted` for the sentence.
  template <class Parse>
  auto parsed(std::string_view key, Parse parse, std::string_view wanted) -> decltype(parse(std::string_view{})) {
    const auto found = text(key);
    if (!found) return std::nullopt;
    auto value = parse(std::string_view(*found));
    if (!value) fail(key, *found, wanted);
    return value;
  }

  const std::optional<admin::Failure>& failure() const { return failure_; }

 private:
  void fail(std::string_view key, std::string_view found, std::string_view wanted);

  const std::vector<std::pair<std::string, std::string>>& parts_;
  std::optional<admin::Failure> failure_;
};

}  // namespace longhaul::host::http
