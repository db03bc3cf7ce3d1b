// Who comes by TCP, where the socket says nothing of them: which names this host has, whose token or session a request
// carries, and how a browser gets a session. On the Unix socket none of it counts. Loop only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/admin/admin_service.h"
#include "host/http/guess_limit.h"
#include "host/http/request.h"

namespace longhaul::host::http {

class WebDoor {
 public:
  using Respond = std::function<void(Response)>;

  // `hosts`: names of this host, in lower case.
  WebDoor(admin::AdminService& service, std::vector<std::string> hosts);

  // Whether a request with this Host field may be meant for this daemon: a page of somebody else whose name was made to
  // lead here (DNS rebinding) has that name in it.
  bool isOurs(std::string_view host) const;

  // Requests that give a session, which nobody has to have one for: GET /login, POST /api/v1/session. True: it is one,
  // and `respond` gets the answer.
  bool handle(const Request& request, const Peer& peer, const Respond& respond);

  // Who asks: by a token, or by a session. `is_act`: a session counts only for one that comes from its own page.
  std::variant<admin::Caller, admin::Failure> identify(const Request& request, const Peer& peer, bool is_act);

  // The token of the request's session; empty: it has none.
  static std::string sessionOf(const Request& request);

 private:
  void login(const Request& request, const Peer& peer, const Respond& respond);
  void signIn(const Request& request, const Peer& peer, const Respond& respond);
  void open(const admin::Caller& caller, const Request& request, const Peer& peer, Response done,
            const Respond& respond);
  std::variant<admin::Caller, admin::Failure> byToken(std::string_view token, const Peer& peer);

  admin::AdminService& service_;
  std::vector<std::string> hosts_;
  GuessLimit guesses_;
};

// A session is nothing of an instance's: the field Cookie without those of sessions, and whether a Set-Cookie would make
// one (a browser sends one that has no name as it is, so that the value counts as well).
std::string withoutSessions(std::string_view cookies);
bool setsSession(std::string_view set_cookie);

// The answer to a request that isOurs() says no to.
Response foreignHost(std::string_view host);

// What says that an act comes from a page of this very origin: scheme, name and port as the browser saw them.
bool isSameOrigin(const Request& request, const Peer& peer);

}  // namespace longhaul::host::http
