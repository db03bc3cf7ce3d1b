// The JSON forms of what a manifest declares, for those who make forms of it (docs/API.md): with the defaults filled in
// that the manifest left out. Pure; any thread.
#pragma once

#include "host/base/json.h"
#include "host/catalog/manifest.h"
#include "host/catalog/plugin_file.h"

namespace longhaul::host::admin {

Json toJson(const catalog::Parameter& parameter);
Json toJson(const catalog::Command& command);
// Everything that a form for an instance of this plugin shows.
Json toJson(const catalog::PluginFile& file);

}  // namespace longhaul::host::admin
