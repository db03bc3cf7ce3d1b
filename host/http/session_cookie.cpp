#include "host/http/session_cookie.h"

namespace longhaul::host::http {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

bool setsSession(std::string_view set_cookie) {
  return lowered(set_cookie).find(kSessionCookie) != std::string::npos;
}

std::string withoutSessions(std::string_view cookies) {
  std::string left;
  while (!cookies.empty()) {
    const auto end = cookies.find(';');
    std::string_view one = cookies.substr(0, end);
    cookies = end == std::string_view::npos ? std::string_view{} : cookies.substr(end + 1);
    while (one.starts_with(' '))
      one.remove_prefix(1);
    if (one.empty() || lowered(one.substr(0, one.find('='))).find(kSessionCookie) != std::string::npos) continue;
    if (!left.empty()) left += "; ";
    left += one;
  }
  return left;
}

}  // namespace longhaul::host::http
