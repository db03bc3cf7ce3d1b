#include "host/base/json_fast.h"

#include <simdjson.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "host/base/limits.h"

namespace longhaul::host {
namespace {

namespace dom = simdjson::dom;

// Below this the slow way is as fast.
constexpr std::size_t kFastBytesMin = 64;
// A parser keeps room for the longest text that it has read: what is longer gets one of its own.
constexpr std::size_t kKeptBytesMax = 1024 * 1024;

// Old versions of the library make bytes that are no UTF-8 of half a surrogate pair; the slow way refuses it.
bool hasSurrogate(std::string_view text) {
  for (auto at = text.find("\\u"); at != std::string_view::npos; at = text.find("\\u", at + 2)) {
    if (at + 2 < text.size() && (text[at + 2] == 'd' || text[at + 2] == 'D')) return true;
  }
  return false;
}

// Whether each object's keys differ. The library has checked the depth.
class Keys {
 public:
  bool differ(const dom::element& value) {
    if (dom::array array; value.get(array) == simdjson::SUCCESS) {
      return std::all_of(array.begin(), array.end(), [this](const dom::element& each) { return differ(each); });
    }
    if (dom::object object; value.get(object) == simdjson::SUCCESS) return differIn(object);
    return true;
  }

 private:
  // The keys of all objects that are open lie one behind another in keys_.
  bool differIn(const dom::object& object) {
    const std::size_t first = keys_.size();
    for (const auto& member : object) {
      keys_.push_back(member.key);
    }
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(begin, keys_.end());
    if (std::adjacent_find(begin, keys_.end()) != keys_.end()) return false;
    keys_.resize(first);
    return std::all_of(object.begin(), object.end(), [this](const auto& member) { return differ(member.value); });
  }

  std::vector<std::string_view> keys_;
};

// Nothing: a key stands twice in one object.
std::optional<Json> made(const dom::element& value);

std::optional<Json> madeObject(const dom::object& object) {
  Json::object_t members;
  for (const auto& member : object) {
    auto value = made(member.value);
    if (!value) return std::nullopt;
    if (!members.try_emplace(std::string{member.key}, *std::move(value)).second) return std::nullopt;
  }
  return Json(std::move(members));
}

std::optional<Json> madeArray(const dom::array& array) {
  Json::array_t elements;
  elements.reserve(array.size());
  for (const dom::element& each : array) {
    auto value = made(each);
    if (!value) return std::nullopt;
    elements.push_back(*std::move(value));
  }
  return Json(std::move(elements));
}

std::optional<Json> made(const dom::element& value) {
  switch (value.type()) {
    case dom::element_type::OBJECT:
      return madeObject(value.get_object().value_unsafe());
    case dom::element_type::ARRAY:
      return madeArray(value.get_array().value_unsafe());
    case dom::element_type::STRING:
      return Json(std::string{value.get_string().value_unsafe()});
    case dom::element_type::INT64: {
      // A number without a sign is unsigned to nlohmann.
      const std::int64_t number = value.get_int64().value_unsafe();
      return number < 0 ? Json(number) : Json(static_cast<std::uint64_t>(number));
    }
    case dom::element_type::UINT64:
      return Json(value.get_uint64().value_unsafe());
    case dom::element_type::DOUBLE:
      return Json(value.get_double().value_unsafe());
    case dom::element_type::BOOL:
      return Json(value.get_bool().value_unsafe());
    case dom::element_type::NULL_VALUE:
      return Json(nullptr);
  }
  return std::nullopt;
}

// `read` is given the root; its answer, or a default one for what the library does not take.
template <class Read>
auto withRoot(std::string_view text, Read read) -> decltype(read(dom::element{})) {
  if (text.size() < kFastBytesMin || hasSurrogate(text)) return {};
  const auto parse = [&](dom::parser& parser) -> decltype(read(dom::element{})) {
    const bool has_room = parser.capacity() >= text.size() && parser.max_depth() == kJsonDepthMax;
    if (!has_room && parser.allocate(text.size(), kJsonDepthMax) != simdjson::SUCCESS) return {};
    dom::element root;
    if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return {};
    return read(root);
  };
  if (text.size() > kKeptBytesMax) {
    dom::parser parser;
    return parse(parser);
  }
  thread_local dom::parser kept;
  return parse(kept);
}

}  // namespace

bool isFastJson(std::string_view text) {
  return withRoot(text, [](const dom::element& root) { return Keys{}.differ(root); });
}

std::optional<Json> parseFastJson(std::string_view text) {
  return withRoot(text, [](const dom::element& root) { return made(root); });
}

}  // namespace longhaul::host
