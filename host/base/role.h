// What a person may do: each role may do what the one before it may. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace longhaul::host {

enum class Role : std::uint8_t { Read = 0, Operate = 1, Admin = 2 };

constexpr std::string_view roleName(Role role) {
  switch (role) {
    case Role::Read:
      return "read";
    case Role::Operate:
      return "operate";
    case Role::Admin:
      return "admin";
  }
  return "read";
}

constexpr std::optional<Role> readRole(std::string_view name) {
  for (const Role role : {Role::Read, Role::Operate, Role::Admin}) {
    if (name == roleName(role)) return role;
  }
  return std::nullopt;
}

}  // namespace longhaul::host
