// The settings of whose plugin files are taken: `trust` of longhaul.yaml. Reads the files of keys and digests that it
// names, to tell their faults before the daemon relies on them. Blocking; any thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "host/catalog/trust.h"
#include "host/config/document.h"

namespace longhaul::host::config {

// Overwrites what the mapping at `pointer` names; faults go to `problems`. `uid`: the daemon's, which the files must be
// safe for.
void readTrust(const Document& document, const std::string& pointer, uid_t uid, catalog::TrustSettings& into,
               std::vector<Problem>& problems);

// A mode without what it goes by would take no file at all. `origin`: where the mode is from.
void checkTrust(const catalog::TrustSettings& trust, const std::string& origin, std::vector<Problem>& problems);

Json toJson(const catalog::TrustSettings& trust);

}  // namespace longhaul::host::config
