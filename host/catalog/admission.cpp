#include "host/catalog/admission.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "host/base/files.h"
#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/catalog/symbol_check.h"
#include "host/catalog/system_libraries.h"

namespace longhaul::host::catalog {
namespace {

using Presence = SystemLibraries::Presence;

// Versions of a library that it does not define: the plugin was built on a newer system.
std::vector<std::string> missingVersions(const std::filesystem::path& library, const NeededVersions& needed) {
  const auto bytes = readFile(library, kPluginFileBytesMax);
  if (!bytes) return {};
  const auto defined = readDefinedVersions(*bytes);
  // A library without versions, or one that this reader cannot read, is left to the loader.
  if (!defined || defined->empty()) return {};
  std::vector<std::string> missing;
  for (const auto& version : needed.versions) {
    if (std::find(defined->begin(), defined->end(), version) == defined->end()) missing.push_back(version);
  }
  return missing;
}

void checkSymbols(std::string_view bytes, const ElfFile& elf, const SystemLibraries& system,
                  const std::filesystem::path& worker, Examination& result) {
  const auto missing = unresolvedSymbols(bytes, elf, system, worker);
  if (missing.empty()) return;
  const std::string name = replaceNonUtf8(missing.front()).substr(0, 200);
  const std::string written = demangled(name);
  result.problems.push_back(
      {FileReason::UnresolvedSymbol,
       fmt::format("it uses {}{}{}, which none of the libraries that it needs has: link it with the library that does "
                   "(-Wl,-z,defs tells such names when it is linked)",
                   written, written == name ? "" : fmt::format(" ({})", name),
                   missing.size() == 1 ? "" : fmt::format(" and {} more", missing.size() - 1))});
}

void checkLibraries(std::string_view bytes, const ElfFile& elf, const AdmissionPolicy& policy, Examination& result) {
  const SystemLibraries system{policy.system_root};
  std::map<std::string, std::filesystem::path> found;
  for (const auto& name : elf.needed_libraries) {
    const auto place = system.find(name, elf.runpath);
    result.libraries.push_back(NeededLibrary{name, place.path});
    found[name] = place.path;
    if (place.presence != Presence::Missing) continue;
    result.problems.push_back(
        {FileReason::MissingLibrary, fmt::format("it needs the library {}, which is not on this system: install the "
                                                 "package that has it, or link it statically",
                                                 name)});
  }
  for (const auto& needed : elf.needed_versions) {
    const auto at = found.find(needed.library);
    if (at == found.end() || at->second.empty()) continue;
    const auto missing = missingVersions(at->second, needed);
    if (missing.empty()) continue;
    result.problems.push_back(
        {FileReason::SymbolVersion,
         fmt::format("it needs {} of {}, which {} does not have: it was built on a newer system; build it on this one, "
                     "or update this one",
                     fmt::join(missing, ", "), needed.library, at->second.native())});
  }
  checkSymbols(bytes, elf, system, policy.worker, result);
}

void checkNote(const ElfFile& elf, const AdmissionPolicy& policy, Examination& result) {
  if (!elf.has_note) {
    result.problems.push_back(
        {FileReason::NoManifest,
         "it has no Longhaul manifest, so it is a library and no plugin, or was built without longhaul_add_plugin() "
         "(in plain C: LONGHAUL_MANIFEST_FILE)"});
    return;
  }
  if (auto fits = checkAbiVersion(elf.abi_version, policy.abi_version); !fits) {
    result.problems.push_back({FileReason::WrongAbi, std::move(fits).error().message});
  }
  auto manifest = parseManifest(elf.manifest);
  if (!manifest) {
    result.problems.push_back({FileReason::BadManifest, std::move(manifest).error().message});
  } else {
    result.manifest = std::move(manifest).value();
  }
  if (!elf.exports_entry) {
    result.problems.push_back(
        {FileReason::NoEntry,
         "it does not export longhaulPluginEntry: define it (in C++ by LONGHAUL_PLUGIN), and let no version script "
         "hide it"});
  }
}

void warn(const ElfFile& elf, Examination& result) {
  if (elf.executable_stack) {
    result.warnings.emplace_back("it asks for an executable stack: link it with -z noexecstack");
  }
  if (elf.exports_entry && elf.exported_count > 1) {
    std::vector<std::string> others;
    for (const auto& name : elf.exported) {
      if (name != "longhaulPluginEntry" && others.size() < 3) others.push_back(name.substr(0, 80));
    }
    result.warnings.push_back(
        fmt::format("it exports {} symbols beside longhaulPluginEntry ({}{}), which can clash with those of its "
                    "libraries: link it with plugin.map, as longhaul_add_plugin() does",
                    elf.exported_count - 1, fmt::join(others, ", "), elf.exported_count > 4 ? ", …" : ""));
  }
}

}  // namespace

std::uint32_t hostAbiVersion() {
  return std::uint32_t{LONGHAUL_HOST_ABI_MAJOR} << 16 | LONGHAUL_HOST_ABI_MINOR;
}

std::string abiText(std::uint32_t abi_version) {
  return fmt::format("{}.{}", abi_version >> 16, abi_version & 0xffff);
}

Result<void> checkAbiVersion(std::uint32_t plugin_abi, std::uint32_t host_abi) {
  const std::uint32_t plugin_major = plugin_abi >> 16;
  const std::uint32_t host_major = host_abi >> 16;
  if (plugin_major == host_major && (plugin_abi & 0xffff) <= (host_abi & 0xffff)) return {};
  const bool newer = plugin_abi > host_abi;
  return Error{Code::Invalid,
               fmt::format("built for plugin API {}, this host has {}: {}", abiText(plugin_abi), abiText(host_abi),
                           newer ? "update the host, or build the plugin with this host's headers"
                                 : "build the plugin with this host's headers")};
}

Examination examine(std::string_view bytes, const AdmissionPolicy& policy) {
  Examination result;
  auto elf = readElf(bytes);
  if (!elf) {
    result.problems.push_back({elf.fault().reason, elf.error().message});
    return result;
  }
  result.elf = std::move(elf).value();
  checkNote(*result.elf, policy, result);
  checkLibraries(bytes, *result.elf, policy, result);
  warn(*result.elf, result);
  return result;
}

}  // namespace longhaul::host::catalog
