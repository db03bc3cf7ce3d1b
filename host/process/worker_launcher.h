// The seam of processes: starts a worker and gives the host's ends of all that connects the two. Loop thread; a start
// costs about as much as posix_spawn (which shares memory with the child until exec, so a large daemon pays nothing
// extra). What comes back is owned by the caller. Nothing here waits for the worker.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::process {

struct LaunchPlan {
  std::string instance;        // its name
  std::string worker_binary;   // path of longhaul-worker
  std::string working_folder;  // absolute: data/NAME; also HOME and TMPDIR
  std::string plugin_path;     // absolute: the staged .so
  std::string state_tag;       // the same for all workers of one state directory; printable, no '/'
  std::vector<int> listeners;  // borrowed until launch() returns; the worker gets them from kFirstListenerFd on
};

// The mapping of the page that host and worker share (protocol/log_ring.h says what is in it). The memory is sealed
// against shrinking and growing before the worker gets it, so a touch never faults. No descriptor is kept.
class SharedPage {
 public:
  SharedPage() = default;
  SharedPage(void* address, std::size_t size_bytes) : address_(address), size_bytes_(size_bytes) {}
  SharedPage(SharedPage&& other) noexcept;
  SharedPage& operator=(SharedPage&& other) noexcept;
  ~SharedPage();

  void* address() const { return address_; }
  std::size_t sizeBytes() const { return size_bytes_; }
  // Gives the memory behind the bytes from `offset` on back to the system; they read as zero. Page-aligned.
  void punch(std::size_t offset_bytes) const;

 private:
  void* address_ = nullptr;
  std::size_t size_bytes_ = 0;
};

struct LaunchedWorker {
  pid_t pid = 0;         // also its process group
  UniqueFd pidfd;        // readable when it ended
  UniqueFd stdout_read;  // non-blocking; the worker's ends are blocking
  UniqueFd stderr_read;
  UniqueFd control;     // SEQPACKET, non-blocking on this side only
  UniqueFd first_call;  // the same
  SharedPage page;
  std::string tag;  // value of LONGHAUL_WORKER: marks its processes (process_tree.h)
};

class WorkerLauncher {
 public:
  virtual ~WorkerLauncher() = default;
  // Fails with a sentence that names what is missing: binary, folder, descriptors, processes.
  virtual Result<LaunchedWorker> launch(const LaunchPlan& plan) = 0;
};

class PosixWorkerLauncher final : public WorkerLauncher {
 public:
  Result<LaunchedWorker> launch(const LaunchPlan& plan) override;

 private:
  std::uint64_t serial_ = 0;
};

// Another call socket for a running worker: both ends SEQPACKET and CLOEXEC, the host's non-blocking.
struct SocketPair {
  UniqueFd host;
  UniqueFd worker;
};
Result<SocketPair> makeSocketPair();

}  // namespace longhaul::host::process
