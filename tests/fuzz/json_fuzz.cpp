// The fast way through a JSON text against nlohmann's own: what the fast way takes must be whole JSON, of no more than
// the depth allowed, no key twice in one object, and the same value.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/base/json_fast.h"
#include "host/base/limits.h"
#include "host/base/text.h"

namespace {

using longhaul::host::Json;

std::size_t countKeys(const Json& value) {
  std::size_t count = value.is_object() ? value.size() : 0;
  for (const Json& each : value)
    if (each.is_structured()) count += countKeys(each);
  return count;
}

int depthOf(const Json& value) {
  if (!value.is_structured()) return 0;
  int deepest = 0;
  for (const Json& each : value)
    deepest = std::max(deepest, depthOf(each));
  return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul::host;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto fast = parseFastJson(text);
  if (fast.has_value() != isFastJson(text)) std::abort();
  // Both ways together: a member's text is the member.
  if (const auto members = splitObject(text)) {
    const auto value = parseJson(text);
    if (!value || value->size() != members->size()) std::abort();
    for (const auto& [key, member] : *members)
      if (*parseJson(member) != value->at(key)) std::abort();
  }
  if (!fast) return 0;
  std::size_t key_count = 0;
  const Json slow = Json::parse(
      text,
      [&](int, Json::parse_event_t event, const Json&) {
        key_count += event == Json::parse_event_t::key ? 1 : 0;
        return true;
      },
      false);
  if (slow.is_discarded() || slow != *fast || slow.dump() != fast->dump() || !isUtf8(text)) std::abort();
  if (countKeys(slow) != key_count || depthOf(slow) > kJsonDepthMax) std::abort();
  return 0;
}
