// What the instances share: the supervisor's parts and its surroundings. Private to this room; loop only.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "host/ipc/seqpacket_channel.h"
#include "host/services/server_api.h"
#include "host/supervisor/disk_watch.h"
#include "host/supervisor/listeners.h"
#include "host/supervisor/name_readers.h"
#include "host/supervisor/releases.h"
#include "host/supervisor/resource_watch.h"
#include "host/supervisor/spawn_slots.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::supervisor {

class Instance;

// Whether a worker is in a control group, as a layer of its sandbox (instance_limits.cpp).
sandbox::LayerState groupLayerOf(const Settings& settings, bool in_group);
// As Supervisor's functions of these names.
std::vector<Supervisor::LimitLayer> limitLayersOf(const Settings& settings);
std::vector<sandbox::LayerState> layersOf(const Settings& settings);

struct Shared {
  Surroundings around;
  Settings settings;
  Listeners listeners;
  SpawnSlots slots;
  services::ServerApi api;
  ipc::CallSocketBudget call_sockets;
  Releases releases;
  ResourceWatch resources;
  DiskWatch disks;
  NameReaders names;
  std::uint64_t groups_count = 0;
  Totals totals;

  // A staged file whose bytes had their digest, as long as the file is the same one.
  using FileIdentity = std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::int64_t>;
  std::map<Digest, FileIdentity> verified;

  std::function<Instance*(InstanceId)> find;               // null: it was removed
  std::function<void(InstanceId)> changed;                 // tells the subscribers, in a later turn
  std::function<void()> flush_logs;                        // in a later turn
  std::function<void(process::WorkerGroup)> remove_group;  // once all in it has ended
  std::function<std::vector<pid_t>()> living_pids;         // of all workers that were not waited for
  std::function<double()> random;                          // in [0, 1)
};

}  // namespace longhaul::host::supervisor
