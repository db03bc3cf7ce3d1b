#include "host/cli/session.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "host/base/text.h"
#include "host/cli/daemon_address.h"

namespace longhaul::host::cli {
namespace {

std::size_t columnsOf(const config::Environment& environment) {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const auto set = environment.variable("COLUMNS");
  const auto columns = set ? parseInt(*set) : std::nullopt;
  return columns && *columns > 0 ? static_cast<std::size_t>(*columns) : 0;
}

}  // namespace

Surroundings Surroundings::ofProcess() {
  auto environment = config::Environment::ofProcess();
  const bool out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  const std::size_t columns = out_is_terminal ? columnsOf(environment) : 0;
  std::error_code error;
  return {.environment = std::move(environment),
          .in = std::cin,
          .out = std::cout,
          .err = std::cerr,
          .out_is_terminal = out_is_terminal,
          .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
          .columns = columns,
          .programs_dir = std::filesystem::read_symlink("/proc/self/exe", error).parent_path(),
          .now_us = [] {
            const auto now = std::chrono::system_clock::now().time_since_epoch();
            return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
          }};
}

Exit Session::fail(const Error& error) {
  output.error(error);
  return exitOf(error.code);
}

Exit Session::usage(const std::string& sentence, std::string_view hint) {
  output.error(withHint(Error{Code::Invalid, sentence}, hint));
  return Exit::Usage;
}

Exit run(const Program& program, const std::vector<std::string>& words, const Surroundings& surroundings) {
  const bool colours = !surroundings.environment.variable("NO_COLOR");
  OutputSettings settings{.out_is_terminal = surroundings.out_is_terminal,
                          .out_colour = colours && surroundings.out_is_terminal,
                          .err_colour = colours && surroundings.err_is_terminal,
                          .columns = surroundings.columns};
  const auto parsed = parseCommandLine(program, words);
  const auto* invocation = std::get_if<Invocation>(&parsed);
  if (invocation != nullptr) {
    if (const auto format = invocation->arguments.text("output")) settings.format = *parseFormat(*format);
  }
  Output output{surroundings.out, surroundings.err, settings};
  if (const auto* error = std::get_if<UsageError>(&parsed)) {
    output.error({Code::Invalid, error->message});
    return Exit::Usage;
  }
  Exit exit = Exit::Done;
  if (const auto* help = std::get_if<HelpWanted>(&parsed)) {
    output.text(help->text);
  } else if (invocation == nullptr) {
    output.line(fmt::format("{} {}", program.name, LONGHAUL_VERSION_TEXT));
  } else {
    auto address = program.has_daemon ? findAddress(invocation->arguments.text("address"), surroundings.environment)
                                      : Result<DaemonAddress>{DaemonAddress{}};
    if (!address) {
      output.error(address.error());
      return Exit::Usage;
    }
    Session session{surroundings, output, Api{std::move(address).value()}};
    exit = invocation->verb->run(session, invocation->arguments);
  }
  output.flush();
  if (output.failed()) {
    output.error({Code::Internal, "stdout did not take all of the output: is the disk full?"});
    if (exit == Exit::Done) exit = Exit::Error;
  }
  return exit;
}

}  // namespace longhaul::host::cli
