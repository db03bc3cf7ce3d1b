// The cookie that a session of the dashboard has. Routes to instances are on the same address: it goes to no plugin,
// and no plugin sets one. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace longhaul::host::http {

inline constexpr std::string_view kSessionCookie = "longhaul_session_";  // and the port

// The value of a field Cookie without the cookies of sessions; empty: nothing is left.
std::string withoutSessions(std::string_view cookies);
// Whether the value of a field Set-Cookie would make one: a browser sends one that has no name as it is, so that the
// value counts as well.
bool setsSession(std::string_view set_cookie);

}  // namespace longhaul::host::http
