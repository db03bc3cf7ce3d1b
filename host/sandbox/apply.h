// Confines the calling process, for good. By the worker alone, before any code of a plugin is in it; nothing here
// allocates after the filter of system calls is on.
#pragma once

#include <string>

#include "host/sandbox/confinement.h"

namespace longhaul::host::sandbox {

// Applies all of it. Otherwise false, and `fault` names the layer and what the system said: the process must end, since
// part of it may be in force. The process dies with its parent from then on: a change of uid takes that away, and the
// filter refuses to set it, so it is set between them. The caller compares the parent once more.
bool apply(const Confinement& confinement, std::string& fault);

}  // namespace longhaul::host::sandbox
