#include "host/sandbox/layers.h"

#include <algorithm>
#include <array>

namespace longhaul::host::sandbox {
namespace {

constexpr std::array<std::string_view, kLayerCount> kNames{"no-new-privs", "capabilities", "not-dumpable", "rlimits",
                                                           "seccomp",      "landlock",     "own-uid",      "cgroup"};

}  // namespace

std::string_view layerName(Layer layer) {
  return kNames[static_cast<std::size_t>(layer)];
}

std::optional<Layer> layerFromName(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Layer>(found - kNames.begin());
}

const std::vector<std::string>& layerNames() {
  static const std::vector<std::string> kAll(kNames.begin(), kNames.end());
  return kAll;
}

std::string_view statusName(LayerStatus status) {
  switch (status) {
    case LayerStatus::On:
      return "on";
    case LayerStatus::Off:
      return "off";
    case LayerStatus::NotAvailable:
      return "not available";
  }
  return "unknown";
}

}  // namespace longhaul::host::sandbox
