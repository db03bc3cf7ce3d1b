// An instance's restart settings as the policy takes them, from what operators wrote. Pure; any thread.
#pragma once

#include "host/config/restart_config.h"
#include "host/lifecycle/restart_policy.h"

namespace longhaul::host::supervisor {

lifecycle::RestartSettings restartSettings(const config::RestartConfig& config);

}  // namespace longhaul::host::supervisor
