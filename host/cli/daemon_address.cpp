#include "host/cli/daemon_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "host/base/files.h"
#include "host/base/text.h"
#include "host/cli/socket_address.h"

namespace longhaul::host::cli {
namespace {

constexpr std::size_t kTokenBytesMax = 4096;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::uint16_t kHttpPort = 80;

Error wrong(std::string_view where, const std::string& text, std::string_view remedy) {
  return {Code::Invalid, fmt::format("{} is \"{}\", wanted https://HOST:PORT{}", where, text, remedy)};
}

Result<DaemonAddress> parseUrl(const std::string& text, std::string_view where) {
  DaemonAddress address;
  address.is_tls = text.starts_with("https://");
  std::string_view rest = std::string_view(text).substr(address.is_tls ? 8 : 7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != std::string_view::npos) return wrong(where, text, " and nothing behind it");
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return wrong(where, text, "; the bracket does not end");
    address.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
  } else {
    const auto colon = std::min(rest.find(':'), rest.size());
    address.host = rest.substr(0, colon);
    port = rest.substr(colon);
    if (port.find(':', 1) != std::string_view::npos) {
      return wrong(where, text, "; an IPv6 address stands in brackets");
    }
  }
  if (address.host.empty()) return wrong(where, text, "");
  address.port = address.is_tls ? kHttpsPort : kHttpPort;
  if (!port.empty()) {
    const auto number = parseInt(port.substr(1));
    if (port.front() != ':' || !number || *number < 1 || *number > 65'535) {
      return wrong(where, text, "; the port is a number from 1 to 65535");
    }
    address.port = static_cast<std::uint16_t>(*number);
  }
  const bool is_here = address.host == "localhost" || address.host == "::1" || address.host.starts_with("127.");
  if (!address.is_tls && !is_here) {
    return wrong(where, text, ": without TLS everybody on the way could read the token; http:// is for this machine");
  }
  return address;
}

// A token is printable and has no blanks: anything else would end the field that it is sent in.
Result<std::string> checkedToken(std::string token, std::string_view where) {
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  for (const char c : token) {
    if (c <= ' ' || c > '~') return Error{Code::Invalid, fmt::format("{} has something that is no token", where)};
  }
  return token;
}

Result<std::string> findToken(const config::Environment& environment) {
  if (const auto token = environment.variable("LONGHAUL_TOKEN")) return checkedToken(*token, "LONGHAUL_TOKEN");
  const auto file = environment.variable("LONGHAUL_TOKEN_FILE");
  if (!file) return std::string{};
  auto text = readFile(*file, kTokenBytesMax);
  if (!text) return withContext("LONGHAUL_TOKEN_FILE", std::move(text).error());
  return checkedToken(std::move(text).value(), "LONGHAUL_TOKEN_FILE");
}

bool isUrl(const std::string& text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

}  // namespace

std::string DaemonAddress::hostField() const {
  if (isUnix()) return "localhost";
  const std::string named = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  return fmt::format("{}:{}", named, port);
}

std::string DaemonAddress::text() const {
  return isUnix() ? "unix:" + socket.native() : fmt::format("{}://{}", is_tls ? "https" : "http", hostField());
}

Result<DaemonAddress> findAddress(const std::optional<std::string>& flag, const config::Environment& environment) {
  const auto set = flag ? flag : environment.variable("LONGHAUL_ADDRESS");
  if (!set || !isUrl(*set)) {
    auto socket = findSocket(flag, environment);
    if (!socket) return std::move(socket).error();
    return DaemonAddress{std::move(socket).value()};
  }
  auto address = parseUrl(*set, flag ? "--address" : "LONGHAUL_ADDRESS");
  if (!address) return address;
  auto token = findToken(environment);
  if (!token) return std::move(token).error();
  address->token = std::move(token).value();
  if (const auto ca = environment.variable("LONGHAUL_CA")) address->ca = *ca;
  return address;
}

}  // namespace longhaul::host::cli
