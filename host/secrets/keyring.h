// The keys that secrets are encrypted with at rest, and the cipher: XChaCha20-Poly1305, which takes a random nonce a
// secret. A sealed text is bound to the place where it belongs: moved to another instance or parameter it does not
// open. The newest key seals, all open. Values; any thread. The keys are wiped when it ends.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace longhaul::host::secrets {

// What a sealed text belongs to.
struct Place {
  std::string_view instance;
  std::string_view parameter;  // "token", "login/password"
};

class Keyring {
 public:
  Keyring() = default;
  ~Keyring();
  Keyring(const Keyring&) = default;
  Keyring& operator=(const Keyring&) = default;
  Keyring(Keyring&&) = default;
  Keyring& operator=(Keyring&&) = default;

  // A key file's text: "longhaul-keys/1", then "ID KEY" a line, the newest last; behind a key of printed references the
  // time until which it is kept. The error shows nothing of a key.
  static Result<Keyring> parse(std::string_view text);
  std::string text() const;

  // Makes a key, which seals from now on; its id.
  std::string addKey();
  // Drops all but these, the newest, and those of references that were printed and may be used until later than `now`.
  void keepOnly(const std::vector<std::string>& ids, std::int64_t now_us);
  // The newest key seals a text that leaves the host, and is kept until then. False: it was so already.
  bool keepPrinted(std::int64_t until_us);
  struct Printed {
    std::string key_id;
    std::int64_t until_us = 0;
  };
  std::vector<Printed> printed() const;  // the newest key last
  bool isFull() const;                   // no key can be added
  std::vector<std::string> ids() const;  // the newest last
  bool empty() const { return keys_.empty(); }

  // Base64 of version, key id, nonce and ciphertext. There must be a key.
  std::string seal(std::string_view secret, const Place& place) const;
  Result<std::string> open(std::string_view sealed, const Place& place) const;

 private:
  static constexpr std::size_t kIdBytes = 4;
  static constexpr std::size_t kKeyBytes = 32;
  struct Key {
    std::array<unsigned char, kIdBytes> id{};
    std::array<unsigned char, kKeyBytes> bytes{};
    std::int64_t printed_until_us = 0;  // 0: it sealed nothing that was printed
  };
  std::vector<Key> keys_;  // the newest last
};

// Which key seals it: eight hexadecimal digits; empty: it is no sealed text.
std::string keyIdOf(std::string_view sealed);

}  // namespace longhaul::host::secrets
