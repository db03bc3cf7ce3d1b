// How the programs end, for scripts: documented in docs/CLI.md and by `longhaul help`. Values; any thread.
#pragma once

#include "host/base/result.h"

namespace longhaul::host::cli {

enum class Exit : int {
  Done = 0,
  Error = 1,
  Usage = 2,         // the command line itself is wrong: nothing was asked of the daemon
  NotRunning = 3,    // `is-active`
  NotFound = 4,      //
  NotReachable = 5,  // no daemon answers at the address
  Denied = 6,        //
  Timeout = 7,       // of a wait; what was asked for goes on
};

// An error's way out: NOT_FOUND 4, CLOSED 5, NOT_GRANTED 6, TIMEOUT 7, all others 1. Usage is never an Error: who finds
// the command line wrong says so with Exit::Usage.
constexpr Exit exitOf(Code code) {
  switch (code) {
    case Code::NotFound:
      return Exit::NotFound;
    case Code::Closed:
      return Exit::NotReachable;
    case Code::NotGranted:
      return Exit::Denied;
    case Code::Timeout:
      return Exit::Timeout;
    default:
      return Exit::Error;
  }
}

}  // namespace longhaul::host::cli
