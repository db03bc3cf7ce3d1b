#include "host/http/route_request.h"

#include <catch2/catch.hpp>
#include <map>

namespace longhaul::host::http {
namespace {

std::variant<RouteRequest, Refusal> make(const std::string& fields, const std::string& method = "GET") {
  auto header = readHeader(method + " /instance/execute/e/a?b HTTP/1.1\r\nHost: h:1\r\n" + fields + "\r\n");
  if (const auto* refusal = std::get_if<Refusal>(&header)) FAIL(refusal->detail);
  auto& read = std::get<Header>(header);
  auto target = std::get<RouteTarget>(readRouteTarget(read.target));
  return toRouteRequest(std::move(read), std::move(target), {.address = "192.0.2.7", .scheme = "https"});
}
RouteRequest good(const std::string& fields, const std::string& method = "GET") {
  auto request = make(fields, method);
  if (const auto* refusal = std::get_if<Refusal>(&request)) FAIL(refusal->detail);
  return std::get<RouteRequest>(std::move(request));
}
int refused(const std::string& fields, const std::string& method = "GET") {
  const auto request = make(fields, method);
  const auto* refusal = std::get_if<Refusal>(&request);
  return refusal == nullptr ? 0 : refusal->status;
}
std::multimap<std::string, std::string> fieldsOf(const RouteRequest& request) {
  std::multimap<std::string, std::string> fields;
  for (const auto& field : request.asked.fields)
    fields.emplace(field.name, field.value);
  return fields;
}

const std::string kHandshake =
    "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

TEST_CASE("A request is made anew: what is of the connection goes, and who asks is written here") {
  const RouteRequest request = good(
      "Connection: close, X-Own, Upgrade\r\nX-Own: 1\r\nKeep-Alive: 5\r\nProxy-Authorization: Basic a\r\nTE: "
      "trailers\r\n"
      "Trailer: x\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
      "Forwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\nX-Forwarded-Proto: http\r\n"
      "X-Forwarded-Host: evil\r\nX-Real-IP: 1.2.3.4\r\nX-Request-URI: /evil\r\nx_request_uri: /evil\r\n"
      "Content_Length: 9\r\nTransfer_Encoding: chunked\r\nAccept: a\r\nAccept: b\r\nX_Kept: 1\r\n",
      "POST");
  CHECK(fieldsOf(request) == std::multimap<std::string, std::string>{{"accept", "a"},
                                                                     {"accept", "b"},
                                                                     {"x_kept", "1"},
                                                                     {"x-forwarded-for", "192.0.2.7"},
                                                                     {"x-forwarded-host", "h:1"},
                                                                     {"x-forwarded-proto", "https"},
                                                                     {"x-request-uri", "/instance/execute/e/a?b"}});
  CHECK(request.asked.method == "POST");
  CHECK(request.asked.path == "/a");
  CHECK(request.asked.query == "b");
  CHECK(request.asked.request_uri == "/instance/execute/e/a?b");
  CHECK(request.asked.host == "h:1");
  CHECK(request.asked.client_address == "192.0.2.7");
  CHECK(request.asked.content_length == 3);
  CHECK_FALSE(request.asked.is_web_socket);
  CHECK_FALSE(request.keep_alive);
  CHECK(request.expects_continue);
  CHECK(good("Transfer-Encoding: chunked\r\n", "POST").asked.content_length == -1);
}

TEST_CASE("The credentials that a route took are dropped in either way of writing") {
  RouteRequest request = good("X-Api-Key: a\r\nX_Api_Key: b\r\n");
  dropField(request.asked.fields, "x-api-key");
  CHECK(fieldsOf(request).count("x-api-key") == 0);
  CHECK(fieldsOf(request).count("x_api_key") == 0);
}

TEST_CASE("The cookie of a session with the dashboard goes to no plugin") {
  const auto cookies = [](const std::string& lines) {
    std::vector<std::string> left;
    for (const auto& field : good(lines).asked.fields) {
      if (field.name == "cookie") left.push_back(field.value);
    }
    return left;
  };
  CHECK(cookies("Cookie: a=b; longhaul_session_8443=secret; c=d\r\n") == std::vector<std::string>{"a=b; c=d"});
  CHECK(cookies("Cookie: longhaul_session_default=secret\r\nCookie: x=y;longhaul_session_1=z\r\n") ==
        std::vector<std::string>{"x=y"});
  CHECK(cookies("Cookie:  longhaul_session_1=z\r\n").empty());
}

TEST_CASE("A handshake for a WebSocket is checked, and its fields end here") {
  const RouteRequest request = good(kHandshake + "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: x\r\n");
  CHECK(request.asked.is_web_socket);
  CHECK(request.web_socket_protocols == std::vector<std::string>{"a", "b"});
  CHECK(fieldsOf(request).count("sec-websocket-key") == 0);
  CHECK(fieldsOf(request).count("sec-websocket-extensions") == 0);
  CHECK(fieldsOf(request).find("sec-websocket-protocol")->second == "a, b");
  CHECK(webSocketAccept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455, 1.3
}

TEST_CASE("A handshake that is none is refused") {
  const auto without = [](const std::string& name) {
    std::string fields = kHandshake;
    const auto at = fields.find(name);
    return fields.erase(at, fields.find("\r\n", at) + 2 - at);
  };
  CHECK(refused(without("Connection")) == 400);
  CHECK(refused(without("Sec-WebSocket-Version")) == 426);
  CHECK(refused(without("Sec-WebSocket-Version") + "Sec-WebSocket-Version: 8\r\n") == 426);
  CHECK(refused(kHandshake + "Sec-WebSocket-Version: 13\r\n") == 426);
  CHECK(refused(without("Sec-WebSocket-Key")) == 400);
  CHECK(refused(kHandshake + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") == 400);
  CHECK(refused(without("Sec-WebSocket-Key") + "Sec-WebSocket-Key: short\r\n") == 400);
  CHECK(refused(kHandshake, "POST") == 400);
  CHECK(refused(kHandshake + "Content-Length: 1\r\n") == 400);
  CHECK(refused(kHandshake + "Transfer-Encoding: chunked\r\n") == 400);
  CHECK_FALSE(good(without("Upgrade")).asked.is_web_socket);
}

TEST_CASE("CONNECT and a method that is longer than any are not passed on") {
  CHECK(refused("", "CONNECT") == 501);
  CHECK(refused("", std::string(33, 'A')) == 501);
  CHECK(good("", "PROPFIND").asked.method == "PROPFIND");
}

}  // namespace
}  // namespace longhaul::host::http
