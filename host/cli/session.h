// What a verb works with while it runs: the API, the output, the surroundings. Made by run() for one command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "host/cli/api.h"
#include "host/cli/command_line.h"
#include "host/cli/output.h"
#include "host/config/daemon_config.h"

namespace longhaul::host::cli {

// What main() gives; tests make their own.
struct Surroundings {
  config::Environment environment;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  std::size_t columns = 0;               // of the terminal; 0: unknown
  std::filesystem::path programs_dir;    // where this program lies, with its siblings beside it
  std::function<std::int64_t()> now_us;  // wall clock

  static Surroundings ofProcess();
};

struct Session {
  const Surroundings& surroundings;
  Output& output;
  Api api;

  std::int64_t nowUs() const { return surroundings.now_us(); }
  // Says the error on stderr; its way out.
  Exit fail(const Error& error);
  // The command line is wrong in a way that only the verb can tell.
  Exit usage(const std::string& sentence, std::string_view hint = {});
};

// Parses, runs the verb, flushes. `words` are without the program's name.
Exit run(const Program& program, const std::vector<std::string>& words, const Surroundings& surroundings);

}  // namespace longhaul::host::cli
