// The name of the cookie that a session of the dashboard has. Routes to instances are on the same address: the cookie
// goes to no plugin, and no plugin sets one. Pure; any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace longhaul::host::http {

inline constexpr std::string_view kSessionCookie = "longhaul_session_";  // and the port

// The value of a field Cookie without the cookies of sessions; empty: nothing is left.
inline std::string withoutSessions(std::string_view cookies) {
  std::string out;
  while (!cookies.empty()) {
    const auto end = cookies.find(';');
    std::string_view each = cookies.substr(0, end);
    cookies = end == std::string_view::npos ? std::string_view{} : cookies.substr(end + 1);
    each.remove_prefix(std::min(each.find_first_not_of(" \t"), each.size()));
    if (each.empty() || each.starts_with(kSessionCookie)) continue;
    if (!out.empty()) out += "; ";
    out += each;
  }
  return out;
}

}  // namespace longhaul::host::http
