// An instance's restart schedule, computed by the code that decides (docs/API.md, policy). Pure; any thread.
#pragma once

#include <string>

#include "host/base/json.h"
#include "host/config/restart_config.h"

namespace longhaul::host::admin {

Json policyJson(const std::string& name, const config::RestartConfig& restart);

}  // namespace longhaul::host::admin
