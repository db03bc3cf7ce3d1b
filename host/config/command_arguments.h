// The one validator of a command's arguments against its plugin's manifest: for the command line, the API, chats and
// the host's own hooks alike. Pure; any thread.
#pragma once

#include <string>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/catalog/manifest.h"

namespace longhaul::host::config {

// `arguments` is an object name → value; null is absent. Gives what the plugin gets: defaults filled in, an argument of
// kind isArray as an array (a text is taken apart at its commas, or read if it is a JSON array). NOT_FOUND: the plugin
// has no such command. INVALID names every fault at once; the value of a secret stands in none.
Result<Json> checkArguments(const catalog::Manifest& manifest, const std::string& command, const Json& arguments);

}  // namespace longhaul::host::config
