// From what an operator approved and what this system has to what confines a worker: a Confinement, and which layers
// hold what. Pure but for Kernel::probe(); the program of system calls is compiled apart (seccomp/program.h). Any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/sandbox/confinement.h"
#include "host/sandbox/layers.h"

namespace longhaul::host::sandbox {

// What the daemon finds at its start.
struct Kernel {
  int landlock_abi = 0;          // 0: none, or switched off by the operator
  std::string landlock_missing;  // why there is none
  bool seccomp = false;
  bool root = false;  // whether workers may be given uids of their own

  // `landlock_abi_max`: an operator's bound (--max-landlock-abi); 0 switches Landlock off.
  static Kernel probe(int landlock_abi_max = kLandlockAbiAny);
  static constexpr int kLandlockAbiAny = 1'000;
};

// Uids for workers: instance number n gets first + n. Numbers of instances are never given twice, so a uid is not
// either.
struct UidRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;  // 0: workers keep the daemon's uid
};
// What an operator approved, in this room's words.
struct Allowed {
  bool connect = false;
  std::vector<std::uint16_t> ports;  // empty with connect: any
  std::vector<std::string> read_paths;
  std::vector<std::string> write_paths;
  bool processes = false;

  // A socket file is opened for writing when it is connected to, so who may write somewhere may use Unix sockets. No
  // layer can hold them to a path.
  bool unixSockets() const { return !write_paths.empty(); }
};

struct Surroundings {
  Kernel kernel;
  UidRange worker_uids;
  std::vector<std::string> library_folders;  // beside the standard ones: of ld.so.conf
  std::vector<Layer> off;                    // that an operator switched off; of seccomp, landlock, own-uid, cgroup
  std::string uids_missing;                  // not empty: why workers cannot have uids of their own
};

struct WorkerFacts {
  std::string plugin_path;
  std::string data_folder;
  std::uint64_t instance_number = 0;
  std::vector<Rlimit> rlimits;
};

struct Plan {
  Confinement confinement;         // without the filter of system calls
  std::vector<LayerState> layers;  // of this room: all but cgroup
};
Plan makePlan(const Surroundings& around, const Allowed& allowed, const WorkerFacts& worker);

// What confines a process that only reads what it was handed: no file, no network, no process, so much memory and time.
// Without the filter of system calls. `instance_number`: whose plugin it reads, and whose uid it gets. `sanitized`: the
// program has a sanitizer's run time, which reserves more addresses than any limit of memory lets pass.
Confinement readerConfinement(const Surroundings& around, std::uint64_t instance_number, bool sanitized);

// Whether an operator switched the layer off.
bool isOff(const Surroundings& around, Layer layer);

// The uid that makePlan() gives this instance; 0: the daemon's own.
std::uint32_t uidOf(const Surroundings& around, std::uint64_t instance_number);

// What holds for any worker here, whatever it was granted: for doctor and for sandbox.require.
std::vector<LayerState> layersOf(const Surroundings& around, std::uint64_t instance_number = 0);

// The first of `required` that is not on, as a sentence; nothing: all are.
std::optional<std::string> missingLayer(const std::vector<LayerState>& layers, const std::vector<Layer>& required);

}  // namespace longhaul::host::sandbox
