// The parameters of an instance, read once. Throws SettingsError; immutable afterwards, any thread.
#ifndef EDL_PLUGIN_SETTINGS_H
#define EDL_PLUGIN_SETTINGS_H

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "item.h"
#include "view.h"

namespace edl_plugin {

constexpr std::size_t kItemsMax = 200'000;  // some 40 MB of the worker's memory

struct Settings {
  bool indicators = true;          // those of the host's store
  std::vector<std::string> types;  // as the host spells them, for the search; empty: all
  std::string query;               // the host's words: the begin of a value
  int score_min = 0;
  std::vector<Item> own;  // of the parameter `items`
  View view;              // what a request gets that says nothing
  std::size_t items_max = 50'000;
  std::chrono::seconds refresh{60};
};

// A parameter as a text, nothing if it has no value.
using ParameterLookup = std::function<std::optional<std::string>(std::string_view)>;

Settings readSettings(const ParameterLookup& lookup);

// One line of an operator: "value" or "value type", the type guessed if it is not there. Nothing for an empty line and
// a comment (#). Throws SettingsError.
std::optional<Item> readItem(std::string_view line);

}  // namespace edl_plugin

#endif
