#include "host/supervisor/http_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/http_limits.h"

namespace longhaul::host::supervisor {
namespace {

constexpr std::uint32_t kSwitching = 101;
constexpr std::string_view kSubprotocol = "sec-websocket-protocol";
constexpr std::string_view kHostsOwn[] = {
    "connection", "content-length",    "date",    "keep-alive",           "proxy-connection",        "te",
    "trailer",    "transfer-encoding", "upgrade", "sec-websocket-accept", "sec-websocket-extensions"};

bool isName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  });
}

bool isValue(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

}  // namespace

std::string headFault(const services::HttpAsked& asked, const protocol::HttpHead& head) {
  const bool switches = head.status == kSwitching;
  if (switches && !asked.is_web_socket) return "a WebSocket taken up that nobody asked for";
  std::size_t bytes = 0;
  for (const auto& [name, value] : head.fields) {
    bytes += name.size() + value.size() + 4;
    if (bytes > kHttpFieldsBytesMax)
      return fmt::format("an answer with more than {} bytes of fields", kHttpFieldsBytesMax);
    if (!isName(name) || !isValue(value)) return "an answer with a field that is none";
    const bool hosts = std::find(std::begin(kHostsOwn), std::end(kHostsOwn), name) != std::end(kHostsOwn);
    if (hosts || (name == kSubprotocol) != switches) return fmt::format("an answer with the field {}", name);
  }
  return {};
}

bool answerHasBody(const services::HttpAsked& asked, std::uint32_t status) {
  return asked.method != "HEAD" && status != 204 && status != 304 && status != kSwitching;
}

bool isCloseCode(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace longhaul::host::supervisor
