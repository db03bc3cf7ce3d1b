// A child process that confines itself and then tries something, as a worker with a hostile plugin would.
#pragma once

#include <functional>
#include <string>

#include "host/sandbox/confinement.h"
#include "host/sandbox/seccomp/program.h"

namespace longhaul::host::test {

struct Tried {
  int signal = 0;     // that ended it; 0: none
  int value = 0;      // what `attempt` gave
  std::string fault;  // of apply(); empty: it was confined
};

// `attempt` runs in the child, confined; with `filter` also by the filter of system calls for it. It gives 0 or an
// errno.
Tried tryConfined(sandbox::Confinement confinement, const std::function<int()>& attempt,
                  const sandbox::ProgramFor* filter = nullptr);

}  // namespace longhaul::host::test
