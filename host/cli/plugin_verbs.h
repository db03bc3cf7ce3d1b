// The verbs of `longhaul-plugin`.
#pragma once

#include <vector>

#include "host/cli/verb.h"

namespace longhaul::host::cli {

const std::vector<Verb>& pluginProgramVerbs();

}  // namespace longhaul::host::cli
