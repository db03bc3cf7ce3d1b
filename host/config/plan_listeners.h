// Which addresses the instances of a plan would listen on, and which of them cannot be had together. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/catalog/manifest.h"
#include "host/config/address.h"

namespace longhaul::host::config {

struct WantedListener {
  catalog::Transport transport = catalog::Transport::Udp;
  Address address{};
  std::string parameter{};
  std::string name{};  // the manifest's: what the plugin asks listener() for
};

// What an instance with these parameters listens on: conditions of the manifest hold, defaults are in. An address that
// is not one is left out: the validator tells it.
std::vector<WantedListener> listenersOf(const catalog::Manifest& manifest, const Json& parameters);

// Who has which address. "5514/udp", "/run/x.sock/unix" is how sentences name one.
class AddressTable {
 public:
  struct Clash {
    std::string what;    // "5514/udp"
    std::string holder;  // the instance
    std::string parameter;
  };
  // Nothing, or what is in the way; then nothing was added.
  std::optional<Clash> add(const std::string& instance, const std::vector<WantedListener>& listeners);
  // Whatever is in the way: it is so already.
  void addHeld(const std::string& instance, const std::vector<WantedListener>& listeners);

 private:
  struct Held {
    Address address;
    std::string instance;
  };
  static std::string keyOf(const WantedListener& listener);
  std::map<std::string, std::vector<Held>> held_;  // by transport and port or path
};

}  // namespace longhaul::host::config
