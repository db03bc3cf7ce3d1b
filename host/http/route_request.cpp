#include "host/http/route_request.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "host/http/session_cookie.h"

namespace longhaul::host::http {
namespace {

using services::HttpField;

constexpr std::size_t kMethodBytesMax = 32;  // the longest registered one has 17

// Hop-by-hop, of the framing, of the handshake, or such as this host writes.
constexpr std::array<std::string_view, 24> kDropped{"connection",
                                                    "keep-alive",
                                                    "proxy-connection",
                                                    "proxy-authenticate",
                                                    "proxy-authorization",
                                                    "te",
                                                    "trailer",
                                                    "transfer-encoding",
                                                    "upgrade",
                                                    "http2-settings",
                                                    "content-length",
                                                    "expect",
                                                    "host",
                                                    "sec-websocket-key",
                                                    "sec-websocket-version",
                                                    "sec-websocket-extensions",
                                                    "forwarded",
                                                    "x-forwarded-for",
                                                    "x-forwarded-host",
                                                    "x-forwarded-proto",
                                                    "x-forwarded-port",
                                                    "x-forwarded-prefix",
                                                    "x-real-ip",
                                                    "x-request-uri"};

// "x_forwarded_for" is "x-forwarded-for" where fields become variables of an environment.
bool isSameField(std::string_view name, std::string_view wanted) {
  return std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(),
                    [](char a, char b) { return (a == '_' ? '-' : a) == (b == '_' ? '-' : b); });
}

std::vector<std::string_view> itemsOf(const std::vector<HttpField>& fields, std::string_view name) {
  std::vector<std::string_view> items;
  for (const HttpField& field : fields) {
    if (field.name != name) continue;
    const auto more = listItems(field.value);
    items.insert(items.end(), more.begin(), more.end());
  }
  return items;
}

bool hasItem(const std::vector<std::string_view>& items, std::string_view lower) {
  return std::any_of(items.begin(), items.end(), [&](auto item) { return equalsIgnoringCase(item, lower); });
}

// The one value of a field; nothing: it is missing, or there twice.
std::optional<std::string_view> only(const std::vector<HttpField>& fields, std::string_view name) {
  std::optional<std::string_view> found;
  for (const HttpField& field : fields) {
    if (field.name != name) continue;
    if (found) return std::nullopt;
    found = field.value;
  }
  return found;
}

// 16 bytes in base64.
bool isKey(std::string_view key) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, good);
}

std::optional<Refusal> readHandshake(const Header& header, RouteRequest& request) {
  const auto& fields = header.fields;
  if (!hasItem(itemsOf(fields, "upgrade"), "websocket")) return std::nullopt;  // any other is not taken up
  if (header.method != "GET" || header.chunked || header.content_length != 0) {
    return Refusal{400, "a WebSocket begins with GET, without a body"};
  }
  if (!hasItem(itemsOf(fields, "connection"), "upgrade")) {
    return Refusal{400, "a WebSocket begins with \"Connection: Upgrade\""};
  }
  if (only(fields, "sec-websocket-version") != "13") {
    return Refusal{426, "the version of WebSocket that is spoken here is 13"};
  }
  const auto key = only(fields, "sec-websocket-key");
  if (!key || !isKey(*key)) return Refusal{400, "Sec-WebSocket-Key is not one value of 16 bytes in base64"};
  request.web_socket_key = *key;
  for (const auto item : itemsOf(fields, "sec-websocket-protocol"))
    request.web_socket_protocols.emplace_back(item);
  request.asked.is_web_socket = true;
  return std::nullopt;
}

}  // namespace

bool equalsIgnoringCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

std::vector<std::string_view> listItems(std::string_view value) {
  std::vector<std::string_view> items;
  while (!value.empty()) {
    const auto comma = value.find(',');
    std::string_view item = value.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t'))
      item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t'))
      item.remove_suffix(1);
    if (!item.empty()) items.push_back(item);
    value = comma == std::string_view::npos ? std::string_view{} : value.substr(comma + 1);
  }
  return items;
}

void dropField(std::vector<HttpField>& fields, std::string_view name) {
  std::erase_if(fields, [&](const HttpField& field) { return isSameField(field.name, name); });
}

std::variant<RouteRequest, Refusal> toRouteRequest(Header header, RouteTarget target, const RouteClient& client) {
  RouteRequest request;
  if (header.method == "CONNECT" || header.method.size() > kMethodBytesMax) {
    return Refusal{501, "the method is CONNECT, or longer than any"};
  }
  if (auto refusal = readHandshake(header, request)) return std::move(*refusal);
  request.is_head = header.method == "HEAD";
  request.chunked = header.chunked;
  request.keep_alive = header.keep_alive;
  request.expects_continue = header.expects_continue;

  std::vector<std::string> named;  // by Connection: they end here as well
  for (const auto item : itemsOf(header.fields, "connection")) {
    named.emplace_back(item);
    for (char& c : named.back()) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  const auto is_dropped = [&](const HttpField& field) {
    const auto is_field = [&](std::string_view name) { return isSameField(field.name, name); };
    return std::any_of(kDropped.begin(), kDropped.end(), is_field) || std::any_of(named.begin(), named.end(), is_field);
  };
  for (HttpField& field : header.fields) {
    if (isSameField(field.name, "cookie")) field.value = withoutSessions(field.value);
  }
  std::erase_if(header.fields, [&](const HttpField& field) {
    return is_dropped(field) || (field.value.empty() && isSameField(field.name, "cookie"));
  });

  services::HttpAsked& asked = request.asked;
  asked.fields = std::move(header.fields);
  asked.fields.push_back({"x-request-uri", header.target});
  asked.fields.push_back({"x-forwarded-proto", client.scheme});
  if (!header.host.empty()) asked.fields.push_back({"x-forwarded-host", header.host});
  if (client.address != "unix") asked.fields.push_back({"x-forwarded-for", client.address});
  asked.instance = std::move(target.instance);
  asked.method = std::move(header.method);
  asked.path = std::move(target.path);
  asked.query = std::move(target.query);
  asked.request_uri = std::move(header.target);
  asked.scheme = client.scheme;
  asked.host = std::move(header.host);
  asked.client_address = client.address;
  asked.content_length = header.chunked ? -1 : static_cast<std::int64_t>(header.content_length);
  return request;
}

std::string webSocketAccept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, 1.3
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr) != 1) return {};
  std::array<unsigned char, 4 * EVP_MAX_MD_SIZE> base64{};
  const int count = ::EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(count)};
}

}  // namespace longhaul::host::http
