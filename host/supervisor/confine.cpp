#include "host/supervisor/confine.h"

#include "host/base/json.h"
#include "host/catalog/grants.h"
#include "host/sandbox/seccomp/program.h"

namespace longhaul::host::supervisor {

sandbox::Allowed allowedBy(const std::string& grants) {
  const auto json = parseJson(grants);
  auto approved = json ? catalog::parseGrants(*json, "/grants") : Result<catalog::Grants>{json.error()};
  if (!approved) return {};
  return {.connect = approved->network.connect,
          .ports = std::move(approved->network.ports),
          .read_paths = std::move(approved->read_paths),
          .write_paths = std::move(approved->write_paths),
          .processes = approved->processes};
}

Result<std::string> confinePayload(const sandbox::Plan& plan, const sandbox::Surroundings& around,
                                   const sandbox::Allowed& allowed, pid_t pid) {
  sandbox::Confinement confinement = plan.confinement;
  if (around.kernel.seccomp && !sandbox::isOff(around, sandbox::Layer::Seccomp)) {
    auto program = sandbox::seccompProgram(sandbox::programFor(allowed, confinement.uid), pid);
    if (!program) return withContext("the sandbox", std::move(program).error());
    confinement.seccomp = std::move(*program);
  }
  std::string payload;
  sandbox::encode(confinement, payload);
  return payload;
}

}  // namespace longhaul::host::supervisor
