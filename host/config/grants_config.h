// What operators write under `grants:` of an instance: the word `manifest`, a list of phrases, or the mapping of the
// manifest. Private to this room.
//
//   grants: [createIncidents, updateModuleHealth, "network:443", "read:/etc/ssl", processes]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/catalog/grants.h"
#include "host/config/document.h"

namespace longhaul::host::config {

// Reads the value at `pointer`; nothing for `manifest` and after a fault, which goes to `problems`.
std::optional<catalog::Grants> readGrants(const Document& document, const std::string& pointer,
                                          std::vector<Problem>& problems);

}  // namespace longhaul::host::config
