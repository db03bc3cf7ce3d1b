// Signatures in minisign's format (https://jedisct1.github.io/minisign/): public keys and signature files as texts, and
// whether a signature is one of these bytes. Ed25519 through libsodium. A signature's file has a trusted comment, which
// a second signature covers; nothing of it is given out before both are verified. Pure; any thread; values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace longhaul::host::signatures {

// minisign writes comments of at most 1 KiB and 8 KiB; the rest are 200 bytes.
inline constexpr std::size_t kSignatureFileBytesMax = 16U << 10;
inline constexpr std::size_t kKeyFileBytesMax = 4U << 10;

using KeyId = std::array<unsigned char, 8>;
// 16 hexadecimal digits, as minisign shows it (and leaves zeros in front out).
std::string toText(const KeyId& id);

struct PublicKey {
  KeyId id{};
  std::array<unsigned char, 32> bytes{};
};

// A key file (a comment's line and the key's), or the key's line alone. INVALID with a sentence.
Result<PublicKey> parsePublicKey(std::string_view text);

struct Signature {
  bool prehashed = false;  // of the BLAKE2b-512 of the bytes ("ED"), else of the bytes themselves ("Ed")
  KeyId key_id{};
  std::array<unsigned char, 64> of_bytes{};
  std::string trusted_comment;  // as it stands in the file, whatever bytes those are: nothing to show before verify()
  std::array<unsigned char, 64> of_comment{};  // of `of_bytes` and the trusted comment
};

// INVALID with a sentence: which of the four lines is wrong, and how.
Result<Signature> parseSignature(std::string_view text);

// INVALID with a sentence unless the key's owner signed the bytes and the trusted comment.
Result<void> verify(const Signature& signature, std::string_view bytes, const PublicKey& key);

}  // namespace longhaul::host::signatures
