#include "host/admin/bearers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/admin/sessions.h"
#include "host/base/sha256.h"
#include "host/base/text.h"

namespace longhaul::host::admin {
namespace {

constexpr std::string_view kScheme = "bearer ";
constexpr std::string_view kTokenCaller = "token ";  // and its name: who asks by it

bool isBearer(std::string_view authorization) {
  if (authorization.size() <= kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return false;
  }
  return true;
}

Failure refused(std::string detail) {
  return {.code = std::string(kUnauthenticated),
          .detail = std::move(detail),
          .hint = "\"longhaul token list\" shows the tokens; without Authorization the socket says who you are"};
}

}  // namespace

Bearers::Bearers(store::StoreQueries& queries, store::StoreExecutor& executor) : queries_(queries) {
  executor.observe(
      [this, alive = std::weak_ptr<bool>(alive_)](const store::Write& write, const store::WriteValue& value) {
        if (!alive.lock()) return;
        if (const auto* added = std::get_if<store::AddToken>(&write)) {
          store::Token token = added->token;
          token.id.value = std::get<store::Added>(value).id;
          tokens_[token.hash] = token;
        }
        if (const auto* revoked = std::get_if<store::RevokeToken>(&write)) revoked_.insert(revoked->token);
      });
}

void Bearers::load() {
  using Tokens = Result<std::vector<store::Token>>;
  (void)queries_.submit([](store::StoreReader& reader) { return reader.tokens(); },
                        [this, alive = std::weak_ptr<bool>(alive_)](const Tokens& tokens) {
                          if (!alive.lock() || !tokens) return;
                          for (const store::Token& token : *tokens)
                            tokens_.emplace(token.hash, token);
                          loaded_ = true;
                        });
}

std::variant<Caller, Failure> Bearers::identify(std::string_view authorization, std::int64_t now_us) const {
  if (!isBearer(authorization)) return refused("Authorization is not \"Bearer TOKEN\", and nothing else is taken");
  const std::string_view given = authorization.substr(kScheme.size());
  const auto found = tokens_.find(sha256Hex(given.substr(std::min(given.find_first_not_of(' '), given.size()))));
  if (found == tokens_.end()) {
    if (loaded_) return refused("the token is none of this host's");
    return toFailure({Code::Busy, "the tokens are not read yet; ask again"});
  }
  const store::Token& token = found->second;
  if (isRevoked(token)) {
    return refused(fmt::format("the token {} was revoked", token.name));
  }
  if (token.expires_at_us != 0 && token.expires_at_us <= now_us) {
    return refused(fmt::format("the token {} expired at {}", token.name, formatTimeUs(token.expires_at_us)));
  }
  if (token.name.starts_with(kSessionPrefix) && !hasMaker(token, now_us)) {
    return refused(fmt::format("the session {} was made with a token that counts no more", token.name));
  }
  if (token.name.starts_with(kSessionPrefix)) return Caller{.name = token.created_by, .role = token.role};
  return Caller{.name = fmt::format("{}{}", kTokenCaller, token.name), .role = token.role};
}

bool Bearers::isRevoked(const store::Token& token) const {
  return token.revoked_at_us != 0 || revoked_.contains(token.id);
}

// A session that a token began lasts no longer than that token: the one of this name that was there before it.
bool Bearers::hasMaker(const store::Token& session, std::int64_t now_us) const {
  if (!session.created_by.starts_with(kTokenCaller)) return true;
  const std::string_view name = std::string_view(session.created_by).substr(kTokenCaller.size());
  return std::any_of(tokens_.begin(), tokens_.end(), [&](const auto& each) {
    const store::Token& token = each.second;
    return token.name == name && token.created_at_us <= session.created_at_us && !isRevoked(token) &&
           (token.expires_at_us == 0 || token.expires_at_us > now_us);
  });
}

}  // namespace longhaul::host::admin
