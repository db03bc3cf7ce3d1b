// Late completions of the service: shared by the sources of AdminService, not for others.
#pragma once

#include <memory>
#include <utility>

#include "host/admin/admin_service.h"

namespace longhaul::host::admin {

// A completion that comes after the service's end does nothing.
template <class Function>
auto AdminService::guarded(Function function) const {
  return [alive = std::weak_ptr<bool>(alive_), function = std::move(function)](auto&&... arguments) {
    if (alive.lock()) function(std::forward<decltype(arguments)>(arguments)...);
  };
}

template <class Query, class Then>
void AdminService::query(const Reply& reply, Query query, Then then) {
  const bool queued = around_.queries.submit(std::move(query), guarded([reply, then = std::move(then)](auto result) {
                                               if (!result) return reply(toFailure(result.error()));
                                               then(std::move(result).value());
                                             }));
  if (!queued) reply(toFailure({Code::Busy, "too many reads of the store wait; try again"}));
}

}  // namespace longhaul::host::admin
