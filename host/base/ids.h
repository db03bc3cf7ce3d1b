// Numbers that must not be mixed up, each with a type of its own. Outside (API, CLI, plugins) ids are text, inside
// they are decimal; the store allots them and never uses one twice. Values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace longhaul::host {

template <class Tag>
struct StrongId {
  std::int64_t value = 0;  // 0: none
  auto operator<=>(const StrongId&) const = default;
  explicit operator bool() const { return value != 0; }
};

using InstanceId = StrongId<struct InstanceTag>;
using IncidentId = StrongId<struct IncidentTag>;
using EntryId = StrongId<struct EntryTag>;
using DeathId = StrongId<struct DeathTag>;
using UserId = StrongId<struct UserTag>;
using TokenId = StrongId<struct TokenTag>;
using IndicatorId = StrongId<struct IndicatorTag>;
// Grows with each worker that is made current: the fence. Allotted by the store, per instance, from 1.
using Generation = StrongId<struct GenerationTag>;

// SHA-256 of a plugin's bytes, 64 lower-case hexadecimal digits; empty: none.
using Digest = std::string;

}  // namespace longhaul::host

template <class Tag>
struct std::hash<longhaul::host::StrongId<Tag>> {
  std::size_t operator()(longhaul::host::StrongId<Tag> id) const noexcept {
    return std::hash<std::int64_t>{}(id.value);
  }
};
