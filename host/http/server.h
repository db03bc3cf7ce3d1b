// The HTTP server on the daemon's Unix socket. Loop only. Owns the socket and the connections.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "host/base/event_loop.h"
#include "host/base/result.h"
#include "host/http/api.h"
#include "host/http/connection.h"
#include "host/http/router.h"
#include "host/http/unix_listener.h"

namespace longhaul::host::http {

inline constexpr std::size_t kHttpConnectionsKept = 16;  // of all, for root and the daemon's own user

class Server {
 public:
  // Listens from now on. The folder exists (config::makeRunFolder); loop and service outlive the server. `is_plugins`:
  // whether a process was started by a plugin; such a one has the daemon's uid where workers have none of their own,
  // and gets 403 whatever it asks for.
  using IsPlugins = std::function<bool(pid_t pid)>;
  // What the routes to instances lead to, and who may use them; both outlive the server.
  struct Routes {
    services::InstanceHttp& instances;
    RouteGate& gate;
  };
  static Result<std::unique_ptr<Server>> listen(EventLoop& loop, admin::AdminService& service,
                                                const std::filesystem::path& socket_path, IsPlugins is_plugins,
                                                std::optional<Routes> routes = std::nullopt);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes no new connections and closes those that wait for nothing; answers under way are still given.
  void drain();
  // Whether a peer of this role gets a connection beside so many.
  static bool takes(std::size_t open_count, Role role);
  std::size_t connectionCount() const { return connections_.size(); }

 private:
  Server(EventLoop& loop, admin::AdminService& service, const std::optional<Routes>& routes);
  void accepted(UniqueFd fd, Peer peer);

  EventLoop& loop_;
  std::optional<Router> router_;
  Api api_;
  Connection::Handler handler_;
  IsPlugins is_plugins_;
  std::unique_ptr<UnixListener> listener_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
};

}  // namespace longhaul::host::http
