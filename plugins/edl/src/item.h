// One entry of the list. A value; any thread.
#ifndef EDL_PLUGIN_ITEM_H
#define EDL_PLUGIN_ITEM_H

#include <string>
#include <string_view>

namespace edl_plugin {

struct Item {
  std::string value;
  std::string type;     // as the host has it: IP, IPv6, CIDR, Domain, URL…
  int score = 0;        // 0 unknown, 1 good, 2 suspicious, 3 bad
  std::string created;  // RFC 3339; may be empty
  std::string modified;

  bool operator==(const Item& other) const {
    return value == other.value && type == other.type && score == other.score && created == other.created &&
           modified == other.modified;
  }
};

// What a value looks like, for those that were given without a type: IP, IPv6, CIDR, IPv6CIDR, IPRange, URL, File (a
// hash) or Domain; empty if like none of these.
std::string guessedType(std::string_view value);

}  // namespace edl_plugin

#endif
