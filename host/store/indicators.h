// Values of the store: indicators, one for each pair of value and type. Plain structs. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/ids.h"

namespace longhaul::host::store {

struct Indicator {
  IndicatorId id;
  std::string value;
  std::string type;
  std::int64_t score = 0;   // 0 unknown, 1 good, 2 suspicious, 3 bad
  std::string body = "{}";  // JSON object: everything else that came with it
  std::int64_t created_at_us = 0;
  std::int64_t modified_at_us = 0;
  InstanceId instance;  // that wrote it last
  bool operator==(const Indicator&) const = default;
};

// Part of a commit. Where one with this value and type is there, the score (if it is given) takes the place of the old
// one, and the body is laid over the old one (RFC 7396: objects in it too, null removes).
struct NewIndicator {
  std::string value;
  std::string type;
  std::optional<std::int64_t> score{};  // nothing: as it is, 0 for a new one
  std::string body = "{}";
};

// Newest first, with a prefix by value and type.
struct IndicatorQuery {
  std::optional<std::string> value;
  std::optional<std::string> value_prefix;
  std::optional<std::string> type;
  std::optional<std::int64_t> from_us;  // created then or later
  std::optional<std::int64_t> to_us;    // created then or before
  std::optional<std::int64_t> after;    // cursor: the id of the last row that was given
  std::size_t limit = 0;
};

struct IndicatorPage {
  std::vector<Indicator> rows;
  bool more = false;
  std::int64_t total = 0;  // of the search, whatever the cursor; with a filter counted up to kIndicatorsCountedMax
};

}  // namespace longhaul::host::store
