// The lists of a manifest: parameters, commands, listeners. Called by parseManifest() alone. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/catalog/manifest.h"

namespace longhaul::host::catalog {

Result<Parameter> parseParameter(const Json& value, const std::string& pointer);
Result<Command> parseCommand(const Json& value, const std::string& pointer);
// A listener refers to parameters: `manifest` has them all.
Result<Listener> parseListener(const Json& value, const std::string& pointer, const Manifest& manifest);

}  // namespace longhaul::host::catalog
