#include "host/config/plan_listeners.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/config/parameters.h"

namespace longhaul::host::config {

std::vector<WantedListener> listenersOf(const catalog::Manifest& manifest, const Json& parameters) {
  const Json all = withDefaults(manifest, parameters);
  std::vector<WantedListener> wanted;
  for (const catalog::Listener& listener : manifest.listeners) {
    if (listener.when) {
      const auto value = all.find(listener.when->parameter);
      const auto& in = listener.when->in;
      const bool holds = value != all.end() && value->is_string() &&
                         std::find(in.begin(), in.end(), value->get_ref<const std::string&>()) != in.end();
      if (!holds) continue;
    }
    const auto value = all.find(listener.parameter);
    if (value == all.end()) continue;
    if (auto address = parseAddress(*value))
      wanted.push_back({listener.transport, *address, listener.parameter, listener.name});
  }
  return wanted;
}

std::string AddressTable::keyOf(const WantedListener& listener) {
  const std::string transport(catalog::toText(listener.transport));
  return listener.address.isUnix() ? fmt::format("{}/{}", listener.address.unix_path, transport)
                                   : fmt::format("{}/{}", listener.address.port, transport);
}

std::optional<AddressTable::Clash> AddressTable::add(const std::string& instance,
                                                     const std::vector<WantedListener>& listeners) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const std::string key = keyOf(listeners[i]);
    if (const auto found = held_.find(key); found != held_.end()) {
      for (const Held& held : found->second) {
        if (collide(held.address, listeners[i].address)) return Clash{key, held.instance, listeners[i].parameter};
      }
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (listeners[j].transport == listeners[i].transport && collide(listeners[j].address, listeners[i].address)) {
        return Clash{key, instance, listeners[i].parameter};
      }
    }
  }
  addHeld(instance, listeners);
  return std::nullopt;
}

void AddressTable::addHeld(const std::string& instance, const std::vector<WantedListener>& listeners) {
  for (const WantedListener& listener : listeners)
    held_[keyOf(listener)].push_back({listener.address, instance});
}

}  // namespace longhaul::host::config
