// The HTTP server: on the daemon's Unix socket, and by TCP where that is wanted. Loop only. Owns the sockets and the
// connections.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/base/event_loop.h"
#include "host/base/result.h"
#include "host/http/api.h"
#include "host/http/connection.h"
#include "host/http/router.h"
#include "host/http/tcp_listener.h"
#include "host/http/tls.h"
#include "host/http/unix_listener.h"
#include "host/http/web_door.h"

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
  // By TCP as well, from now on: each address, with TLS where `tls` is given.
  struct Web {
    std::vector<TcpAddress> listen;
    std::vector<std::string> hosts;  // names of this host, in lower case (WebDoor)
    std::unique_ptr<TlsServer> tls;
  };
  Result<void> listenWeb(Web web);
  // With the ports that the system chose.
  std::vector<TcpAddress> webAddresses() const;
  // Null without TLS.
  TlsServer* tls() { return tls_.get(); }

  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes no new connections and closes those that wait for nothing; answers under way are still given.
  void drain();
  // Whether a peer of this role gets a connection beside so many.
  static bool takes(std::size_t open_count, Role role);
  // Of the routes to instances; null: it has none.
  const RouteCounts* routeCounts() const { return router_ ? &router_->counts() : nullptr; }
  std::size_t connectionCount() const { return connections_.size() + web_connections_.size(); }

 private:
  Server(EventLoop& loop, admin::AdminService& service, const std::optional<Routes>& routes);
  void accepted(UniqueFd fd, Peer peer);
  void acceptedByTcp(UniqueFd fd, std::string from);
  void add(std::unique_ptr<Transport> transport, Peer peer);
  bool makeRoom();

  EventLoop& loop_;
  admin::AdminService& service_;
  std::optional<Router> router_;
  Api api_;
  Connection::Handler handler_;
  IsPlugins is_plugins_;
  std::unique_ptr<UnixListener> listener_;
  std::optional<WebDoor> door_;
  std::unique_ptr<TlsServer> tls_;
  std::vector<std::unique_ptr<TcpListener>> tcp_listeners_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;      // oldest first
  std::map<std::uint64_t, std::unique_ptr<Connection>> web_connections_;  // likewise, of those by TCP
};

}  // namespace longhaul::host::http
