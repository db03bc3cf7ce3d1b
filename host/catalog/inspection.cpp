#include "host/catalog/inspection.h"

#include "host/base/files.h"
#include "host/base/limits.h"
#include "host/base/sha256.h"
#include "host/catalog/safe_path.h"

namespace longhaul::host::catalog {

Inspection inspectFile(const std::filesystem::path& path, const AdmissionPolicy& policy) {
  Inspection inspection;
  inspection.path = path;
  if (const auto safe = openSafely(path, policy.uid); !safe && safe.error().code == Code::NotGranted) {
    inspection.warnings.push_back(safe.error().message);
  }
  const auto bytes = readFile(path, kPluginFileBytesMax);
  if (!bytes) {
    inspection.problems.push_back({FileReason::Unreadable, bytes.error().message});
    return inspection;
  }
  inspection.size_bytes = bytes->size();
  inspection.digest = sha256Hex(*bytes);
  Examination examination = examine(*bytes, policy);
  if (auto& elf = examination.elf) {
    inspection.has_note = elf->has_note;
    inspection.abi_version = elf->abi_version;
    inspection.needed_versions = std::move(elf->needed_versions);
    inspection.exported = std::move(elf->exported);
    inspection.build_id = std::move(elf->build_id);
  }
  inspection.manifest = std::move(examination.manifest);
  inspection.libraries = std::move(examination.libraries);
  inspection.problems = std::move(examination.problems);
  for (auto& warning : examination.warnings)
    inspection.warnings.push_back(std::move(warning));
  return inspection;
}

Json toJson(const Inspection& inspection) {
  Json libraries = Json::array();
  for (const auto& library : inspection.libraries) {
    libraries.push_back(
        {{"name", library.name}, {"path", library.path.empty() ? Json{} : Json(library.path.native())}});
  }
  Json problems = Json::array();
  Json codes = Json::array();
  for (const auto& problem : inspection.problems) {
    problems.push_back(problem.text);
    codes.push_back(nameOf(problem.reason));
  }
  Json versions = Json::object();
  for (const auto& needed : inspection.needed_versions)
    versions[needed.library] = needed.versions;
  Json json{{"path", inspection.path.native()},
            {"sizeBytes", inspection.size_bytes},
            {"digest", inspection.digest},
            {"admitted", inspection.problems.empty()},
            {"problems", std::move(problems)},
            {"codes", std::move(codes)},
            {"warnings", inspection.warnings},
            {"abiVersion", inspection.has_note ? Json(abiText(inspection.abi_version)) : Json{}},
            {"libraries", std::move(libraries)},
            {"symbolVersions", std::move(versions)},
            {"exported", inspection.exported},
            {"buildId", inspection.build_id},
            {"manifest", nullptr}};
  // The text was parsed before, so it parses.
  if (inspection.manifest) {
    if (auto manifest = parseJson(inspection.manifest->text)) json["manifest"] = std::move(manifest).value();
  }
  return json;
}

}  // namespace longhaul::host::catalog
