#include "signature.h"

#include <sodium.h>

#include <algorithm>

#include "text.h"

namespace webhook_plugin {
namespace {

constexpr std::string_view kGithubField = "x-hub-signature-256";
constexpr std::string_view kSlackField = "x-slack-signature";
constexpr std::string_view kSlackTimeField = "x-slack-request-timestamp";
constexpr std::size_t kMacBytes = crypto_auth_hmacsha256_BYTES;

const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<std::string> fromHex(std::string_view hex) {
  std::string out(kMacBytes, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int failed = sodium_hex2bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), hex.data(), hex.size(),
                                    nullptr, &size, &end);
  if (failed != 0 || size != kMacBytes || end != hex.data() + hex.size()) return std::nullopt;
  return out;
}

std::optional<std::string> fromBase64(std::string_view base64) {
  std::string out(kMacBytes, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int failed = sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), base64.data(),
                                       base64.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL);
  if (failed != 0 || size != kMacBytes || end != base64.data() + base64.size()) return std::nullopt;
  return out;
}

Verified refused(std::string reason) {
  return {Refusal{401, std::move(reason)}, {}};
}

// Each secret is tried to its end: how long it takes does not tell which one was meant.
Verified checkMac(const Verification& how, std::string_view message, const std::optional<std::string>& mac,
                  const std::string& about) {
  if (!mac) return refused(about + " does not hold an HMAC-SHA256: wanted are 64 hexadecimal digits");
  bool good = false;
  for (const std::string& secret : how.secrets)
    good = equalInConstantTime(hmacSha256(secret, message), *mac) || good;
  if (!good) return refused("the signature in " + about + " is not that of this body with the secret of this instance");
  return {std::nullopt, *mac};
}

std::optional<std::int64_t> secondsOf(std::string_view text) {
  if (text.empty() || text.size() > 12) return std::nullopt;
  std::int64_t seconds = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    seconds = seconds * 10 + (c - '0');
  }
  return seconds;
}

Verified checkSlack(const Verification& how, const Request& request, std::string_view value, std::int64_t now_s) {
  const auto time = request.field(kSlackTimeField);
  if (!time) return refused("there is no field X-Slack-Request-Timestamp");
  const auto seconds = secondsOf(*time);
  if (!seconds) return refused("X-Slack-Request-Timestamp is no number of seconds since 1970");
  if (value.substr(0, 3) != "v0=") return refused("X-Slack-Signature does not begin with \"v0=\"");
  std::string message = "v0:";
  message.append(*time).append(":").append(request.body);
  Verified verified = checkMac(how, message, fromHex(value.substr(3)), "X-Slack-Signature");
  // After the signature, so that only who has the secret learns of the clock.
  const std::int64_t off_s = now_s > *seconds ? now_s - *seconds : *seconds - now_s;
  if (!verified.refusal && off_s > how.timestamp_window_s) {
    return refused("the request was signed " + std::to_string(off_s) + " s away from now, at most " +
                   std::to_string(how.timestamp_window_s) + " s are taken: is it a replay, or is a clock wrong?");
  }
  return verified;
}

}  // namespace

std::string secretField(const Verification& verification) {
  switch (verification.scheme) {
    case Scheme::kNone:
      return {};
    case Scheme::kGithub:
      return std::string(kGithubField);
    case Scheme::kSlack:
      return std::string(kSlackField);
    case Scheme::kHeader:
    case Scheme::kHmac:
      return verification.field;
  }
  return {};
}

Verified verify(const Verification& verification, const Request& request, std::int64_t now_s) {
  if (verification.scheme == Scheme::kNone) return {};
  const std::string name = secretField(verification);
  // Of two, one is somebody else's.
  if (std::count_if(request.fields.begin(), request.fields.end(), [&](const Field& f) { return f.first == name; }) > 1)
    return refused("there is more than one field " + name);
  const auto value = request.field(name);
  if (!value)
    return refused("there is no field " + name + ", which has to hold the " +
                   (verification.scheme == Scheme::kHeader ? "secret" : "signature"));
  switch (verification.scheme) {
    case Scheme::kHeader: {
      bool good = false;
      for (const std::string& secret : verification.secrets)
        good = equalInConstantTime(sha256(secret), sha256(*value)) || good;
      if (!good) return refused("the field " + name + " does not hold the secret of this instance");
      return {};
    }
    case Scheme::kSlack:
      return checkSlack(verification, request, *value, now_s);
    case Scheme::kGithub:
      if (value->substr(0, 7) != "sha256=") return refused(name + " does not begin with \"sha256=\"");
      return checkMac(verification, request.body, fromHex(value->substr(7)), name);
    default:
      break;
  }
  std::string_view text = *value;
  if (text.substr(0, 7) == "sha256=") text.remove_prefix(7);
  auto mac = fromHex(text);
  if (!mac) mac = fromBase64(text);
  return checkMac(verification, request.body, mac, name);
}

std::string hmacSha256(std::string_view key, std::string_view message) {
  std::string mac(kMacBytes, '\0');
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytesOf(key), key.size());
  crypto_auth_hmacsha256_update(&state, bytesOf(message), message.size());
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(mac.data()));
  return mac;
}

std::string sha256(std::string_view message) {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()), bytesOf(message), message.size());
  return digest;
}

std::string toHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 0xFU]);
  }
  return out;
}

bool equalInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace webhook_plugin
