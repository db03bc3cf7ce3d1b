#include "host/daemon/web.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "host/base/text.h"
#include "host/daemon/own_log.h"

namespace longhaul::host::daemon {
namespace {

// Certificates are renewed weeks before they expire: a minute is soon.
constexpr auto kCertificateLook = std::chrono::minutes{1};

std::string versionOf(const config::WebConfig& config) {
  std::string version;
  for (const auto& path : {config.certificate, config.key}) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) continue;
    version +=
        fmt::format("{}.{}.{}.{} ", status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  return version;
}

// As a browser of this machine, or of one that knows its name, finds it.
std::string addressOf(const config::WebConfig& config, http::TcpAddress first) {
  if (!config.hosts.empty()) {
    first.host = config.hosts.front();
  } else if (first.host.empty() || first.host == "::" || first.host == "0.0.0.0") {
    first.host = "127.0.0.1";
  }
  return fmt::format("{}://{}", config.certificate.empty() ? "http" : "https", toText(first));
}

}  // namespace

Result<void> Web::open(const config::WebConfig& config) {
  if (config.listen.empty()) return {};
  config_ = config;
  http::Server::Web web{.listen = {}, .hosts = config.hosts, .tls = nullptr};
  for (const config::Address& address : config.listen)
    web.listen.push_back({address.host, address.port});
  if (!config.certificate.empty()) {
    seen_ = versionOf(config);
    auto tls = http::TlsServer::load({config.certificate, config.key});
    if (!tls) return std::move(tls).error();
    web.tls = *std::move(tls);
    if (const std::string warning = web.tls->warning(); !warning.empty()) ownLog(logs::LogLevel::Error, warning);
    watch();
  }
  if (auto listening = server_.listenWeb(std::move(web)); !listening) return listening.error();
  const auto addresses = server_.webAddresses();
  sessions_.setAddress(addressOf(config, addresses.front()));
  for (const http::TcpAddress& address : addresses) {
    ownLog(logs::LogLevel::Info, fmt::format("serves {}://{}; `longhaul dashboard` gives a link",
                                             config.certificate.empty() ? "http" : "https", toText(address)));
  }
  return {};
}

void Web::watch() {
  timer_ = timers_.after(kCertificateLook, [this] {
    if (versionOf(config_) != seen_) reload();
    watch();
  });
}

void Web::reload() {
  http::TlsServer* tls = server_.tls();
  if (tls == nullptr) return;
  seen_ = versionOf(config_);
  const auto loaded = tls->reload();
  if (!loaded) {
    return ownLog(logs::LogLevel::Error, fmt::format("the certificate stays as it was: {}", loaded.error().message));
  }
  ownLog(logs::LogLevel::Info,
         fmt::format("the certificate was read, it expires at {}", formatTimeUs(tls->expiresAtUs())));
}

}  // namespace longhaul::host::daemon
