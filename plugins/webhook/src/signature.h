// Secrets and signatures: whether a request was made by somebody who has the secret. HMAC-SHA256 and comparison in
// constant time are libsodium's, linked into the plugin. Pure but for the time that is handed in; any thread.
#ifndef WEBHOOK_PLUGIN_SIGNATURE_H
#define WEBHOOK_PLUGIN_SIGNATURE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exchange.h"

namespace webhook_plugin {

enum class Scheme {
  kNone,    // whoever passes the route's access
  kHeader,  // a field holds the secret
  kGithub,  // X-Hub-Signature-256: sha256=HEX of the body
  kSlack,   // X-Slack-Signature: v0=HEX of "v0:TIMESTAMP:BODY", X-Slack-Request-Timestamp
  kHmac,    // a field holds the body's HMAC-SHA256 in hex (also behind "sha256=") or Base64
};

struct Verification {
  Scheme scheme = Scheme::kNone;
  std::vector<std::string> secrets;       // the present one, and the one before while senders change over
  std::string field;                      // in lower case; of kHeader and kHmac
  std::int64_t timestamp_window_s = 300;  // of kSlack: how far its time may be off, either way
};

struct Verified {
  std::optional<Refusal> refusal;
  std::string signature;  // the bytes of the HMAC, where there is one: the same request has the same
};

// The field that holds the secret or the signature; empty for kNone. Never shown and never kept.
std::string secretField(const Verification& verification);

// now_s: seconds since 1970.
Verified verify(const Verification& verification, const Request& request, std::int64_t now_s);

// The bytes.
std::string hmacSha256(std::string_view key, std::string_view message);
std::string sha256(std::string_view message);

std::string toHex(std::string_view bytes);

// Takes as long for equal texts as for different ones of that size.
bool equalInConstantTime(std::string_view a, std::string_view b);

}  // namespace webhook_plugin

#endif
