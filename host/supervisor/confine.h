// What confines the worker of an instance: from what was approved and what this system has to the plan, and to the
// bytes that the worker gets. Private to this room; loop only.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "host/base/ids.h"
#include "host/base/result.h"
#include "host/sandbox/plan.h"

namespace longhaul::host::supervisor {

// The approved grants of a target, as the store has them. What cannot be read allows nothing.
sandbox::Allowed allowedBy(const std::string& grants);

// The payload of Confine for the worker `pid`.
Result<std::string> confinePayload(const sandbox::Plan& plan, const sandbox::Surroundings& around,
                                   const sandbox::Allowed& allowed, pid_t pid);

}  // namespace longhaul::host::supervisor
