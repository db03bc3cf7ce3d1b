// Whom a token of the API speaks for, known by heart so that a request has its role at once. Loop only; borrows the
// store. It holds hashes, no tokens.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "host/admin/answer.h"
#include "host/admin/audit_log.h"
#include "host/store/store_executor.h"
#include "host/store/store_queries.h"

namespace longhaul::host::admin {

// The code of a request that says who it is from and cannot prove it.
inline constexpr std::string_view kUnauthenticated = "UNAUTHENTICATED";

class Bearers {
 public:
  Bearers(store::StoreQueries& queries, store::StoreExecutor& executor);
  Bearers(const Bearers&) = delete;
  Bearers& operator=(const Bearers&) = delete;

  // Reads the tokens that there are. Until it is done, the answer is BUSY.
  void load();
  // `authorization`: the field's value, "Bearer TOKEN". Who asks then is the token alone, whoever the peer is.
  std::variant<Caller, Failure> identify(std::string_view authorization, std::int64_t now_us) const;

 private:
  bool isRevoked(const store::Token& token) const;
  bool hasMaker(const store::Token& session, std::int64_t now_us) const;

  store::StoreQueries& queries_;
  std::map<std::string, store::Token, std::less<>> tokens_;  // by hash
  std::set<TokenId> revoked_;                                // since the start
  bool loaded_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

}  // namespace longhaul::host::admin
