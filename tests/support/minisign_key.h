// A key of minisign's, and signatures by it, for tests whose bytes are only known when they run. Any thread.
#pragma once

#include <sodium.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

namespace longhaul::host::test {

class MinisignKey {
 public:
  explicit MinisignKey(unsigned char number) {
    if (::sodium_init() < 0) throw std::runtime_error("libsodium does not start");
    std::array<unsigned char, crypto_sign_SEEDBYTES> seed{};
    seed.fill(number);
    ::crypto_sign_seed_keypair(public_.data(), secret_.data(), seed.data());
    id_.fill(static_cast<char>(number));
  }
  std::string publicKey() const { return base64("Ed" + id() + text(public_)); }
  // The whole file.
  std::string sign(std::string_view bytes, const std::string& comment) const {
    std::array<unsigned char, crypto_generichash_BYTES_MAX> hash{};
    ::crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                         nullptr, 0);
    const std::string of_bytes = detached(text(hash));
    return "untrusted comment: of a test\n" + base64("ED" + id() + of_bytes) + "\ntrusted comment: " + comment + "\n" +
           base64(detached(of_bytes + comment)) + "\n";
  }

 private:
  template <class Array>
  static std::string text(const Array& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string id() const { return text(id_); }
  std::string detached(const std::string& message) const {
    std::array<unsigned char, crypto_sign_BYTES> signature{};
    ::crypto_sign_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(message.data()),
                           message.size(), secret_.data());
    return text(signature);
  }
  static std::string base64(const std::string& bytes) {
    std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    ::sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                        sodium_base64_VARIANT_ORIGINAL);
    out.pop_back();
    return out;
  }

  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret_{};
  std::array<char, 8> id_{};
};

}  // namespace longhaul::host::test
