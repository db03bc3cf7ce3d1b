// People at the dashboard. A link that works once leads to a session; a session is a token of the store with a life of
// hours, so that it outlives the daemon, is listed and can be revoked like any other. Loop only; people outlives it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "host/admin/answer.h"
#include "host/admin/audit_log.h"

namespace longhaul::host::admin {

class PeopleService;

inline constexpr auto kLoginLinkLife = std::chrono::minutes{5};  // from the terminal to the browser
inline constexpr auto kSessionLife = std::chrono::hours{12};     // a shift
inline constexpr std::size_t kLoginLinksMax = 100;               // open at once; the oldest goes
// What the tokens of sessions are named, and no other token may be.
inline constexpr std::string_view kSessionPrefix = "session-";

struct Session {
  std::string token;
  std::string name;  // of the token
};

class Sessions {
 public:
  explicit Sessions(PeopleService& people) : people_(people) {}
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // Where a browser finds the dashboard, "https://edge:8440"; empty: nowhere.
  void setAddress(std::string address) { address_ = std::move(address); }
  const std::string& address() const { return address_; }

  // {"url", "expiresAt", "role"}: who opens it has the role of `caller`, and counts as them.
  Answer makeLink(const Caller& caller, std::int64_t now_us);
  // Whose link it is; it works no more. Nothing: it is none, was used, or is too old.
  std::optional<Caller> takeLink(std::string_view key, std::int64_t now_us);

  // What the token of a session is named.
  static std::string nameOf(std::string_view token);

  using Opened = std::function<void(const std::variant<Session, Failure>&)>;
  void open(const Caller& caller, const Opened& opened);

 private:
  struct Link {
    Caller caller;
    std::int64_t expires_at_us = 0;
  };

  PeopleService& people_;
  std::string address_;
  std::map<std::string, Link, std::less<>> links_;  // by the key's hash
};

}  // namespace longhaul::host::admin
