// longhaul-plugin: for authors of plugins, without a daemon.
#include "host/cli/plugin_verbs.h"
#include "host/cli/session.h"

int main(int argc, char** argv) {
  using namespace longhaul::host::cli;
  const Program program{.name = "longhaul-plugin",
                        .summary = "looks at plugin files, without a daemon",
                        .verbs = pluginProgramVerbs(),
                        .has_daemon = false};
  const auto surroundings = Surroundings::ofProcess();
  return static_cast<int>(run(program, {argv + (argc > 0 ? 1 : 0), argv + argc}, surroundings));
}
