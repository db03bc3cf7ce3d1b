// The settings of what is served by TCP: `http` of longhaul.yaml. Values; any thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "host/config/address.h"
#include "host/config/document.h"

namespace longhaul::host::config {

struct WebConfig {
  std::vector<Address> listen;        // none: nothing is served by TCP
  std::filesystem::path certificate;  // PEM; both or none: then it is HTTP without TLS
  std::filesystem::path key;
  std::vector<std::string> hosts;  // names in a request's Host, beside localhost and addresses in numbers
};

void readWeb(const Document& document, const std::string& pointer, WebConfig& into, std::vector<Problem>& problems);

// What the whole of it must be: certificate and key together, TLS wherever other machines may come from.
void checkWeb(const WebConfig& web, const std::map<std::string, std::string>& origins, std::vector<Problem>& problems);

Json toJson(const WebConfig& web);

}  // namespace longhaul::host::config
