// Everything that is checked of a plugin file before any of its code can run: ELF, note, ABI version, manifest, needed
// libraries, their symbol versions and the symbols themselves. It reads bytes and the system's libraries and changes
// nothing. Blocking: job thread or CLI.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/catalog/elf_reader.h"
#include "host/catalog/file_reason.h"
#include "host/catalog/plugin_file.h"
#include "host/catalog/trust.h"

namespace longhaul::host::catalog {

// LONGHAUL_ABI_VERSION of the headers that this host was built with.
std::uint32_t hostAbiVersion();

struct AdmissionPolicy {
  std::filesystem::path store_folder;            // <state>/plugins
  std::uint32_t abi_version = hostAbiVersion();  // the host's
  uid_t uid = ::geteuid();                       // files and folders belong to root or to this uid: the daemon's
  std::filesystem::path system_root = "/";       // where libraries are searched
  TrustSettings trust{};
  std::filesystem::path worker{};  // longhaul-worker, whose symbols plugins find too; empty: none is looked for
};

// A needed library and where it was found.
struct NeededLibrary {
  std::string name;
  std::filesystem::path path;  // empty: not in a folder that is known
};

struct FileProblem {
  FileReason reason;
  std::string text;  // what was found, what is wanted, the remedy
};

// All that can be told of the bytes. `problems` are the reasons for a refusal, the first is the one to show; what could
// not be read behind a problem is absent.
struct Examination {
  std::optional<ElfFile> elf;  // borrows the bytes
  std::optional<Manifest> manifest;
  std::vector<NeededLibrary> libraries;
  std::vector<FileProblem> problems;
  std::vector<std::string> warnings;
};
Examination examine(std::string_view bytes, const AdmissionPolicy& policy);

// Same major; the plugin's minor at most the host's. The sentence names both versions and the remedy.
Result<void> checkAbiVersion(std::uint32_t plugin_abi, std::uint32_t host_abi);

}  // namespace longhaul::host::catalog
