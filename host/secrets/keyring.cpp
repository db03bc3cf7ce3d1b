#include "host/secrets/keyring.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "host/base/check.h"
#include "host/base/limits.h"
#include "host/base/text.h"

namespace longhaul::host::secrets {
namespace {

constexpr std::string_view kTitle = "longhaul-keys/1";
constexpr unsigned char kVersion = 1;
constexpr std::size_t kKeysMax = 64;  // of one file: each rotation adds one, and drops those that seal nothing
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32);

void start() {
  static const bool kStarted = ::sodium_init() >= 0;
  LONGHAUL_CHECK(kStarted, "libsodium starts");
}

std::string toHex(const unsigned char* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string toBase64(std::string_view bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  ::sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                      kVariant);
  text.pop_back();  // its end
  return text;
}

// False: it is none, or has more bytes than there is room for.
bool fromBase64(std::string_view text, unsigned char* bytes, std::size_t room, std::size_t& count) {
  const char* end = nullptr;
  return ::sodium_base642bin(bytes, room, text.data(), text.size(), nullptr, &count, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
         end == text.data() + text.size();
}

std::string bytesOf(std::string_view sealed) {
  std::string bytes(sealed.size(), '\0');
  std::size_t count = 0;
  if (!fromBase64(sealed, reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), count)) return {};
  bytes.resize(count);
  return bytes;
}

// A zero byte is in neither of them, so no two places give one text.
std::string bound(const Place& place) {
  std::string text{"longhaul-secret/1"};
  for (const std::string_view part : {place.instance, place.parameter}) {
    text += '\0';
    text += part;
  }
  return text;
}

const unsigned char* pointerTo(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Keyring::~Keyring() {
  for (Key& key : keys_)
    ::sodium_memzero(key.bytes.data(), key.bytes.size());
}

Result<Keyring> Keyring::parse(std::string_view text) {
  Keyring keyring;
  int line_number = 0;
  bool titled = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (line.empty() || line.starts_with('#')) continue;
    if (!titled) {
      if (line != kTitle) break;
      titled = true;
      continue;
    }
    const std::size_t blank = std::min(line.find(' '), line.size());
    std::string_view key_text = blank < line.size() ? line.substr(blank + 1) : std::string_view{};
    Key key;
    if (const std::size_t second = key_text.find(' '); second != std::string_view::npos) {
      const auto until = parseTimeUs(key_text.substr(second + 1));
      key.printed_until_us = until.value_or(0);
      if (until) key_text = key_text.substr(0, second);  // else it is no key, and said to be none
    }
    std::size_t id_count = 0, key_count = 0;
    const bool good =
        ::sodium_hex2bin(key.id.data(), key.id.size(), line.data(), blank, nullptr, &id_count, nullptr) == 0 &&
        id_count == kIdBytes && blank == 2 * kIdBytes &&
        fromBase64(key_text, key.bytes.data(), key.bytes.size(), key_count) && key_count == kKeyBytes;
    if (!good || keyring.keys_.size() >= kKeysMax) {
      return Error{Code::Invalid, fmt::format("line {}: wanted a key's id (8 hexadecimal digits) and the key in base64 "
                                              "(44 characters), at most {} of them; restore the file from its copy",
                                              line_number, kKeysMax)};
    }
    keyring.keys_.push_back(key);
    ::sodium_memzero(key.bytes.data(), key.bytes.size());
  }
  if (!titled) {
    return Error{Code::Invalid, fmt::format("its first line is not \"{}\"; restore the file from its copy", kTitle)};
  }
  return keyring;
}

std::string Keyring::text() const {
  std::string text = fmt::format(
      "# The keys of this host's secrets. Who has them can read every secret in the store: keep a copy apart from "
      "its backups.\n{}\n",
      kTitle);
  for (const Key& key : keys_) {
    text += fmt::format("{} {}{}\n", toHex(key.id.data(), key.id.size()),
                        toBase64({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()}),
                        key.printed_until_us == 0 ? "" : " " + formatTimeUs(key.printed_until_us));
  }
  return text;
}

std::string Keyring::addKey() {
  start();
  Key key;
  ::randombytes_buf(key.id.data(), key.id.size());
  ::crypto_aead_xchacha20poly1305_ietf_keygen(key.bytes.data());
  keys_.push_back(key);
  ::sodium_memzero(key.bytes.data(), key.bytes.size());
  return toHex(key.id.data(), key.id.size());
}

bool Keyring::isFull() const {
  return keys_.size() >= kKeysMax;
}

bool Keyring::keepPrinted(std::int64_t until_us) {
  LONGHAUL_CHECK(!keys_.empty(), "what is printed was sealed with a key");
  if (keys_.back().printed_until_us >= until_us) return false;
  keys_.back().printed_until_us = until_us;
  return true;
}

std::vector<Keyring::Printed> Keyring::printed() const {
  std::vector<Printed> printed;
  for (const Key& key : keys_) {
    if (key.printed_until_us != 0) printed.push_back({toHex(key.id.data(), kIdBytes), key.printed_until_us});
  }
  return printed;
}

void Keyring::keepOnly(const std::vector<std::string>& ids, std::int64_t now_us) {
  for (std::size_t i = keys_.size(); i-- > 0;) {
    const std::string id = toHex(keys_[i].id.data(), kIdBytes);
    if (i + 1 == keys_.size() || std::find(ids.begin(), ids.end(), id) != ids.end()) continue;
    if (keys_[i].printed_until_us > now_us) continue;
    ::sodium_memzero(keys_[i].bytes.data(), kKeyBytes);
    keys_.erase(keys_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

std::vector<std::string> Keyring::ids() const {
  std::vector<std::string> ids;
  for (const Key& key : keys_)
    ids.push_back(toHex(key.id.data(), key.id.size()));
  return ids;
}

std::string Keyring::seal(std::string_view secret, const Place& place) const {
  start();
  LONGHAUL_CHECK(!keys_.empty(), "a secret is sealed with a key");
  const Key& key = keys_.back();
  const std::string with = bound(place);
  std::string sealed(1 + kIdBytes + kNonceBytes + secret.size() + kTagBytes, '\0');
  auto* at = reinterpret_cast<unsigned char*>(sealed.data());
  *at++ = kVersion;
  at = std::copy(key.id.begin(), key.id.end(), at);
  unsigned char* nonce = at;
  ::randombytes_buf(nonce, kNonceBytes);
  ::crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + kNonceBytes, nullptr, pointerTo(secret), secret.size(),
                                               pointerTo(with), with.size(), nullptr, nonce, key.bytes.data());
  return toBase64(sealed);
}

Result<std::string> Keyring::open(std::string_view sealed, const Place& place) const {
  start();
  const std::string bytes = bytesOf(sealed);
  const std::string id = keyIdOf(sealed);
  if (id.empty()) return Error{Code::Invalid, "the encrypted text is cut or changed; set the secret again"};
  const auto key =
      std::find_if(keys_.begin(), keys_.end(), [&](const Key& each) { return toHex(each.id.data(), kIdBytes) == id; });
  if (key == keys_.end()) {
    return Error{Code::NotFound, fmt::format("its key {} is not in the key file; restore that file from its copy, or "
                                             "set the secret again",
                                             id)};
  }
  const std::string with = bound(place);
  const auto* nonce = pointerTo(bytes) + 1 + kIdBytes;
  const std::size_t left = bytes.size() - 1 - kIdBytes - kNonceBytes;
  std::string secret(left - kTagBytes, '\0');
  if (::crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(secret.data()), nullptr, nullptr,
                                                   nonce + kNonceBytes, left, pointerTo(with), with.size(), nonce,
                                                   key->bytes.data()) != 0) {
    return Error{Code::Invalid, "it was changed, or was encrypted for another instance or parameter; set it again"};
  }
  return secret;
}

std::string keyIdOf(std::string_view sealed) {
  const std::string bytes = bytesOf(sealed);
  if (bytes.size() < 1 + 4 + kNonceBytes + kTagBytes || bytes[0] != static_cast<char>(kVersion)) return {};
  return toHex(pointerTo(bytes) + 1, 4);
}

}  // namespace longhaul::host::secrets
