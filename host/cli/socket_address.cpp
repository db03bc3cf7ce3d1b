#include "host/cli/socket_address.h"

#include <fmt/format.h>

#include "host/base/limits.h"

namespace longhaul::host::cli {
namespace {

Result<std::filesystem::path> parse(const std::string& text, std::string_view where) {
  constexpr std::string_view kScheme = "unix:";
  const std::string path = text.starts_with(kScheme) ? text.substr(kScheme.size()) : text;
  if (path.empty() || path[0] != '/') {
    return Error{Code::Invalid, fmt::format("{} is \"{}\", wanted unix:/path/of/longhaul.sock", where, text)};
  }
  if (path.size() > kUnixPathBytesMax) {
    return Error{Code::Invalid, fmt::format("the socket's path in {} has {} bytes, the system takes at most {}", where,
                                            path.size(), kUnixPathBytesMax)};
  }
  return std::filesystem::path(path);
}

}  // namespace

Result<std::filesystem::path> findSocket(const std::optional<std::string>& flag, const config::Environment& environment,
                                         const std::filesystem::path& system_socket) {
  if (flag) return parse(*flag, "--address");
  if (const auto set = environment.variable("LONGHAUL_ADDRESS")) return parse(*set, "LONGHAUL_ADDRESS");
  // Its faults are the daemon's to tell; the folder is right also beside them.
  const auto own = config::loadDaemonConfig(environment, {}).config.socketPath();
  std::error_code error;
  if (!std::filesystem::exists(own, error) && std::filesystem::exists(system_socket, error)) return system_socket;
  return own;
}

}  // namespace longhaul::host::cli
