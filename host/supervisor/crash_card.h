// How one worker ended, as the JSON that is stored with its end and shown by `deaths`: class, text, last words, last
// calls, what it used. No secret is in it: no parameter, no context, no argument of a call. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "host/lifecycle/exit_reason.h"
#include "host/supervisor/worker_process.h"

namespace longhaul::host::supervisor {

// {"class", "text", "signal", "exitCode", "generation", "pid", "version", "digest", "configRevision", "configHash",
// "startedAt", "readyAt", "endedAt", "uptimeMs", "cpuMs", "rssMaxBytes", "coreDumped", "leftBehind", "stderr",
// "lastCalls": [{"call", "at", "tookUs", "status"}], "usage" (usage_curve.h), "crash": {"thread", "address" or "sentBy"
// or "systemCall", "stackOverflow", "frames", "guessedCount"}, "stacks": [{"thread", "name", "state", "waitsIn",
// "frames"}], "modules": {name: build-id}, "names": {"state": "pending"}, "where", "deniedSystemCalls": {name: count},
// "fingerprint"}. Times are RFC 3339. "crash" is what the worker's handler left, "stacks" is of one that hung; a frame
// is "plugin+0x1234", an offset in the plugin's file or in a library. The names of functions come later
// (crash_names.h): this is stored at once.
std::string crashCard(const WorkerProcess& worker, const lifecycle::Exit& exit, std::int64_t ended_at_us);

// The same for the same configuration, however its secrets are encrypted: 16 hexadecimal digits.
std::string configHash(std::string_view config);

}  // namespace longhaul::host::supervisor
