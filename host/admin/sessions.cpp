#include "host/admin/sessions.h"

#include <algorithm>

#include "host/admin/people_service.h"
#include "host/admin/random_secret.h"
#include "host/base/sha256.h"
#include "host/base/text.h"

namespace longhaul::host::admin {

Answer Sessions::makeLink(const Caller& caller, std::int64_t now_us) {
  if (address_.empty()) {
    return Failure{
        .code = std::string(codeName(Code::Absent)),
        .detail = "nothing is served to browsers",
        .hint = "give http.listen in longhaul.yaml, for one [\"127.0.0.1:8440\"], and start the daemon anew"};
  }
  const auto key = randomSecret("");
  if (!key) return toFailure({Code::Internal, "the system gave no random bytes"});
  std::erase_if(links_, [now_us](const auto& each) { return each.second.expires_at_us <= now_us; });
  if (links_.size() >= kLoginLinksMax) {
    links_.erase(std::min_element(links_.begin(), links_.end(), [](const auto& left, const auto& right) {
      return left.second.expires_at_us < right.second.expires_at_us;
    }));
  }
  const std::int64_t expires_at_us =
      now_us + std::chrono::duration_cast<std::chrono::microseconds>(kLoginLinkLife).count();
  links_[sha256Hex(*key)] = {caller, expires_at_us};
  return dumpJson({{"url", address_ + "/login?key=" + *key},
                   {"expiresAt", formatTimeUs(expires_at_us)},
                   {"role", roleName(caller.role)}});
}

std::optional<Caller> Sessions::takeLink(std::string_view key, std::int64_t now_us) {
  const auto found = links_.find(sha256Hex(key));
  if (found == links_.end()) return std::nullopt;
  const Link link = std::move(found->second);
  links_.erase(found);
  if (link.expires_at_us <= now_us) return std::nullopt;
  return link.caller;
}

std::string Sessions::nameOf(std::string_view token) {
  // Long enough that no two of a shift are alike, short enough to be read aloud.
  constexpr std::size_t kNameDigits = 12;
  return std::string(kSessionPrefix) + sha256Hex(token).substr(0, kNameDigits);
}

void Sessions::open(const Caller& caller, const Opened& opened) {
  people_.addSession(caller, kSessionLife, opened);
}

}  // namespace longhaul::host::admin
