// What verbs that act share: their operands and the options for waiting.
#pragma once

#include <optional>
#include <vector>

#include "host/cli/instances.h"

namespace longhaul::host::cli {

// Names or --all, and not both: else the usage error was said.
std::optional<Exit> wantsNames(Session& session, const Arguments& arguments, std::string_view verb);

// The plan that an answer has as its "text", line by line.
void showPlan(Output& output, const Json& answer);

// --no-wait and --timeout.
const std::vector<OptionSpec>& waitOptions();

}  // namespace longhaul::host::cli
