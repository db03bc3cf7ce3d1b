#include "host/base/sha256.h"

#include <openssl/evp.h>

#include "host/base/check.h"

namespace longhaul::host {

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  const bool started = context_->evp != nullptr && EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1;
  LONGHAUL_CHECK(started, "libcrypto has no SHA-256");
}

Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  const bool taken = EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1;
  LONGHAUL_CHECK(taken, "EVP_DigestUpdate failed");
}

std::string Sha256::finishHex() {
  std::array<unsigned char, 32> raw{};
  const bool finished = EVP_DigestFinal_ex(context_->evp, raw.data(), nullptr) == 1;
  LONGHAUL_CHECK(finished, "EVP_DigestFinal_ex failed");
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(raw.size() * 2);
  for (const unsigned char byte : raw) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string sha256Hex(std::string_view bytes) {
  Sha256 sha;
  sha.update(bytes);
  return sha.finishHex();
}

}  // namespace longhaul::host
