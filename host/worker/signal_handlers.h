// What the worker does on a signal that ends it, and on a system call that its filter refuses. Before it dies of SEGV,
// BUS, FPE, ILL, ABRT or SYS a raw record goes into the shared page (protocol/shared_page.h); then the signal takes its
// default action, so that the kernel's wait result stays true. A refused system call (SIGSYS) is counted there and
// returns an error. On kStackSignal of the host a thread writes its stack. A plugin may replace or block all of it:
// then only the name of what happened is lost, and nothing for the host.
#pragma once

#include <sys/types.h>

#include "host/worker/session.h"

namespace longhaul::host::worker {

// Main, once, after confinement and before the plugin is loaded. `page` and `session` are never unmapped.
void installSignalHandlers(void* page, Session& session, pid_t host);

// Writes which files lie where in this process, so that addresses get names: before the plugin is loaded and after. The
// plugin comes first and is called "plugin".
void recordModules(void* page, const char* plugin_path);

}  // namespace longhaul::host::worker
