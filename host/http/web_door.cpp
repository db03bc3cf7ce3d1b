#include "host/http/web_door.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "host/admin/body.h"
#include "host/base/text.h"
#include "host/http/response.h"
#include "host/http/session_cookie.h"
#include "host/http/target.h"
#include "host/http/web_limits.h"

namespace longhaul::host::http {
namespace {

constexpr std::string_view kLogin = "/login";
constexpr std::string_view kSession = "/api/v1/session";

std::string_view pathOf(const Request& request) {
  return std::string_view(request.target).substr(0, request.target.find('?'));
}

struct HostParts {
  std::string_view name;  // without brackets
  std::string_view port;  // empty: the scheme's
};
HostParts partsOf(std::string_view host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view rest = host.substr(end + 1);
    return {host.substr(1, end - 1), rest.starts_with(':') ? rest.substr(1) : rest};
  }
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos) return {host, {}};
  return {host.substr(0, colon), host.substr(colon + 1)};
}

bool isNumeric(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Browsers keep cookies by host and not by port: two daemons of one machine must not take each other's.
std::string cookieName(const Request& request) {
  const std::string_view port = partsOf(request.host).port;
  return fmt::format("{}{}", kSessionCookie, port.empty() ? "default" : port);
}

std::string setCookie(const Request& request, const Peer& peer, const std::string& token) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", cookieName(request), token,
                     std::chrono::duration_cast<std::chrono::seconds>(admin::kSessionLife).count(),
                     peer.tls ? "; Secure" : "");
}

Response page(int status, std::string_view title, std::string_view text) {
  Response response{.status = status, .content_type = "text/html; charset=utf-8"};
  response.body = fmt::format(
      "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
      "<title>Longhaul</title><h1>{}</h1><p>{}</p>\n",
      title, text);
  response.fields.emplace_back("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  response.fields.emplace_back("Referrer-Policy", "no-referrer");
  return response;
}

admin::Failure unauthenticated(std::string detail, std::string hint) {
  return {.code = std::string(admin::kUnauthenticated), .detail = std::move(detail), .hint = std::move(hint)};
}

}  // namespace

Response foreignHost(std::string_view host) {
  return problem(421, fmt::format("the request is for \"{}\", and this daemon has other names", host.substr(0, 253)),
                 "http.hosts of longhaul.yaml lists the names that it has beside localhost and its addresses");
}

bool isSameOrigin(const Request& request, const Peer& peer) {
  return !request.origin.empty() &&
         lowered(request.origin) == fmt::format("{}://{}", peer.tls ? "https" : "http", lowered(request.host));
}

WebDoor::WebDoor(admin::AdminService& service, std::vector<std::string> hosts)
    : service_(service), hosts_(std::move(hosts)), guesses_(kWebGuessesMax, kWebGuessesWindow, kWebGuessersKept) {}

bool WebDoor::isOurs(std::string_view host) const {
  const std::string name = lowered(partsOf(host).name);
  return name == "localhost" || isNumeric(name) || std::find(hosts_.begin(), hosts_.end(), name) != hosts_.end();
}

std::string WebDoor::sessionOf(const Request& request) {
  const std::string wanted = cookieName(request);
  std::string_view rest = request.cookie;
  while (!rest.empty()) {
    const auto end = rest.find(';');
    std::string_view one = rest.substr(0, end);
    while (one.starts_with(' '))
      one.remove_prefix(1);
    const auto equals = one.find('=');
    if (equals != std::string_view::npos && one.substr(0, equals) == wanted) return std::string(one.substr(equals + 1));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return {};
}

std::variant<admin::Caller, admin::Failure> WebDoor::byToken(std::string_view token, const Peer& peer) {
  // What is right is not held up: a token is 256 random bits, and one script with an old one must not lock out all who
  // come by the same proxy.
  auto asked = service_.bearers().identify(token, wallNowUs());
  const auto* failure = std::get_if<admin::Failure>(&asked);
  if (failure == nullptr || failure->code != admin::kUnauthenticated) return asked;
  const TimePoint now = service_.timers().now();
  if (const int wait_s = guesses_.waitS(peer.address, now); wait_s > 0) {
    return admin::Failure{.code = "RATE_LIMITED",
                          .detail = fmt::format("{} wrong credentials came from {} within {} s", kWebGuessesMax,
                                                peer.address, std::chrono::seconds(kWebGuessesWindow).count()),
                          .hint = fmt::format("ask again in {} s", wait_s)};
  }
  guesses_.wrong(peer.address, now);
  return asked;
}

std::variant<admin::Caller, admin::Failure> WebDoor::identify(const Request& request, const Peer& peer, bool is_act) {
  if (!request.authorization.empty()) return byToken(request.authorization, peer);
  const std::string session = sessionOf(request);
  if (session.empty()) {
    return unauthenticated("nothing says who asks",
                           "give a token (\"longhaul token create\") as Authorization: Bearer, or run \"longhaul "
                           "dashboard\" for a browser");
  }
  if (is_act && !isSameOrigin(request, peer)) {
    return admin::Failure{.code = std::string(codeName(Code::NotGranted)),
                          .detail = fmt::format("the request comes from {}, and a session is only for its own page",
                                                request.origin.empty() ? "no page" : replaceNonUtf8(request.origin)),
                          .hint = "programs give a token as Authorization: Bearer"};
  }
  return byToken("Bearer " + session, peer);
}

bool WebDoor::handle(const Request& request, const Peer& peer, const Respond& respond) {
  const std::string_view path = pathOf(request);
  if (path == kLogin && (request.method == "GET" || request.method == "HEAD")) {
    login(request, peer, respond);
    return true;
  }
  if (path == kSession && request.method == "POST") {
    signIn(request, peer, respond);
    return true;
  }
  return false;
}

void WebDoor::login(const Request& request, const Peer& peer, const Respond& respond) {
  constexpr std::string_view kStale =
      "It was used before, or it is older than five minutes. Run <code>longhaul dashboard</code> for another one.";
  // A preview of the link, as chats make it, must not use it up.
  if (request.method == "HEAD") return respond(page(200, "Longhaul", "A link to sign in."));
  const auto target = parseTarget(request.target);
  std::optional<admin::Caller> caller;
  if (const auto* parsed = std::get_if<Target>(&target)) {
    for (const auto& [name, value] : parsed->query) {
      if (name == "key" && !caller) caller = service_.sessions().takeLink(value, wallNowUs());
    }
  }
  if (!caller) {
    const TimePoint now = service_.timers().now();
    if (guesses_.waitS(peer.address, now) > 0) {
      return respond(page(429, "Too many tries", "Wait a minute, then run <code>longhaul dashboard</code> again."));
    }
    guesses_.wrong(peer.address, now);
    return respond(page(403, "This link does not work", kStale));
  }
  Response done = page(303, "Signed in", "<a href=\"/\">To the dashboard</a>");
  done.fields.emplace_back("Location", "/");
  open(*caller, request, peer, std::move(done), respond);
}

void WebDoor::signIn(const Request& request, const Peer& peer, const Respond& respond) {
  if (!isSameOrigin(request, peer)) {
    return respond(problem(403, "only this daemon's own page signs in here",
                           "programs give a token as Authorization: "
                           "Bearer"));
  }
  admin::Body body(request.body, {"token"});
  const std::string token = body.neededText("token", "a token, as \"longhaul token create\" printed it");
  if (body.failure()) return respond(problem(statusOf(*body.failure()), *body.failure()));
  const auto caller = byToken("Bearer " + token, peer);
  if (const auto* failure = std::get_if<admin::Failure>(&caller)) {
    return respond(problem(statusOf(*failure), *failure));
  }
  const auto& known = std::get<admin::Caller>(caller);
  open(known, request, peer,
       {.body = dumpJson({{"name", known.name}, {"role", roleName(known.role)}, {"session", true}}) + "\n"}, respond);
}

void WebDoor::open(const admin::Caller& caller, const Request& request, const Peer& peer, Response done,
                   const Respond& respond) {
  service_.sessions().open(caller, [this, caller, request, peer, done = std::move(done),
                                    respond](const std::variant<admin::Session, admin::Failure>& opened) mutable {
    if (const auto* failure = std::get_if<admin::Failure>(&opened)) {
      return respond(problem(statusOf(*failure), *failure));
    }
    const auto& session = std::get<admin::Session>(opened);
    done.fields.emplace_back("Set-Cookie", setCookie(request, peer, session.token));
    service_.auditLog().over(
        caller,
        {.act = "session.open", .target = session.name, .detail = {{"address", peer.address}}, .outcome = "done"},
        [respond, done = std::move(done)] { respond(done); });
  });
}

}  // namespace longhaul::host::http
