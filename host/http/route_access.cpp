#include "host/http/route_access.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "host/base/sha256.h"

namespace longhaul::host::http {
namespace {

constexpr std::string_view kAuthorization = "authorization";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string all(text);
  std::transform(all.begin(), all.end(), all.begin(), lower);
  return all;
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the end that EVP_EncodeBlock writes
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// Both are digests: of the same length, and what differs where says nothing of the secret before it.
bool equal(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned differs = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    differs |= static_cast<unsigned>(one[i] ^ other[i]);
  return differs == 0;
}

std::string_view schemeOf(RouteAccessKind kind) {
  if (kind == RouteAccessKind::Basic) return "basic";
  return kind == RouteAccessKind::Token ? "bearer" : "";
}

// What stands after the scheme; nothing where it is another one.
std::string_view credentials(std::string_view value, std::string_view scheme) {
  if (scheme.empty()) return value;
  if (value.size() <= scheme.size() || value[scheme.size()] != ' ') return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if (lower(value[i]) != scheme[i]) return {};
  }
  value.remove_prefix(scheme.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

std::string challenge(const RouteAccess& access, std::string_view instance) {
  switch (access.kind) {
    case RouteAccessKind::Basic:
      return fmt::format("Basic realm=\"{}\", charset=\"UTF-8\"", instance);
    case RouteAccessKind::Token:
      return fmt::format("Bearer realm=\"{}\"", instance);
    default:
      // A 401 has a challenge (RFC 9110, 11.6.1); there is no registered scheme for a field of one's own.
      return fmt::format("ApiKey realm=\"{}\"", instance);
  }
}

Admission refused(const RouteAccess& access, std::string_view instance, bool guessed) {
  std::string wanted = access.kind == RouteAccessKind::Basic    ? "a user and a password (Basic)"
                       : access.kind == RouteAccessKind::Header ? "a header with its key"
                                                                : "a token (Authorization: Bearer)";
  return {.status = 401,
          .www_authenticate = challenge(access, instance),
          .detail = guessed ? fmt::format("the credentials are not right; this route wants {}", wanted)
                            : fmt::format("this route wants {}", wanted),
          .guessed = guessed};
}

}  // namespace

std::string_view toText(RouteAccessKind kind) {
  constexpr std::array<std::string_view, 5> kNames{"closed", "none", "basic", "header", "token"};
  return kNames[static_cast<std::size_t>(kind)];
}

RouteAccess closedRoute() {
  return {};
}
RouteAccess openRoute() {
  return {.kind = RouteAccessKind::None};
}
RouteAccess basicRoute(std::string user, std::string_view secret) {
  // Compared as it is sent: no decoder reads what a stranger wrote.
  std::string digest = sha256Hex(base64(fmt::format("{}:{}", user, secret)));
  return {.kind = RouteAccessKind::Basic,
          .user = std::move(user),
          .field = std::string(kAuthorization),
          .digest = std::move(digest)};
}
RouteAccess headerRoute(std::string_view header, std::string_view secret) {
  return {.kind = RouteAccessKind::Header, .field = lowered(header), .digest = sha256Hex(secret)};
}
RouteAccess tokenRoute(std::string_view secret) {
  return {.kind = RouteAccessKind::Token, .field = std::string(kAuthorization), .digest = sha256Hex(secret)};
}

Admission noRoute(std::string_view instance) {
  return {.status = 404,
          .detail = fmt::format("there is no route /instance/execute/{}; where there is such an instance, \"longhaul "
                                "explain {}\" says why",
                                instance, instance)};
}

Admission admit(const RouteAccess& access, std::string_view instance, const std::vector<services::HttpField>& fields) {
  if (access.kind == RouteAccessKind::Closed) return noRoute(instance);
  if (access.kind == RouteAccessKind::None) return {};
  const auto is_it = [&](const services::HttpField& field) { return field.name == access.field; };
  const auto found = std::find_if(fields.begin(), fields.end(), is_it);
  if (found == fields.end()) return refused(access, instance, false);
  const std::string_view given = credentials(found->value, schemeOf(access.kind));
  // No short way: what is compared costs the same, whether it came once or twice.
  const bool right = equal(sha256Hex(given), access.digest);
  const bool once = std::find_if(found + 1, fields.end(), is_it) == fields.end();
  if (!right || !once || given.empty()) return refused(access, instance, true);
  return {.user = access.kind == RouteAccessKind::Basic ? access.user : std::string(toText(access.kind)),
          .taken_field = access.field};
}

}  // namespace longhaul::host::http
