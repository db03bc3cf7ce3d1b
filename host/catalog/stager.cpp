#include "host/catalog/stager.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "host/base/files.h"
#include "host/base/limits.h"
#include "host/base/sha256.h"
#include "host/catalog/safe_path.h"

namespace longhaul::host::catalog {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kStagedMode = 0444;
constexpr std::string_view kSuffix = ".so";

bool sameTime(const timespec& left, const timespec& right) {
  return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

FileFault changedWhileRead(const fs::path& path) {
  return {FileReason::ChangedWhileRead,
          Error{Code::Busy,
                fmt::format("{} changed while it was read; it is tried again when it is quiet", path.native())}};
}

FileFault unreadable(std::string_view what, const fs::path& path, int error_number) {
  return {FileReason::Unreadable, systemError(fmt::format("{} {}", what, path.native()), error_number)};
}

Checked<std::string> readOpen(const SafeFile& file, const fs::path& path) {
  const auto size = static_cast<std::size_t>(file.status.st_size);
  if (size > kPluginFileBytesMax) {
    return FileFault{FileReason::TooLarge,
                     Error{Code::TooLarge, fmt::format("{} has {} bytes, wanted at most {}: strip it, or ship its data "
                                                       "apart",
                                                       path.native(), size, kPluginFileBytesMax)}};
  }
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(file.fd.get(), bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable("read", path, errno);
    if (count == 0) return changedWhileRead(path);
    done += static_cast<std::size_t>(count);
  }
  struct stat after {};
  if (::fstat(file.fd.get(), &after) != 0) return unreadable("stat", path, errno);
  if (after.st_size != file.status.st_size || !sameTime(after.st_mtim, file.status.st_mtim) ||
      !sameTime(after.st_ctim, file.status.st_ctim)) {
    return changedWhileRead(path);
  }
  return bytes;
}

StageOutcome describe(Examination examination, std::string_view bytes, const fs::path& path, Digest digest) {
  if (!examination.problems.empty()) {
    FileProblem& first = examination.problems.front();
    return Refusal{path, first.reason, std::move(first.text)};
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

StageOutcome indexOne(const fs::path& path, const AdmissionPolicy& policy) {
  const Digest digest = path.stem().native();
  auto bytes = readFile(path, kPluginFileBytesMax);
  if (!bytes) return Refusal{path, FileReason::Unreadable, bytes.error().message};
  if (sha256Hex(*bytes) != digest) {
    return Refusal{path, FileReason::CopyDamaged,
                   fmt::format("{} is not the file that was staged (its digest differs): remove it, and drop the "
                               "plugin's file again",
                               path.native())};
  }
  StageOutcome outcome = describe(examine(*bytes, policy), *bytes, path, digest);
  if (auto* file = std::get_if<PluginFile>(&outcome)) file->path = path;
  return outcome;
}

}  // namespace

Checked<std::string> readPluginFile(const fs::path& path, uid_t uid) {
  auto file = openSafely(path, uid);
  if (!file) return file.fault();
  return readOpen(*file, path);
}

Result<fs::path> stage(std::string_view bytes, const Digest& digest, const fs::path& store_folder) {
  fs::path target = store_folder / (digest + std::string{kSuffix});
  if (verifyStaged(target, digest)) return target;
  if (auto written = writeFileDurably(target, bytes, kStagedMode); !written) return std::move(written).error();
  return target;
}

StageOutcome stageAndAdmit(const fs::path& path, const AdmissionPolicy& policy) {
  auto bytes = readPluginFile(path, policy.uid);
  if (!bytes) return Refusal{path, bytes.fault().reason, bytes.error().message};
  StageOutcome outcome = describe(examine(*bytes, policy), *bytes, path, sha256Hex(*bytes));
  auto* file = std::get_if<PluginFile>(&outcome);
  if (file == nullptr) return outcome;
  auto staged = stage(*bytes, file->digest, policy.store_folder);
  if (!staged)
    return Refusal{path, FileReason::CopyFailed, withContext("its copy cannot be kept", staged.error()).message};
  file->path = std::move(staged).value();
  file->source = path;
  return outcome;
}

std::vector<StageOutcome> indexStore(const AdmissionPolicy& policy) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator at{policy.store_folder, error}, end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (isDigest(at->path().stem().native()) && at->path().extension() == kSuffix) {
      paths.push_back(at->path());
    } else if (name.size() > 65 && name[0] == '.' && isDigest(std::string_view{name}.substr(1, 64))) {
      // writeFileDurably's name for what it had not renamed yet. One host owns the folder, and it is only starting.
      std::error_code ignored;
      fs::remove(at->path(), ignored);
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<StageOutcome> outcomes;
  for (const auto& path : paths)
    outcomes.push_back(indexOne(path, policy));
  return outcomes;
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
