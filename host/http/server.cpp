#include "host/http/server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "host/base/limits.h"
#include "host/http/response.h"
#include "host/http/web_limits.h"

namespace longhaul::host::http {

Server::Server(EventLoop& loop, admin::AdminService& service, const std::optional<Routes>& routes)
    : loop_(loop),
      service_(service),
      api_(service, [this] { return router_ ? router_->metricsText() : ""; }),
      handler_([this](const Request& request, const Peer& peer, const Connection::Respond& respond) {
        return api_.handle(request, peer, respond);
      }) {
  if (routes) router_.emplace(routes->instances, routes->gate, loop.timers());
}

Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::listen(EventLoop& loop, admin::AdminService& service,
                                               const std::filesystem::path& socket_path, IsPlugins is_plugins,
                                               std::optional<Routes> routes) {
  std::unique_ptr<Server> server{new Server(loop, service, routes)};
  server->is_plugins_ = std::move(is_plugins);
  auto listener = UnixListener::create(
      loop, socket_path, [self = server.get()](UniqueFd fd, Peer peer) { self->accepted(std::move(fd), peer); });
  if (!listener) return listener.error();
  server->listener_ = std::move(listener).value();
  return server;
}

Result<void> Server::listenWeb(Web web) {
  tls_ = std::move(web.tls);
  door_.emplace(service_, std::move(web.hosts));
  api_.setWebDoor(&*door_);
  if (router_) router_->setWebDoor(&*door_);
  for (const TcpAddress& address : web.listen) {
    auto listener = TcpListener::create(
        loop_, address, [this](UniqueFd fd, std::string from) { acceptedByTcp(std::move(fd), std::move(from)); });
    if (!listener) return std::move(listener).error();
    tcp_listeners_.push_back(*std::move(listener));
  }
  return {};
}

std::vector<TcpAddress> Server::webAddresses() const {
  std::vector<TcpAddress> addresses;
  for (const auto& listener : tcp_listeners_)
    addresses.push_back(listener->address());
  return addresses;
}

void Server::drain() {
  listener_.reset();
  tcp_listeners_.clear();
  for (auto* connections : {&connections_, &web_connections_}) {
    for (auto& [id, connection] : *connections)
      connection->drain();
  }
}

// Whoever may open the socket can hold connections; who has to end that still gets one.
bool Server::takes(std::size_t open_count, Role role) {
  return open_count < kHttpConnectionsMax - (role == Role::Admin ? 0 : kHttpConnectionsKept);
}

void Server::accepted(UniqueFd fd, Peer peer) {
  if (peer.role != Role::Read && is_plugins_ && peer.pid > 0 && is_plugins_(peer.pid)) {
    const std::string refused = serialize(
        problem(403,
                "a process that a plugin started may not use this socket; what a plugin may do, its server calls do"),
        false, false);
    (void)::send(fd.get(), refused.data(), refused.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  if (!takes(connections_.size(), peer.role)) {
    const std::string busy =
        serialize(problem(503, fmt::format("{} connections are open already", connections_.size())), false, false);
    (void)::send(fd.get(), busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  add(plainTransport(std::move(fd)), std::move(peer));
}

void Server::add(std::unique_ptr<Transport> transport, Peer peer) {
  const std::uint64_t id = ++last_id_;
  auto& connections = peer.isRemote() ? web_connections_ : connections_;
  connections.emplace(id, std::make_unique<Connection>(
                              loop_, std::move(transport), std::move(peer), handler_,
                              [&connections, id] { connections.erase(id); }, router_ ? &*router_ : nullptr));
}

// Anybody can open connections and say nothing, or read nothing. Where all places are taken, the one that has waited
// longest for its peer gives its place up: one who works has none that waits for long.
bool Server::makeRoom() {
  if (web_connections_.size() < kWebConnectionsMax) return true;
  Connection* longest = nullptr;
  TimePoint since{};
  for (const auto& [id, connection] : web_connections_) {
    const auto waits = connection->waitsSince();
    if (!waits || (longest != nullptr && *waits >= since)) continue;
    longest = connection.get();
    since = *waits;
  }
  if (longest == nullptr) return false;
  longest->close();  // it is gone with this turn of the loop
  return web_connections_.size() < kWebConnectionsMax + kWebConnectionsEnding;
}

void Server::acceptedByTcp(UniqueFd fd, std::string from) {
  if (!makeRoom()) return;
  const bool tls = tls_ != nullptr;
  auto transport = tls ? tls_->accept(std::move(fd)) : plainTransport(std::move(fd));
  if (!transport) return;
  Peer peer;
  peer.address = std::move(from);
  peer.tls = tls;
  add(std::move(transport), std::move(peer));
}

}  // namespace longhaul::host::http
