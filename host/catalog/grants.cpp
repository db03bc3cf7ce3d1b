#include "host/catalog/grants.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "host/base/limits.h"
#include "host/catalog/json_reader.h"

namespace longhaul::host::catalog {
namespace {

Result<NetworkGrant> parseNetwork(const Json& value, const std::string& pointer) {
  NetworkGrant network;
  // The short form: "network": "connect".
  const Json whole = value.is_string() ? Json{{"mode", value}} : value;
  ObjectReader reader{whole, pointer};
  std::size_t mode = 0;
  reader.choice("mode", {"none", "connect"}, mode, Need::Required);
  network.connect = mode == 1;
  reader.array("ports", kGrantedPortsMax, [&](const Json& port, const std::string& at) -> Result<void> {
    const auto number = wholeNumber(port);
    if (!number || *number < 1 || *number > 65'535) {
      return Error{Code::Invalid, fmt::format("{}: found {}, wanted a port from 1 to 65535", at, describe(port))};
    }
    network.ports.push_back(static_cast<std::uint16_t>(*number));
    return {};
  });
  reader.lines("hosts", network.hosts);
  if (!network.connect && (!network.ports.empty() || !network.hosts.empty())) {
    reader.failAt("mode", "found \"none\" beside ports or hosts, wanted \"connect\", or neither of them");
  }
  if (auto finished = reader.finish(); !finished) return std::move(finished).error();
  std::sort(network.ports.begin(), network.ports.end());
  network.ports.erase(std::unique(network.ports.begin(), network.ports.end()), network.ports.end());
  return network;
}

void readPaths(ObjectReader& reader, const char* key, std::vector<std::string>& out) {
  reader.lines(key, out);
  for (auto& path : out) {
    const std::filesystem::path given{path};
    const std::filesystem::path normal = given.lexically_normal();
    if (!given.is_absolute() || std::find(given.begin(), given.end(), "..") != given.end()) {
      reader.failAt(key, fmt::format("found \"{}\", wanted an absolute path without \"..\"", path));
    }
    path = normal.has_filename() || normal == normal.root_path() ? normal.native() : normal.parent_path().native();
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

// Whether `path` is one of `folders` or lies below one.
bool covered(const std::string& path, const std::vector<std::string>& folders) {
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    if (folder == "/" || path == folder) return true;
    return path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0 && path[folder.size()] == '/';
  });
}

void networkBeyond(const NetworkGrant& asked, const NetworkGrant& approved, std::vector<std::string>& beyond) {
  if (!asked.connect) return;
  if (!approved.connect && asked.ports.empty()) {
    beyond.emplace_back("network: connect");
  } else if (asked.ports.empty() && !approved.ports.empty()) {
    beyond.emplace_back("network: connect to any port");
  } else {
    for (const auto port : asked.ports) {
      if (approved.connect &&
          (approved.ports.empty() || std::binary_search(approved.ports.begin(), approved.ports.end(), port))) {
        continue;
      }
      beyond.push_back(fmt::format("network: connect to port {}", port));
    }
  }
}

}  // namespace

const std::vector<std::string>& grantableCalls() {
  static const std::vector<std::string> kCalls{
      "addEntry",
      "commit",
      "createIncidents",
      "createIndicators",
      "directMessage",
      "findUser",
      "getIntegrationContext",
      "getIntegrationContextVersioned",
      "getLastRun",
      "handleEntitlementForUser",
      "mergeIntegrationContext",
      "mirrorInvestigation",
      "patchIntegrationContext",
      "searchIndicators",
      "setIntegrationContext",
      "setIntegrationContextVersioned",
      "setLastRun",
      "updateModuleHealth",
  };
  return kCalls;
}

Result<Grants> parseGrants(const Json& value, const std::string& pointer) {
  Grants grants;
  ObjectReader reader{value, pointer};
  reader.lines("serverApi", grants.server_api);
  for (const auto& call : grants.server_api) {
    const auto& known = grantableCalls();
    if (std::find(known.begin(), known.end(), call) != known.end()) continue;
    reader.failAt("serverApi",
                  fmt::format("found \"{}\", wanted server calls that need a grant{}", call, didYouMean(call, known)));
  }
  std::sort(grants.server_api.begin(), grants.server_api.end());
  if (const Json* network = reader.value("network")) {
    auto parsed = parseNetwork(*network, reader.pointerTo("network"));
    if (!parsed) {
      reader.fail(parsed.error().message);
    } else {
      grants.network = std::move(parsed).value();
    }
  }
  if (const Json* paths = reader.value("paths")) {
    ObjectReader inner{*paths, reader.pointerTo("paths")};
    readPaths(inner, "read", grants.read_paths);
    readPaths(inner, "write", grants.write_paths);
    reader.check(inner.finish());
  }
  reader.boolean("processes", grants.processes);
  if (auto finished = reader.finish(); !finished) return std::move(finished).error();
  return grants;
}

Json toJson(const Grants& grants) {
  Json network{{"mode", grants.network.connect ? "connect" : "none"}};
  if (!grants.network.ports.empty()) network["ports"] = grants.network.ports;
  if (!grants.network.hosts.empty()) network["hosts"] = grants.network.hosts;
  return Json{{"serverApi", grants.server_api},
              {"network", std::move(network)},
              {"paths", {{"read", grants.read_paths}, {"write", grants.write_paths}}},
              {"processes", grants.processes}};
}

std::vector<std::string> grantsBeyond(const Grants& asked, const Grants& approved) {
  std::vector<std::string> beyond;
  for (const auto& call : asked.server_api) {
    const auto& have = approved.server_api;
    if (std::find(have.begin(), have.end(), call) == have.end()) beyond.push_back(fmt::format("serverApi: {}", call));
  }
  networkBeyond(asked.network, approved.network, beyond);
  for (const auto& path : asked.read_paths) {
    if (!covered(path, approved.read_paths) && !covered(path, approved.write_paths)) {
      beyond.push_back(fmt::format("paths: read {}", path));
    }
  }
  for (const auto& path : asked.write_paths) {
    if (!covered(path, approved.write_paths)) beyond.push_back(fmt::format("paths: write {}", path));
  }
  if (asked.processes && !approved.processes) beyond.emplace_back("processes");
  return beyond;
}

}  // namespace longhaul::host::catalog
