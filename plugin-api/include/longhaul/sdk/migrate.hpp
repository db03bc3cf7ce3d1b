// A plugin whose context has changed its form, on longhaul/migrate.h: raise `stateSchema` in the manifest, name
// "longhaul.migrate/1" in its capabilities, and give the class a static function
//
//   static std::string migrate(std::int64_t from, std::int64_t to, std::string_view context) {
//     if (from != 1 || to != 2) throw std::invalid_argument("there is no way from " + std::to_string(from));
//     return "{\"last\":" + longhaul::jsonMember(context, "seen").value_or("0") + "}";
//   }
//
// It is called before the constructor, on the main thread, with a JSON object, and gives the whole context anew. What
// it throws is the failure: nothing is written, and what ran before comes back.
#ifndef LONGHAUL_SDK_MIGRATE_HPP
#define LONGHAUL_SDK_MIGRATE_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "longhaul/migrate.h"
#include "longhaul/sdk/detail/guard.hpp"
#include "longhaul/sdk/outcome.hpp"
#include "longhaul/sdk/values.hpp"

namespace longhaul::detail {

template <class Derived, class = void>
struct HasMigrate : std::false_type {};
template <class Derived>
struct HasMigrate<Derived, std::void_t<decltype(std::string(Derived::migrate(
                               std::int64_t{}, std::int64_t{}, std::declval<std::string_view>())))>> : std::true_type {
};

template <class Derived>
struct MigrateGlue {
  static constexpr longhaul_migrate_t kTable = {
      sizeof(longhaul_migrate_t), 0,
      [](const longhaul_migration_t* migration, longhaul_sink_t* context, longhaul_sink_t* error) {
        return guardInto(error, "migrate", [&] {
          const std::string migrated =
              Derived::migrate(migration->from_schema, migration->to_schema, viewOf(migration->context));
          putInto(context, migrated);
        });
      }};
};

// The table of the plugin's migration, or null.
template <class Derived>
const void* migrateOf() noexcept {
  if constexpr (HasMigrate<Derived>::value) return &MigrateGlue<Derived>::kTable;
  return nullptr;
}

}  // namespace longhaul::detail

#endif
