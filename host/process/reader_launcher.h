// Starts the program that reads the files of a crash (host/symbols): a question on its stdin, files as descriptors, its
// answer from its stdout. It is confined by itself, by what stands in front of the question, before it looks at a file.
// Loop thread; nothing here waits.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::process {

struct ReaderPlan {
  std::string program;     // path of longhaul-symbols
  std::string state_tag;   // as of workers: what a dead daemon leaves is found by it
  std::string_view input;  // all of its stdin
  std::vector<int> files;  // borrowed until it was started; its descriptors from 3 on
};
struct LaunchedReader {
  pid_t pid = 0;
  UniqueFd pidfd;        // readable when it ended
  UniqueFd stdout_read;  // non-blocking
};
Result<LaunchedReader> launchReader(const ReaderPlan& plan);

}  // namespace longhaul::host::process
