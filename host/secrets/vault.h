// The host's keyring with the file that it lies in: made at the first start, 0400, beside the configuration; or given
// by systemd as a credential, which the host does not write. Thread-safe: the loop seals, the job thread opens. What
// writes the file blocks, and belongs to the start or the job thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/secrets/keyring.h"

namespace longhaul::host::secrets {

// The name under which systemd gives the keys: LoadCredential=longhaul.keys:…
inline constexpr std::string_view kKeysCredential = "longhaul.keys";

// In which a reference that was printed finds its way into a file of the instances folder.
inline constexpr auto kPrintedKept = std::chrono::hours{24 * 30};

class Vault {
 public:
  // Reads the file, or makes it. `credentials_folder`: systemd's; where it has kKeysCredential that counts. What cannot
  // be read or made is not the end: each seal() and open() then says why.
  Vault(std::filesystem::path file, const std::filesystem::path& credentials_folder);

  // Why there are no keys; empty: there are.
  std::string trouble() const;
  const std::filesystem::path& file() const { return file_; }

  // "${encrypted:…}", as a parameter holds it.
  Result<std::string> seal(std::string_view secret, const Place& place) const;
  // The same for somebody who writes it into a file, sooner or later: its key outlives rotations for kPrintedKept.
  // Writes the key file at most once a day.
  Result<std::string> sealToPrint(std::string_view secret, const Place& place, std::int64_t now_us);
  // `sealed` is what stands between "${encrypted:" and "}".
  Result<std::string> open(std::string_view sealed, const Place& place) const;
  std::vector<std::string> keyIds() const;  // the newest last
  // Keys that are kept for references that were printed, until when. The newest is among them if it sealed such.
  std::vector<Keyring::Printed> printed(std::int64_t now_us) const;

  // One more key, which seals from now on, or all fewer but the newest, these, and those of printed references. Durable
  // once it returns.
  Result<void> addKey();
  Result<void> keepOnly(const std::vector<std::string>& ids, std::int64_t now_us);

 private:
  Result<void> load();
  Result<void> save(const Keyring& keyring) const;
  Result<void> writable() const;

  std::filesystem::path file_;
  bool of_systemd_ = false;
  mutable std::mutex mutex_;
  Keyring keyring_;
  std::string trouble_;
};

}  // namespace longhaul::host::secrets
