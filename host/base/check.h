// A bug ends the process with a sentence; it is not an error that somebody handles. Any thread.
#pragma once

namespace longhaul::host {

// Writes "file:line: check failed: expression: message" to stderr and aborts. Never returns.
[[noreturn]] void checkFailed(const char* file, int line, const char* expression, const char* message);

}  // namespace longhaul::host

// For what only a bug in this program can make false: never for input, the peer or the operating system.
#define LONGHAUL_CHECK(expression, message)                                    \
  do {                                                                         \
    if (!(expression)) [[unlikely]]                                            \
      ::longhaul::host::checkFailed(__FILE__, __LINE__, #expression, message); \
  } while (false)
