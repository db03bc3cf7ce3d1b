#include "host/http/server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include "host/base/limits.h"
#include "host/http/response.h"

namespace longhaul::host::http {

Server::Server(EventLoop& loop, admin::AdminService& service, const std::optional<Routes>& routes)
    : loop_(loop),
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

void Server::drain() {
  listener_.reset();
  for (auto& [id, connection] : connections_)
    connection->drain();
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
  const std::uint64_t id = ++last_id_;
  connections_.emplace(id, std::make_unique<Connection>(
                               loop_, std::move(fd), peer, handler_, [this, id] { connections_.erase(id); },
                               router_ ? &*router_ : nullptr));
}

}  // namespace longhaul::host::http
