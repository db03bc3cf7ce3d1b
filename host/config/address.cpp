#include "host/config/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/config/problem.h"

namespace longhaul::host::config {
namespace {

Error wrong(const Json& value, std::string_view remedy = {}) {
  return Error{Code::Invalid,
               fmt::format("found {}, wanted an address like \"127.0.0.1:5514\", \"[::1]:5514\", \":5514\" "
                           "(every address) or \"unix:/run/x.sock\"{}",
                           describe(value), remedy)};
}

std::optional<std::uint16_t> parsePort(std::string_view text) {
  const auto port = parseInt(text);
  // parseInt takes a sign; a port has none.
  if (!port || *port < 0 || *port > 65'535 || text[0] == '-') return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

// Empty: not a numeric address of this family.
std::string canonical(int family, const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_pton(family, host.c_str(), bytes.data()) != 1) return {};
  return ::inet_ntop(family, bytes.data(), text.data(), text.size());
}

Result<Address> parseUnix(const Json& value, const std::string& path) {
  if (!path.starts_with('/') || path.ends_with('/')) return wrong(value, "; the path begins with / and names a file");
  if (path.size() > kUnixPathBytesMax) {
    return Error{Code::Invalid, fmt::format("the socket's path has {} bytes, wanted at most {}; choose a shorter one",
                                            path.size(), kUnixPathBytesMax)};
  }
  if (path.find('\0') != std::string::npos) return wrong(value, "; a path has no NUL");
  Address address;
  address.unix_path = path;
  return address;
}

}  // namespace

Result<Address> parseAddress(const Json& value) {
  Address address;
  if (value.is_number_integer() && value >= 0 && value <= 65'535) {
    address.port = value.get<std::uint16_t>();
    return address;
  }
  if (!value.is_string()) return wrong(value);
  const auto& text = value.get_ref<const std::string&>();
  if (text.starts_with("unix:")) return parseUnix(value, text.substr(5));
  if (text.starts_with('/')) return parseUnix(value, text);
  const std::size_t colon = text.rfind(':');
  const std::string_view port_text = std::string_view(text).substr(colon + 1);  // npos + 1 is 0: a port alone
  const auto port = parsePort(port_text);
  if (!port) {
    const bool bare_v6 = !canonical(AF_INET6, text).empty();
    if (bare_v6 || !canonical(AF_INET, text).empty()) return wrong(value, "; the port is missing");
    return wrong(value,
                 fmt::format("; the port is a number from 0 to 65535, not {}", dumpJson(std::string(port_text))));
  }
  address.port = *port;
  if (colon == std::string::npos || colon == 0) return address;
  const std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    address.host = canonical(AF_INET6, host.substr(1, host.size() - 2));
    if (address.host.empty()) return wrong(value, "; between [ and ] stands a numeric IPv6 address, without a zone");
    return address;
  }
  address.host = canonical(AF_INET, host);
  if (!address.host.empty()) return address;
  if (host == "*") return wrong(value, fmt::format("; write \":{}\" for every address", *port));
  if (host == "localhost") return wrong(value, fmt::format("; write \"127.0.0.1:{}\" or \"[::1]:{}\"", *port, *port));
  if (canonical(AF_INET6, host).empty() && !canonical(AF_INET6, text).empty()) {
    return wrong(value, "; the port is missing");
  }
  if (host.find(':') != std::string::npos) {
    return wrong(value, fmt::format("; an IPv6 address stands in brackets: \"[{}]:{}\"", host, *port));
  }
  return wrong(value, "; names are not looked up, write the numeric address");
}

std::string toText(const Address& address) {
  if (address.isUnix()) return "unix:" + address.unix_path;
  if (address.host.find(':') != std::string::npos) return fmt::format("[{}]:{}", address.host, address.port);
  return fmt::format("{}:{}", address.host, address.port);
}

bool isLocal(const Address& address) {
  return address.isUnix() || address.host.starts_with("127.") || address.host == "::1";
}

bool collide(const Address& one, const Address& other) {
  if (one.isUnix() || other.isUnix()) return one.unix_path == other.unix_path;
  if (one.port != other.port || one.port == 0) return false;
  if (one.host == other.host) return true;
  const auto is_v6 = [](const std::string& host) { return host.find(':') != std::string::npos; };
  const auto covers = [&](const std::string& any, const std::string& host) {
    // "::" may take IPv4 too, as the system is set up: refused, since it would fail on some systems only.
    if (any.empty() || any == "::") return true;
    return any == "0.0.0.0" && !is_v6(host);
  };
  return covers(one.host, other.host) || covers(other.host, one.host);
}

}  // namespace longhaul::host::config
