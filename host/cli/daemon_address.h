// Where the daemon is asked, and with what: its Unix socket, or a TCP address with a token. Values; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "host/base/result.h"
#include "host/config/daemon_config.h"

namespace longhaul::host::cli {

struct DaemonAddress {
  DaemonAddress() = default;
  DaemonAddress(std::filesystem::path path) : socket(std::move(path)) {}  // NOLINT(google-explicit-constructor)

  std::filesystem::path socket;  // empty: TCP
  std::string host{};            // a name or a numeric address, IPv6 without its brackets
  std::uint16_t port = 0;
  bool is_tls = false;
  std::string token{};         // of TCP; empty: none
  std::filesystem::path ca{};  // PEM: who signs the daemon's certificate, in place of those whom the system trusts

  bool isUnix() const { return !socket.empty(); }
  // "unix:/run/…", "https://host:8443"
  std::string text() const;
  // As a request's field Host has it.
  std::string hostField() const;
};

// From --address, LONGHAUL_ADDRESS or findSocket(). Over TCP also LONGHAUL_TOKEN, or the file that LONGHAUL_TOKEN_FILE
// names, and LONGHAUL_CA. INVALID: what is wrong; "http:" is for this machine alone, for it shows the token to the
// network.
Result<DaemonAddress> findAddress(const std::optional<std::string>& flag, const config::Environment& environment);

}  // namespace longhaul::host::cli
