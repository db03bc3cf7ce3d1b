// The integration context and the last run. Values stay the text that came: numbers keep their digits.

#include <fmt/format.h>

#include "host/base/json.h"
#include "host/base/limits.h"
#include "host/services/areas.h"

namespace longhaul::host::services {
namespace {

Result<std::map<std::string, std::string>> readObject(std::string_view what, std::string_view object) {
  auto members = splitObject(object);
  if (!members) return withContext(what, std::move(members).error());
  if (members->size() > kContextKeysMax) {
    return Error{Code::TooLarge, fmt::format("{}: {} keys, at most {}", what, members->size(), kContextKeysMax)};
  }
  for (const auto& [key, value] : *members) {
    if (key.size() > kContextKeyBytesMax) {
      return Error{Code::TooLarge,
                   fmt::format("{}: a key of {} bytes, at most {}", what, key.size(), kContextKeyBytesMax)};
    }
    if (value.size() > kContextValueBytesMax) {
      return Error{Code::TooLarge, fmt::format("{}: the value of \"{}\" has {} bytes, at most {}", what, key,
                                               value.size(), kContextValueBytesMax)};
    }
  }
  return members;
}

}  // namespace

Result<store::ReplaceContext> readContext(std::string_view object, std::int64_t version) {
  auto members = readObject("context", object);
  if (!members) return std::move(members).error();
  store::ReplaceContext write{std::move(*members), std::nullopt};
  if (version < -1) return Error{Code::Invalid, fmt::format("version: found {}, wanted a version or -1", version)};
  if (version >= 0) write.expected_version = version;
  return write;
}

Result<store::PatchContext> readPatch(std::string_view object) {
  auto members = readObject("patch of the context", object);
  if (!members) return std::move(members).error();
  store::PatchContext patch;
  for (auto& [key, value] : *members) {
    patch.changes.emplace(key, value == "null" ? std::nullopt : std::optional{std::move(value)});
  }
  return patch;
}

Result<store::MergeContext> readMerge(const protocol::MergeIntegrationContext& call) {
  if (call.key.empty() || call.key.size() > kContextKeyBytesMax) {
    return Error{Code::Invalid, fmt::format("key: {} bytes, wanted 1 to {}", call.key.size(), kContextKeyBytesMax)};
  }
  if (call.id_field.empty()) return Error{Code::Invalid, "id_field: found an empty text, wanted a field's name"};
  const auto list = parseJson(call.list);
  if (!list) return withContext("list", list.error());
  if (!list->is_array()) return Error{Code::Invalid, "list: wanted a JSON array of objects"};
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Json& each = (*list)[i];
    if (!each.is_object() || !each.contains(std::string{call.id_field})) {
      return Error{Code::Invalid,
                   fmt::format("list: element {} is no object with the field \"{}\"", i + 1, call.id_field)};
    }
  }
  return store::MergeContext{std::string{call.key}, std::string{call.list}, std::string{call.id_field}};
}

Result<std::string> readLastRun(std::string_view object) {
  if (object.size() > kLastRunBytesMax) {
    return Error{Code::TooLarge, fmt::format("last run: {} bytes, at most {}", object.size(), kLastRunBytesMax)};
  }
  if (const auto members = splitObject(object); !members) return withContext("last run", members.error());
  return std::string{object};
}

}  // namespace longhaul::host::services
