// The layers that stand between a plugin and everything else, by the names that operators see, and whether each holds.
// A layer is never dropped in silence: one that is not on says why. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::host::sandbox {

// The names (layerName) stand in configuration, API and command line: they stay as they are.
enum class Layer : std::uint8_t {
  NoNewPrivs,    // "no-new-privs": a program with a setuid bit gives nothing
  Capabilities,  // "capabilities": none is kept
  NotDumpable,   // "not-dumpable": no process of the same uid reads its memory, environment or descriptors
  Rlimits,       // "rlimits"
  Seccomp,       // "seccomp": which system calls it may make
  Landlock,      // "landlock": which files it may open, which TCP ports it may connect to
  OwnUid,        // "own-uid": a uid that no other instance has
  Cgroup,        // "cgroup": its processes are counted, limited and ended as one
};
inline constexpr std::size_t kLayerCount = 8;
std::string_view layerName(Layer layer);
std::optional<Layer> layerFromName(std::string_view name);
const std::vector<std::string>& layerNames();

enum class LayerStatus : std::uint8_t {
  On,            // "on"
  Off,           // "off": an operator chose so
  NotAvailable,  // "not available": this system or this user cannot have it
};
std::string_view statusName(LayerStatus status);

struct LayerState {
  Layer layer{};
  LayerStatus status = LayerStatus::On;
  std::string detail;  // on: what it does not hold, if anything; otherwise why it is not, and the remedy
};

}  // namespace longhaul::host::sandbox
