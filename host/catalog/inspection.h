// What `longhaul inspect FILE` shows of a stranger's file: everything that can be read without loading, staging or
// trusting it, and whether the host would admit it. Blocking: CLI or job thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/base/ids.h"
#include "host/base/json.h"
#include "host/catalog/admission.h"

namespace longhaul::host::catalog {

struct Inspection {
  std::filesystem::path path;
  std::uint64_t size_bytes = 0;
  Digest digest;  // empty: the file could not be read
  bool has_note = false;
  std::uint32_t abi_version = 0;
  std::optional<Manifest> manifest;
  std::vector<NeededLibrary> libraries;
  std::vector<NeededVersions> needed_versions;
  std::vector<std::string> exported;
  std::string build_id;
  std::vector<FileProblem> problems;  // empty: it would be admitted
  std::vector<std::string> warnings;
};

// Owner and mode of the file are told as a warning, since a stranger's file lies in no plugin folder yet.
Inspection inspectFile(const std::filesystem::path& path, const AdmissionPolicy& policy);

// The form of `-o json`; the manifest as it stands in the file.
Json toJson(const Inspection& inspection);

}  // namespace longhaul::host::catalog
