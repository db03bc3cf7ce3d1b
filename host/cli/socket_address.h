// Which socket the daemon answers on: a flag, LONGHAUL_ADDRESS, or where longhauld puts it by default. Blocking (it
// reads the daemon's configuration for a run_dir that was moved); any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "host/base/result.h"
#include "host/config/daemon_config.h"

namespace longhaul::host::cli {

// INVALID for what is not "unix:/path" or too long. Without flag and variable: this user's own daemon's socket; where
// there is none and the system's daemon has one, that.
Result<std::filesystem::path> findSocket(const std::optional<std::string>& flag, const config::Environment& environment,
                                         const std::filesystem::path& system_socket = "/run/longhaul/longhaul.sock");

}  // namespace longhaul::host::cli
