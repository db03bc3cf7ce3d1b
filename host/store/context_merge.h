// The arithmetic of mergeIntegrationContext (plugin-api/include/longhaul/server.h). Any thread; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/store/values.h"

namespace longhaul::host::store {

// The new JSON text of merge.key, whose stored text is `stored` (nullopt: the key is not there). INVALID names what is
// wrong with the list, the field or the stored value.
Result<std::string> mergeList(const std::optional<std::string>& stored, const MergeContext& merge);

}  // namespace longhaul::host::store
