// A request for an instance's route, made anew from what was parsed: hop-by-hop fields go, what says who asked and for
// what is written here and never taken from the client, a handshake for a WebSocket is checked (RFC 6455, 4.2.1). Pure;
// any thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/http/header_check.h"
#include "host/http/route_target.h"
#include "host/services/http_port.h"

namespace longhaul::host::http {

struct RouteRequest {
  services::HttpAsked asked{};
  bool is_head = false;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
  std::string web_socket_key{};
  std::vector<std::string> web_socket_protocols{};  // that the client offers
};

struct RouteClient {
  std::string address;  // without a port; "unix" of one on the daemon's socket
  std::string scheme;   // "http", "https"
};

// A handshake that is none is the refusal; 426 of another version of WebSocket.
std::variant<RouteRequest, Refusal> toRouteRequest(Header header, RouteTarget target, const RouteClient& client);

// Fields are also looked up by servers that cannot tell "-" from "_": both are gone.
void dropField(std::vector<services::HttpField>& fields, std::string_view name);

// What an answer to this key has in Sec-WebSocket-Accept.
std::string webSocketAccept(std::string_view key);

// The words of a list, "a, b": trimmed, without empty ones.
std::vector<std::string_view> listItems(std::string_view value);
bool equalsIgnoringCase(std::string_view text, std::string_view lower);

}  // namespace longhaul::host::http
