// Whose plugin files are taken: any file that owner and mode allow, those whose digest an operator has listed, or those
// that one of the operator's keys has signed (minisign's format, NAME.so.minisig beside NAME.so). It is asked about the
// bytes that are staged, never about a path. Blocking where it says so: job thread or CLI; values.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/ids.h"
#include "host/base/result.h"
#include "host/catalog/checked.h"
#include "host/catalog/plugin_file.h"
#include "host/signatures/minisign.h"

namespace longhaul::host::catalog {

enum class TrustMode { Any, Pinned, Signed };
std::string_view toText(TrustMode mode);

// As an operator writes it. An entry that begins with '/' is a file of its kind.
struct TrustSettings {
  TrustMode mode = TrustMode::Any;
  std::vector<std::string> keys;     // minisign's public keys
  std::vector<std::string> digests;  // 64 hexadecimal digits; a file has a line each, as sha256sum writes them
  bool operator==(const TrustSettings&) const = default;
};

inline constexpr std::string_view kSignatureSuffix = ".minisig";
bool isSignatureName(std::string_view name);
std::filesystem::path signatureOf(const std::filesystem::path& plugin_file);

class Trust {
 public:
  struct Fault {
    bool of_key = false;    // else of a digest
    std::size_t index = 0;  // in its list
    std::string message;
  };

  // Reads the files that the settings name, as safely as a plugin's (safe_path.h), so that a changed list counts for
  // the next file without more. What cannot be read is left out, and is a fault. Blocking.
  static Trust read(const TrustSettings& settings, uid_t uid);

  TrustMode mode() const { return mode_; }
  const std::vector<Fault>& faults() const { return faults_; }
  std::vector<std::string> keyIds() const;
  std::size_t digestCount() const { return digests_.size(); }

  // Who signed the bytes (nothing where that is not asked for), or why they are not taken. `signature`: the text of the
  // signature's file, or why there is none; read only where mode() is Signed.
  Checked<std::optional<Signer>> judge(std::string_view bytes, const Digest& digest,
                                       const Result<std::string>& signature) const;

 private:
  void readKey(const std::string& entry, std::size_t index, uid_t uid);
  void readDigests(const std::string& entry, std::size_t index, uid_t uid);
  FileFault withFaults(FileFault fault) const;

  TrustMode mode_ = TrustMode::Any;
  std::vector<signatures::PublicKey> keys_;
  std::set<Digest, std::less<>> digests_;
  std::vector<Fault> faults_;
};

}  // namespace longhaul::host::catalog
