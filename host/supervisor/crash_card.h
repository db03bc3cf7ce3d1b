// How one worker ended, as the JSON that is stored with its end and shown by `deaths`: class, text, last words, last
// calls, what it used. No secret is in it: no parameter, no context, no argument of a call. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "host/lifecycle/exit_reason.h"
#include "host/supervisor/worker_process.h"

namespace longhaul::host::supervisor {

// {"class", "text", "signal", "exitCode", "generation", "pid", "version", "digest", "configRevision", "startedAt",
// "readyAt", "endedAt", "uptimeMs", "cpuMs", "rssMaxBytes", "coreDumped", "leftBehind", "stderr", "lastCalls":
// [{"call", "at", "tookUs", "status"}], "crash": {"thread", "address" or "sentBy" or "systemCall", "stackOverflow",
// "frames"}, "stacks": [{"thread", "name", "state", "waitsIn", "frames"}], "deniedSystemCalls": {name: count},
// "fingerprint"}. Times are RFC 3339. "crash" is what the worker's handler left, "stacks" is of one that hung; a frame
// is "plugin+0x1234", an offset in the plugin's file or in a library. The fingerprint is the same for ends that look
// alike: class, signal or code, version, place in the plugin, and the last line of stderr without its numbers.
std::string crashCard(const WorkerProcess& worker, const lifecycle::Exit& exit, std::int64_t ended_at_us);

// The text with every run of digits (also hexadecimal, as addresses are) made one '#'.
std::string withoutNumbers(std::string_view text);

}  // namespace longhaul::host::supervisor
