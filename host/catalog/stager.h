// From a file that an operator dropped to a verified copy in the store that no later write can change. The file is
// opened once and safely (safe_path.h); its bytes are read once, and hash, checks and copy see the same ones. Blocking:
// job thread or CLI.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/base/result.h"
#include "host/catalog/admission.h"
#include "host/catalog/checked.h"
#include "host/catalog/plugin_file.h"

namespace longhaul::host::catalog {

// NOT_GRANTED: owner or mode is unsafe. BUSY: it changed while it was read. TOO_LARGE, NOT_FOUND, INVALID (no regular
// file), INTERNAL. Every message names the path at fault.
Checked<std::string> readPluginFile(const std::filesystem::path& path, uid_t uid);

// Writes `bytes` as <store_folder>/<digest>.so, mode 0444: beside, synced, renamed, folder synced. A copy that is there
// is read again, and replaced if its bytes are not those.
Result<std::filesystem::path> stage(std::string_view bytes, const Digest& digest,
                                    const std::filesystem::path& store_folder);

using StageOutcome = std::variant<PluginFile, Refusal>;
// The whole way. Bytes that are not trusted are not looked at further; the signature of those that are is kept beside
// them. A refused file leaves nothing in the store.
StageOutcome stageAndAdmit(const std::filesystem::path& path, const AdmissionPolicy& policy);

// What the store's folder holds: each <digest>.so whose bytes have that digest and that is trusted and admitted by
// today's rules; the others stay where they are and come as refusals. What a crash left half done is removed.
std::vector<StageOutcome> indexStore(const AdmissionPolicy& policy);

// Deletes staged copies with their signatures; one that is gone already is none to complain of.
Result<void> removeStaged(const std::vector<std::filesystem::path>& paths);

// INVALID unless the staged bytes still have their digest. Before each start of a worker.
Result<void> verifyStaged(const std::filesystem::path& path, const Digest& digest);

}  // namespace longhaul::host::catalog
