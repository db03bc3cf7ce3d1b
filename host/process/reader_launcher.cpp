#include "host/process/reader_launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "host/base/worker_contract.h"
#include "host/process/process_tree.h"
#include "host/process/spawn.h"

namespace longhaul::host::process {
namespace {

// A file, so that nobody waits for anybody who does not read.
Result<UniqueFd> fileOf(std::string_view bytes) {
  UniqueFd file{::memfd_create("longhaul-question", MFD_CLOEXEC)};
  if (!file) return systemError("memfd_create for a reader", errno);
  if (::pwrite(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return systemError("write the question for a reader", errno);
  }
  return file;
}

}  // namespace

Result<LaunchedReader> launchReader(const ReaderPlan& plan) {
  auto input = fileOf(plan.input);
  if (!input) return std::move(input).error();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return systemError("pipe for a reader", errno);
  LaunchedReader reader{.pid = 0, .pidfd = {}, .stdout_read = UniqueFd{ends[0]}};
  const UniqueFd output{ends[1]};
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return systemError("fcntl O_NONBLOCK", errno);

  Spawning spawn;
  const UniqueFd null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  if (!null) return systemError("open /dev/null", errno);
  std::vector<int> wanted{input->get(), output.get(), null.get()};
  wanted.insert(wanted.end(), plan.files.begin(), plan.files.end());
  if (auto done = spawn.pass(wanted, STDIN_FILENO); !done) return std::move(done).error();
  ::posix_spawn_file_actions_addchdir_np(&spawn.actions, "/");
  // No worker has the number 0.
  std::vector<std::string> variables{"LANG=C.UTF-8",
                                     fmt::format("{}{}/{}.0", kWorkerVariable, plan.state_tag, ::getpid())};
  addSanitizerOptions(variables);
  const int failed =
      spawn.start(plan.program, {"longhaul-symbols", std::to_string(::getpid())}, std::move(variables), reader.pid);
  if (failed != 0) {
    return systemError(fmt::format("start {}; is Longhaul installed completely?", plan.program), failed);
  }
  reader.pidfd = openPidfd(reader.pid);
  if (!reader.pidfd) {
    const int error_number = errno;
    ::kill(-reader.pid, SIGKILL);
    ::waitpid(reader.pid, nullptr, 0);
    return systemError("pidfd_open of a reader", error_number);
  }
  return reader;
}

}  // namespace longhaul::host::process
