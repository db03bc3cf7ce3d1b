#include "host/catalog/stager.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/files.h"
#include "host/base/limits.h"
#include "host/base/sha256.h"
#include "host/catalog/safe_path.h"

namespace longhaul::host::catalog {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kStagedMode = 0444;
constexpr std::string_view kSuffix = ".so";

StageOutcome describe(Examination examination, std::string_view bytes, const fs::path& path, Digest digest) {
  if (!examination.problems.empty()) {
    FileProblem& first = examination.problems.front();
    Refusal refusal{path, first.reason, std::move(first.text), {}};
    if (examination.manifest) refusal.id = examination.manifest->id;
    return refusal;
  }
  PluginFile file;
  file.manifest = std::move(*examination.manifest);
  file.id = file.manifest.id;
  file.version = file.manifest.version;
  file.digest = std::move(digest);
  file.size_bytes = bytes.size();
  file.abi_version = examination.elf->abi_version;
  file.warnings = std::move(examination.warnings);
  return file;
}

bool isDigest(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

fs::path stagedSignature(const fs::path& store_folder, const Digest& digest) {
  return store_folder / (digest + std::string{kSignatureSuffix});
}

// Beside the file that an operator dropped.
Result<std::string> readSignature(const fs::path& plugin_file, uid_t uid) {
  const fs::path path = signatureOf(plugin_file);
  auto text = readSafely(path, uid, signatures::kSignatureFileBytesMax);
  if (text || text.error().code != Code::NotFound) return text;
  return Error{Code::NotGranted,
               fmt::format("it has no signature (trust.mode is signed): put {} beside it, which \"minisign -S -m {}\" "
                           "makes; it is looked at again when that is there",
                           path.filename().native(), plugin_file.filename().native())};
}

// Of a staged file, as it was verified when the file was staged.
Result<std::string> readStagedSignature(const fs::path& store_folder, const Digest& digest) {
  auto text = readFile(stagedSignature(store_folder, digest), signatures::kSignatureFileBytesMax);
  if (text || text.error().code != Code::NotFound) return text;
  return Error{Code::NotGranted,
               "it was staged without a signature (trust.mode is signed): drop the plugin's file "
               "again, with its signature beside it"};
}

// Written before the file that it belongs to, so that no file is without one.
Result<void> keepSignature(const PluginFile& file, const std::string& signature, const fs::path& store_folder) {
  if (!file.signer) return {};
  const fs::path path = stagedSignature(store_folder, file.digest);
  if (const auto known = readFile(path, signatures::kSignatureFileBytesMax); known && *known == signature) return {};
  return writeFileDurably(path, signature, kStagedMode);
}

StageOutcome indexOne(const fs::path& path, const AdmissionPolicy& policy, const Trust& trust) {
  const Digest digest = path.stem().native();
  auto bytes = readFile(path, kPluginFileBytesMax);
  if (!bytes) return Refusal{path, FileReason::Unreadable, bytes.error().message, {}};
  if (sha256Hex(*bytes) != digest) {
    return Refusal{path,
                   FileReason::CopyDamaged,
                   fmt::format("{} is not the file that was staged (its digest differs): remove it, and drop the "
                               "plugin's file again",
                               path.native()),
                   {}};
  }
  auto judged = trust.judge(*bytes, digest, readStagedSignature(policy.store_folder, digest));
  StageOutcome outcome = describe(examine(*bytes, policy), *bytes, path, digest);
  auto* file = std::get_if<PluginFile>(&outcome);
  if (!judged) {
    // Known by its id, so that the instances that miss it can say why.
    return Refusal{path, judged.fault().reason, judged.error().message,
                   file != nullptr ? file->id : std::get<Refusal>(outcome).id};
  }
  if (file == nullptr) return outcome;
  file->path = path;
  file->signer = *std::move(judged);
  return outcome;
}

}  // namespace

Checked<std::string> readPluginFile(const fs::path& path, uid_t uid) {
  return readSafely(path, uid, kPluginFileBytesMax);
}

Result<fs::path> stage(std::string_view bytes, const Digest& digest, const fs::path& store_folder) {
  fs::path target = store_folder / (digest + std::string{kSuffix});
  if (verifyStaged(target, digest)) return target;
  if (auto written = writeFileDurably(target, bytes, kStagedMode); !written) return std::move(written).error();
  return target;
}

StageOutcome stageAndAdmit(const fs::path& path, const AdmissionPolicy& policy) {
  const auto refuse = [&](FileReason code, std::string reason) { return Refusal{path, code, std::move(reason), {}}; };
  auto bytes = readPluginFile(path, policy.uid);
  if (!bytes) return refuse(bytes.fault().reason, bytes.error().message);
  const Digest digest = sha256Hex(*bytes);
  const Trust trust = Trust::read(policy.trust, policy.uid);
  Result<std::string> signature = std::string{};
  if (trust.mode() == TrustMode::Signed) signature = readSignature(path, policy.uid);
  auto judged = trust.judge(*bytes, digest, signature);
  if (!judged) return refuse(judged.fault().reason, judged.error().message);
  StageOutcome outcome = describe(examine(*bytes, policy), *bytes, path, digest);
  auto* file = std::get_if<PluginFile>(&outcome);
  if (file == nullptr) return outcome;
  file->signer = *std::move(judged);
  if (auto kept = keepSignature(*file, *signature, policy.store_folder); !kept) {
    return refuse(FileReason::CopyFailed, withContext("its signature cannot be kept", kept.error()).message);
  }
  auto staged = stage(*bytes, file->digest, policy.store_folder);
  if (!staged) return refuse(FileReason::CopyFailed, withContext("its copy cannot be kept", staged.error()).message);
  file->path = std::move(staged).value();
  file->source = path;
  return outcome;
}

std::vector<StageOutcome> indexStore(const AdmissionPolicy& policy) {
  const Trust trust = Trust::read(policy.trust, policy.uid);
  std::vector<fs::path> paths;
  std::vector<fs::path> left;  // what a crash left half done
  std::error_code error;
  for (fs::directory_iterator at{policy.store_folder, error}, end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (isDigest(at->path().stem().native()) && at->path().extension() == kSuffix) {
      paths.push_back(at->path());
    } else if (name.size() > 65 && name[0] == '.' && isDigest(std::string_view{name}.substr(1, 64))) {
      // writeFileDurably's name for what it had not renamed yet. One host owns the folder, and it is only starting.
      left.push_back(at->path());
    } else if (isDigest(at->path().stem().native()) && at->path().extension() == kSignatureSuffix) {
      // A signature is written before its file.
      std::error_code unknown;
      const bool alone = !fs::exists(fs::path{at->path()}.replace_extension(kSuffix), unknown);
      if (alone && !unknown) left.push_back(at->path());
    }
  }
  for (const auto& path : left)
    fs::remove(path, error);
  std::sort(paths.begin(), paths.end());
  std::vector<StageOutcome> outcomes;
  for (const auto& path : paths)
    outcomes.push_back(indexOne(path, policy, trust));
  return outcomes;
}

Result<void> removeStaged(const std::vector<std::filesystem::path>& paths) {
  Result<void> result;
  for (const auto& path : paths) {
    for (const fs::path& each : {path, stagedSignature(path.parent_path(), path.stem().native())}) {
      if (::unlink(each.c_str()) == 0 || errno == ENOENT) continue;
      if (result) result = systemError(fmt::format("delete {}", each.native()), errno);
    }
  }
  return result;
}

Result<void> verifyStaged(const fs::path& path, const Digest& digest) {
  auto bytes = readFile(path, kPluginFileBytesMax);
  if (!bytes) return std::move(bytes).error();
  if (sha256Hex(*bytes) == digest) return {};
  return Error{Code::Invalid,
               fmt::format("{} is not the file that was staged (its digest differs): remove it, and drop "
                           "the plugin's file again",
                           path.native())};
}

}  // namespace longhaul::host::catalog
