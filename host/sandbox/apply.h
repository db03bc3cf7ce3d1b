// Confines the calling process, for good. By the worker alone, before any code of a plugin is in it; nothing here
// allocates after the filter of system calls is on.
#pragma once

#include <string>

#include "host/sandbox/confinement.h"

namespace longhaul::host::sandbox {

// Applies all of it. Otherwise false, and `fault` names the layer and what the system said: the process must end, since
// part of it may be in force. A change of uid takes the parent-death signal away: the caller sets it again.
bool apply(const Confinement& confinement, std::string& fault);

}  // namespace longhaul::host::sandbox
