#include "host/catalog/trust.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "host/base/text.h"
#include "host/catalog/safe_path.h"

namespace longhaul::host::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigestFileBytesMax = 1U << 20;  // some 10,000 lines

FileFault untrusted(FileReason reason, std::string message) {
  return {reason, Error{Code::NotGranted, std::move(message)}};
}

// The digest of one line of sha256sum's ("…  name", "… *name"; a backslash in front where the name has odd characters),
// or the digest alone; nothing: it is none.
std::optional<Digest> digestIn(std::string_view line) {
  if (line.starts_with('\\')) line.remove_prefix(1);
  if (line.size() < 64 || (line.size() > 64 && line[64] != ' ')) return std::nullopt;
  Digest digest{line.substr(0, 64)};
  for (char& c : digest) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
  }
  return digest;
}

std::string_view trimmed(std::string_view line) {
  const auto last = line.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view{} : line.substr(0, last + 1);
}

// Of a list, the first few.
std::string shortList(const std::vector<std::string>& texts) {
  constexpr std::size_t kShown = 4;
  const auto shown = std::vector<std::string>(texts.begin(), texts.begin() + std::min(kShown, texts.size()));
  return fmt::format("{}{}", fmt::join(shown, ", "), texts.size() > kShown ? ", …" : "");
}

}  // namespace

std::string_view toText(TrustMode mode) {
  switch (mode) {
    case TrustMode::Any:
      return "any";
    case TrustMode::Pinned:
      return "pinned";
    case TrustMode::Signed:
      return "signed";
  }
  return "unknown";
}

bool isSignatureName(std::string_view name) {
  return name.size() > kSignatureSuffix.size() && name.ends_with(kSignatureSuffix);
}

fs::path signatureOf(const fs::path& plugin_file) {
  return plugin_file.native() + std::string{kSignatureSuffix};
}

void Trust::readKey(const std::string& entry, std::size_t index, uid_t uid) {
  const auto fault = [&](std::string message) { faults_.push_back({true, index, std::move(message)}); };
  std::string text = entry;
  if (entry.starts_with('/')) {
    auto file = readSafely(entry, uid, signatures::kKeyFileBytesMax);
    if (!file) return fault(std::move(file).error().message);
    text = *std::move(file);
  }
  auto key = signatures::parsePublicKey(text);
  if (!key) return fault(withContext(entry, std::move(key).error()).message);
  keys_.push_back(*key);
}

void Trust::readDigests(const std::string& entry, std::size_t index, uid_t uid) {
  const auto fault = [&](std::string message) { faults_.push_back({false, index, std::move(message)}); };
  if (!entry.starts_with('/')) {
    if (auto digest = digestIn(entry)) {
      digests_.insert(*std::move(digest));
      return;
    }
    return fault(
        fmt::format("\"{}\" is no digest, wanted the 64 hexadecimal digits that sha256sum prints, or the path "
                    "of a file of such lines: \"/…\"",
                    replaceNonUtf8(entry).substr(0, 80)));
  }
  auto file = readSafely(entry, uid, kDigestFileBytesMax);
  if (!file) return fault(std::move(file).error().message);
  std::string_view text = *file;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    auto digest = digestIn(line);
    if (!digest) {
      fault(
          fmt::format("{}:{}: it does not begin with a digest, wanted a line as sha256sum writes it: 64 hexadecimal "
                      "digits, two blanks, a name",
                      entry, number));
      return;
    }
    digests_.insert(*std::move(digest));
  }
}

Trust Trust::read(const TrustSettings& settings, uid_t uid) {
  Trust trust;
  trust.mode_ = settings.mode;
  for (std::size_t i = 0; i < settings.keys.size(); ++i)
    trust.readKey(settings.keys[i], i, uid);
  for (std::size_t i = 0; i < settings.digests.size(); ++i)
    trust.readDigests(settings.digests[i], i, uid);
  return trust;
}

std::vector<std::string> Trust::keyIds() const {
  std::vector<std::string> ids;
  for (const auto& key : keys_)
    ids.push_back(signatures::toText(key.id));
  return ids;
}

// A list that cannot be read may be why.
FileFault Trust::withFaults(FileFault fault) const {
  for (const Fault& each : faults_) {
    if (each.of_key == (mode_ == TrustMode::Signed)) fault.error.message += fmt::format("; {}", each.message);
  }
  return fault;
}

Checked<std::optional<Signer>> Trust::judge(std::string_view bytes, const Digest& digest,
                                            const Result<std::string>& signature) const {
  if (mode_ == TrustMode::Any) return std::optional<Signer>{};
  if (mode_ == TrustMode::Pinned) {
    if (digests_.count(digest) > 0) return std::optional<Signer>{};
    return withFaults(untrusted(
        FileReason::NotPinned,
        fmt::format("its digest {} is not among the {} that trust.digests has (trust.mode is pinned): add it if "
                    "the file is yours",
                    digest, digests_.size())));
  }
  if (!signature) return withFaults({FileReason::NoSignature, signature.error()});
  const auto parsed = signatures::parseSignature(*signature);
  if (!parsed)
    return untrusted(FileReason::BadSignature, fmt::format("its signature cannot be read: {}", parsed.error().message));
  std::optional<Error> mismatch;
  for (const auto& key : keys_) {
    if (key.id != parsed->key_id) continue;
    auto verified = signatures::verify(*parsed, bytes, key);
    if (verified)
      return std::optional<Signer>{Signer{signatures::toText(key.id), replaceNonUtf8(parsed->trusted_comment)}};
    mismatch = std::move(verified).error();
  }
  if (mismatch) {
    return untrusted(
        FileReason::BadSignature,
        fmt::format("its signature does not fit: {}; copy both files again, or sign the file anew", mismatch->message));
  }
  return withFaults(
      untrusted(FileReason::UnknownKey,
                fmt::format("it is signed by key {}, and trust.keys has {}: have it signed by one of these, or add the "
                            "key if you trust it",
                            signatures::toText(parsed->key_id), keys_.empty() ? "none" : shortList(keyIds()))));
}

}  // namespace longhaul::host::catalog
