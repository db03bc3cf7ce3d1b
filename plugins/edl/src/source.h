// Where the list comes from: the parameter `items`, the list that commands keep in the integration context (key
// `list`), and the host's indicators. Any thread; owns nothing.
#ifndef EDL_PLUGIN_SOURCE_H
#define EDL_PLUGIN_SOURCE_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "item.h"
#include "longhaul/sdk/server.hpp"
#include "settings.h"

namespace edl_plugin {

struct Collected {
  std::string error;        // not empty: the host did not answer, and there are no items
  std::vector<Item> items;  // own ones first, then indicators, the newest first
  bool is_cut = false;      // there are more than items_max
};

// Reads everything, page by page. A host that is busy is asked again for a while, until stop.
Collected collect(const longhaul::Server& server, const Settings& settings);

// The commands' list.
std::vector<Item> ownList(std::string_view context);
std::string listJson(const std::vector<Item>& items);

// One page of searchIndicators, added to the items; gives the cursor of the next, empty at the end. Throws
// std::invalid_argument if the text is another.
std::string readPage(std::string_view json, int score_min, std::vector<Item>& items);

}  // namespace edl_plugin

#endif
