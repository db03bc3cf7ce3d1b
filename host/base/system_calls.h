// Numbers of system calls and their names on this architecture. The one table of them; any thread.
#pragma once

#include <string>

namespace longhaul::host {

// "ptrace" for 101; "system call 9999" for one that the build's headers do not know.
std::string systemCallName(int number);

}  // namespace longhaul::host
