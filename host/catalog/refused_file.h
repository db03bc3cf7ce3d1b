// Which of the refused files a plugin that is missed may be in. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "host/catalog/plugin_index.h"

namespace longhaul::host::catalog {

// A refused file whose id is not known may be the one that is missed: its name is all there is, and that of a plugin's
// file ends with ".so". A folder beside it is not.
bool mayBeRefusedFileOf(const PluginView& view, std::string_view id);
// The first of them; null: none.
const PluginView* refusedFileOf(const std::vector<PluginView>& views, std::string_view id);

}  // namespace longhaul::host::catalog
