#include "host/store/context_merge.h"

#include <fmt/format.h>

#include <unordered_map>
#include <vector>

#include "host/base/json.h"

namespace longhaul::host::store {
namespace {

// Members keep the order in which the plugin wrote them.
using Ordered = nlohmann::ordered_json;

Result<Ordered> parseOrdered(std::string_view text) {
  if (auto checked = checkJson(text); !checked) return std::move(checked).error();
  return Ordered::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string dumpOrdered(const Ordered& value) {
  return value.dump(-1, ' ', false, Ordered::error_handler_t::replace);
}

struct Stored {
  Ordered array = Ordered::array();
  bool as_text = false;  // a JSON string that holds the array, as XSOAR's helpers leave it
};

Result<Stored> readStored(const std::optional<std::string>& stored, std::string_view key) {
  if (!stored) return Stored{};
  auto value = parseOrdered(*stored);
  if (!value) return withContext(fmt::format("the stored value of \"{}\"", key), std::move(value).error());
  if (value->is_array()) return Stored{*std::move(value), false};
  if (value->is_string()) {
    auto inner = parseOrdered(value->get_ref<const std::string&>());
    if (inner && inner->is_array()) return Stored{*std::move(inner), true};
  }
  return Error{Code::Invalid,
               fmt::format("the context holds {} under \"{}\", and a merge needs an array there: set or "
                           "remove the key first",
                           value->is_object() ? "an object" : fmt::format("a {}", value->type_name()), key)};
}

// Ids are equal as JSON: "1" is not 1. Their text is the key of the index.
std::optional<std::string> idOf(const Ordered& element, const std::string& field) {
  if (!element.is_object()) return std::nullopt;
  const auto id = element.find(field);
  if (id == element.end()) return std::nullopt;
  return dumpOrdered(*id);
}

bool asksToGo(const Ordered& element) {
  const auto remove = element.find("remove");
  return remove != element.end() && remove->is_boolean() && remove->get<bool>();
}

}  // namespace

Result<std::string> mergeList(const std::optional<std::string>& stored, const MergeContext& merge) {
  if (merge.id_field.empty()) return Error{Code::Invalid, "the name of the id field is empty"};
  auto list = parseOrdered(merge.list);
  if (!list) return withContext("the list to merge", std::move(list).error());
  if (!list->is_array()) {
    return Error{Code::Invalid, fmt::format("the list to merge is a JSON {}, not an array", list->type_name())};
  }
  auto into = readStored(stored, merge.key);
  if (!into) return std::move(into).error();

  std::vector<std::optional<Ordered>> elements;  // nullopt: removed
  std::unordered_map<std::string, std::size_t> by_id;
  for (auto& element : into->array) {
    if (auto id = idOf(element, merge.id_field)) by_id.emplace(*std::move(id), elements.size());
    elements.emplace_back(std::move(element));
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    Ordered& element = (*list)[i];
    auto id = idOf(element, merge.id_field);
    if (!id) {
      return Error{Code::Invalid, fmt::format("element {} of the list to merge is not an object with a member \"{}\"",
                                              i, merge.id_field)};
    }
    const auto found = by_id.find(*id);
    if (asksToGo(element)) {
      if (found == by_id.end()) continue;
      elements[found->second].reset();
      by_id.erase(found);
    } else if (found == by_id.end()) {
      by_id.emplace(*std::move(id), elements.size());
      elements.emplace_back(std::move(element));
    } else {
      elements[found->second]->update(element);
    }
  }
  Ordered result = Ordered::array();
  for (auto& element : elements) {
    if (element) result.push_back(*std::move(element));
  }
  std::string text = dumpOrdered(result);
  return into->as_text ? dumpOrdered(Ordered(text)) : text;
}

}  // namespace longhaul::host::store
