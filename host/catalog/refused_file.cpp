#include "host/catalog/refused_file.h"

#include <algorithm>

namespace longhaul::host::catalog {

bool mayBeRefusedFileOf(const PluginView& view, std::string_view id) {
  if (view.state != PluginState::Refused) return false;
  return view.id.empty() ? view.path.stem() == id && view.path.extension() == ".so" : view.id == id;
}

const PluginView* refusedFileOf(const std::vector<PluginView>& views, std::string_view id) {
  const auto found =
      std::find_if(views.begin(), views.end(), [&](const PluginView& each) { return mayBeRefusedFileOf(each, id); });
  return found == views.end() ? nullptr : &*found;
}

}  // namespace longhaul::host::catalog
