#include "settings.h"

#include "longhaul/sdk/values.hpp"
#include "settings_error.h"
#include "text.h"

namespace edl_plugin {
namespace {

std::int64_t numberOf(const ParameterLookup& lookup, std::string_view name, std::int64_t otherwise, std::int64_t min,
                      std::int64_t max) {
  const auto text = lookup(name);
  if (!text) return otherwise;
  std::int64_t number = -1;
  if (longhaul::detail::readNumber(*text, number) && number >= min && number <= max) return number;
  throw SettingsError(std::string(name) + " is \"" + *text + "\"; write a whole number from " + std::to_string(min) +
                      " to " + std::to_string(max));
}

template <class Value>
Value named(std::string_view parameter, const std::string& text, std::optional<Value> value, const char* wanted) {
  if (value) return *value;
  throw SettingsError(std::string(parameter) + " is \"" + text + "\"; write " + wanted);
}

}  // namespace

std::optional<Item> readItem(std::string_view line) {
  line = trimmed(line);
  if (line.empty() || line[0] == '#') return std::nullopt;
  const auto words = splitList(line, " \t");
  if (words.size() > 2)
    throw SettingsError("\"" + std::string(line) + "\" is no entry; write a value, and behind it its type if need be");
  Item item;
  item.value = words[0];
  item.type = words.size() == 2 ? std::string(words[1]) : guessedType(words[0]);
  if (item.type.empty())
    throw SettingsError("\"" + item.value +
                        "\" is neither an address, a network, a URL, a domain nor a hash; write its "
                        "type behind it");
  if (!lineOf(item, Device::kPlain)) throw SettingsError("\"" + item.value + "\" cannot stand on a line of a list");
  return item;
}

Settings readSettings(const ParameterLookup& lookup) {
  Settings settings;
  const std::string indicators = lookup("indicators").value_or("true");
  if (indicators != "true" && indicators != "false")
    throw SettingsError("indicators is \"" + indicators + "\"; write true or false");
  settings.indicators = indicators == "true";
  const std::string types = lookup("types").value_or("");
  for (const std::string_view type : splitList(types, ",\n"))
    settings.types.emplace_back(type);
  settings.query = trimmed(lookup("query").value_or(""));
  settings.score_min = static_cast<int>(numberOf(lookup, "minScore", 0, 0, 3));
  std::size_t number = 0;
  const std::string items = lookup("items").value_or("");
  for (std::string_view rest = items; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    ++number;
    try {
      if (auto item = readItem(rest.substr(0, end))) settings.own.push_back(std::move(*item));
    } catch (const SettingsError& error) {
      throw SettingsError("items, line " + std::to_string(number) + ": " + error.what());
    }
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  const std::string format = lookup("format").value_or("text");
  settings.view.format = named("format", format, formatNamed(format), "text, csv or json");
  const std::string device = lookup("device").value_or("plain");
  settings.view.device = named("device", device, deviceNamed(device), "plain, panos or fortinet");
  settings.items_max =
      static_cast<std::size_t>(numberOf(lookup, "maxItems", 50'000, 1, static_cast<std::int64_t>(kItemsMax)));
  settings.view.limit = settings.items_max;
  settings.refresh = std::chrono::seconds(numberOf(lookup, "refreshSeconds", 60, 5, 86'400));
  return settings;
}

}  // namespace edl_plugin
