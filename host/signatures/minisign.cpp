#include "host/signatures/minisign.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "host/base/check.h"

namespace longhaul::host::signatures {
namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ";
constexpr std::string_view kTrusted = "trusted comment: ";
constexpr std::size_t kAlgorithmBytes = 2;
static_assert(crypto_sign_PUBLICKEYBYTES == sizeof(PublicKey::bytes));
static_assert(crypto_sign_BYTES == sizeof(Signature::of_bytes));

void start() {
  static const bool kStarted = ::sodium_init() >= 0;
  LONGHAUL_CHECK(kStarted, "libsodium starts");
}

Error refuse(std::string message) {
  return Error{Code::Invalid, std::move(message)};
}

// Lines without their ends; what stands behind the last end counts if it is not empty.
std::vector<std::string_view> linesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Exactly so many bytes of base64, else nothing.
template <std::size_t kBytes>
std::optional<std::array<unsigned char, kBytes>> fromBase64(std::string_view text) {
  std::array<unsigned char, kBytes> bytes{};
  std::size_t count = 0;
  const char* end = nullptr;
  const bool read = ::sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &count, &end,
                                        sodium_base64_VARIANT_ORIGINAL) == 0;
  if (!read || end != text.data() + text.size() || count != kBytes) return std::nullopt;
  return bytes;
}

const unsigned char* pointerTo(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string toText(const KeyId& id) {
  std::string text;
  for (auto byte = id.rbegin(); byte != id.rend(); ++byte)
    text += fmt::format("{:02X}", *byte);
  return text;
}

Result<PublicKey> parsePublicKey(std::string_view text) {
  start();
  auto lines = linesOf(text);
  if (!lines.empty() && lines.front().starts_with(kUntrusted)) lines.erase(lines.begin());
  const auto raw = lines.size() == 1 ? fromBase64<42>(lines.front()) : std::nullopt;
  if (!raw || (*raw)[0] != 'E' || (*raw)[1] != 'd') {
    return refuse(
        "it is no public key of minisign, wanted its file (.pub) or the line in it that begins with RW: "
        "\"minisign -R\" writes the file again");
  }
  PublicKey key;
  std::copy_n(raw->begin() + kAlgorithmBytes, key.id.size(), key.id.begin());
  std::copy_n(raw->begin() + kAlgorithmBytes + key.id.size(), key.bytes.size(), key.bytes.begin());
  return key;
}

Result<Signature> parseSignature(std::string_view text) {
  start();
  const auto lines = linesOf(text);
  constexpr std::string_view kRemedy = "copy it again, or sign anew with \"minisign -S\"";
  if (lines.size() != 4) {
    return refuse(fmt::format("it has {} lines, wanted the four of minisign: {}", lines.size(), kRemedy));
  }
  if (!lines[0].starts_with(kUntrusted)) {
    return refuse(fmt::format("its first line does not begin with \"{}\": {}", kUntrusted, kRemedy));
  }
  const auto raw = fromBase64<74>(lines[1]);
  if (!raw) return refuse(fmt::format("its second line is not the base64 of a signature: {}", kRemedy));
  if ((*raw)[0] != 'E' || ((*raw)[1] != 'd' && (*raw)[1] != 'D')) {
    return refuse(fmt::format("its algorithm is {:02x}{:02x}, wanted Ed or ED: {}", (*raw)[0], (*raw)[1], kRemedy));
  }
  if (!lines[2].starts_with(kTrusted)) {
    return refuse(fmt::format("its third line does not begin with \"{}\": {}", kTrusted, kRemedy));
  }
  const auto of_comment = fromBase64<64>(lines[3]);
  if (!of_comment) return refuse(fmt::format("its fourth line is not the base64 of a signature: {}", kRemedy));
  Signature signature;
  signature.prehashed = (*raw)[1] == 'D';
  std::copy_n(raw->begin() + kAlgorithmBytes, signature.key_id.size(), signature.key_id.begin());
  std::copy_n(raw->begin() + kAlgorithmBytes + signature.key_id.size(), signature.of_bytes.size(),
              signature.of_bytes.begin());
  signature.trusted_comment = lines[2].substr(kTrusted.size());
  signature.of_comment = *of_comment;
  return signature;
}

Result<void> verify(const Signature& signature, std::string_view bytes, const PublicKey& key) {
  start();
  if (signature.key_id != key.id) {
    return refuse(fmt::format("it is by key {}, wanted {}", toText(signature.key_id), toText(key.id)));
  }
  std::array<unsigned char, crypto_generichash_BYTES_MAX> hash{};  // BLAKE2b-512
  std::string_view signed_bytes = bytes;
  if (signature.prehashed) {
    ::crypto_generichash(hash.data(), hash.size(), pointerTo(bytes), bytes.size(), nullptr, 0);
    signed_bytes = {reinterpret_cast<const char*>(hash.data()), hash.size()};
  }
  if (::crypto_sign_verify_detached(signature.of_bytes.data(), pointerTo(signed_bytes), signed_bytes.size(),
                                    key.bytes.data()) != 0) {
    return refuse(fmt::format("it is not key {}'s signature of these bytes", toText(key.id)));
  }
  std::string covered{reinterpret_cast<const char*>(signature.of_bytes.data()), signature.of_bytes.size()};
  covered += signature.trusted_comment;
  if (::crypto_sign_verify_detached(signature.of_comment.data(), pointerTo(covered), covered.size(),
                                    key.bytes.data()) != 0) {
    return refuse(fmt::format("its trusted comment is not what key {} signed", toText(key.id)));
  }
  return {};
}

}  // namespace longhaul::host::signatures
