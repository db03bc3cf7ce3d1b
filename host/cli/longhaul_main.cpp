// longhaul: the operator's command line. All it does goes over the daemon's API.
#include "host/cli/session.h"
#include "host/cli/verbs.h"

int main(int argc, char** argv) {
  using namespace longhaul::host::cli;
  const Program program{"longhaul", "runs plugins that go on for long, and keeps what they make", longhaulVerbs()};
  const auto surroundings = Surroundings::ofProcess();
  return static_cast<int>(run(program, {argv + (argc > 0 ? 1 : 0), argv + argc}, surroundings));
}
