// The life of a worker, on its main thread: bind it to its host, load the plugin, wait for Start, migrate, create, run,
// destroy, say Bye.
#pragma once

namespace longhaul::host::worker {

// The arguments are main's (host/base/worker_contract.h). Ends the process.
[[noreturn]] void runWorker(int argc, char** argv);

}  // namespace longhaul::host::worker
