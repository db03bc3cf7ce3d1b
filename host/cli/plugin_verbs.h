// The verbs of `longhaul-plugin`, in the order of its help. They read files and talk to no daemon; any thread.
#pragma once

#include <vector>

#include "host/cli/verb.h"

namespace longhaul::host::cli {

const std::vector<Verb>& pluginProgramVerbs();

}  // namespace longhaul::host::cli
