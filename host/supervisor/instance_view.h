// What can be told of one instance at this moment, as a plain value: for the command line, the API and the metrics. Any
// thread; a copy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/ids.h"
#include "host/config/address.h"
#include "host/lifecycle/instance_machine.h"
#include "host/sandbox/layers.h"
#include "host/store/values.h"
#include "host/supervisor/usage_curve.h"

namespace longhaul::host::supervisor {

struct ListenerView {
  std::string name;
  std::string transport;                  // "udp", "tcp", "unix"
  std::string address;                    // the real one: "127.0.0.1:5514", also where port 0 was asked for
  std::int64_t receive_buffer_bytes = 0;  // UDP: what the kernel gave
  std::int64_t dropped_count = 0;         // UDP: datagrams that found the buffer full since it was bound
};

struct WorkerView {
  std::int32_t pid = 0;
  Generation generation;  // 0: not current yet
  Digest digest;
  std::string version;             // of the plugin
  std::int64_t started_at_us = 0;  // spawn
  std::int64_t ready_at_us = 0;    // 0: not READY yet
  std::uint64_t cpu_ms = 0;        // these three: of find() alone, for a list would read /proc for each worker
  std::uint64_t rss_bytes = 0;
  std::uint32_t threads_count = 0;
  std::vector<sandbox::LayerState> layers{};  // of the sandbox
};

// What was asked for without a grant, and refused.
struct DeniedView {
  enum class Kind : std::uint8_t { SystemCall, ServerCall };
  Kind kind = Kind::SystemCall;
  std::string name;         // "socket", "createIncidents"
  std::uint64_t count = 0;  // since the daemon's start; of system calls the worker's own count
};

struct LimitView {
  std::string name;       // its key: "memory_mib"
  std::int64_t most = 0;  // 0: none
  std::string held_by;    // "cgroup v2", "cgroup v1", "rlimit", "watch", "host", "off"
  std::optional<std::int64_t> used{};
  std::uint64_t refused_count = 0;  // times that it was held: refused, dropped, ended by the kernel
};

struct EndView {
  std::int64_t at_us = 0;
  std::string exit_class;
  std::string text;
  std::string where{};  // in which function, as far as it is known; empty: nowhere in particular
};

// An HTTP server of the plugin's own, on a listener that the host made.
struct HttpServerView {
  std::optional<config::Address> address;  // nothing: the listener is not open
  std::string state;                       // of the instance, as in its view
  bool serves = false;                     // a worker takes what waits there, or will at once
  std::int64_t again_in_s = 0;             // where it does not: until its next start; 0: not by itself
};

struct InstanceView {
  InstanceId id;
  std::string name;
  std::string plugin;
  bool enabled = false;
  bool long_running = true;
  std::string owner;   // "file" or "api"
  std::string source;  // the file
  std::string state;   // lifecycle's public state: "running", "backoff" …
  lifecycle::Reason code = lifecycle::Reason::Running;
  std::string reason;  // one sentence, to the code
  std::optional<std::int64_t> next_start_at_us;
  std::string remedy;  // what an operator can do; empty: nothing is wrong, or it passes by itself
  // Why what is newer does not run: Running where nothing is. The sentence is in `refused` or among the warnings.
  lifecycle::Reason held_back = lifecycle::Reason::Running;
  std::optional<WorkerView> current;
  std::optional<WorkerView> incoming;
  std::optional<WorkerView> one_shot;  // started for commands alone, while no other serves
  std::uint64_t commands_running = 0;  // a worker has them
  std::uint64_t commands_waiting = 0;  // for a worker, or for a place in it
  std::optional<EndView> last_end;
  std::string refused;               // a target that was tried and given up for the one that runs; empty: none
  std::uint64_t restarts_count = 0;  // starts after the first since the daemon's start
  std::uint64_t calls_count = 0;     // server calls since the daemon's start
  std::uint64_t failed_calls_count = 0;
  std::uint64_t incidents_count = 0;  // created since the daemon's start
  std::uint64_t log_lines_count = 0;
  std::uint64_t log_dropped_count = 0;
  std::int64_t context_version = 0;
  std::string config;                // JSON object, references not resolved
  std::int64_t config_revision = 0;  // grows with each change of it
  std::string grants;                // JSON object, approved
  std::string digest;                // of the target
  std::optional<store::Health> health;
  std::vector<DeniedView> denied;
  std::vector<ListenerView> listeners;
  std::vector<LimitView> limits;      // where they were asked for
  UsageCurve usage;                   // likewise; of the current worker
  std::vector<std::string> warnings;  // flapping, a quarantined row, a newer plugin that asks for more …
};

// "system-call", "server-call"
std::string_view kindName(DeniedView::Kind kind);

}  // namespace longhaul::host::supervisor
