// A request's body as a JSON object with known members: each is read with its type, and the first fault is kept as the
// failure, with its place. Any thread; a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/answer.h"
#include "host/base/json.h"

namespace longhaul::host::admin {

class Body {
 public:
  // An empty body means {}.
  Body(std::string_view text, const std::vector<std::string>& known);

  bool has(std::string_view key) const { return json_.contains(key); }
  std::optional<std::string> text(std::string_view key);
  // Fails where it is missing or empty.
  std::string neededText(std::string_view key, std::string_view wanted);
  std::optional<std::int64_t> number(std::string_view key, std::int64_t least, std::int64_t most);
  std::optional<std::vector<std::string>> texts(std::string_view key);
  // Null when it is not there.
  const Json& member(std::string_view key) const;
  void fail(std::string_view key, std::string_view wanted);

  const std::optional<Failure>& failure() const { return failure_; }

 private:
  Json json_ = Json::object();
  std::optional<Failure> failure_;
};

}  // namespace longhaul::host::admin
