// A plugin file that was admitted, as a value: what is known of it without running any of its code. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/base/ids.h"
#include "host/catalog/file_reason.h"
#include "host/catalog/manifest.h"

namespace longhaul::host::catalog {

// Who signed the bytes.
struct Signer {
  std::string key_id;           // 16 hexadecimal digits
  std::string trusted_comment;  // what the signer says of them; UTF-8, but a stranger's text
  bool operator==(const Signer&) const = default;
};

struct PluginFile {
  std::string id;  // the manifest's
  Semver version;
  Manifest manifest;
  Digest digest;
  std::uint64_t size_bytes = 0;
  std::uint32_t abi_version = 0;      // major << 16 | minor, as in the note
  std::filesystem::path path;         // <state>/plugins/<digest>.so: the only path that is ever loaded
  std::filesystem::path source;       // what the operator dropped; empty: known from a former run only
  std::vector<std::string> warnings;  // admitted all the same
  std::optional<Signer> signer;       // where signatures are asked for (trust.h)
};

// Why a file is not admitted.
struct Refusal {
  std::filesystem::path path;
  FileReason code;
  std::string reason;  // a sentence: what was found, what is wanted, the remedy
  std::string id;      // the manifest's; empty: not known
};

// "0.1" for 1.
std::string abiText(std::uint32_t abi_version);

}  // namespace longhaul::host::catalog
