#include "host/secrets/vault.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "host/base/files.h"

namespace longhaul::host::secrets {
namespace {

constexpr std::size_t kKeyFileBytesMax = 64U << 10;  // 64 keys have 4 KiB; an operator may write comments
constexpr unsigned kKeyFileMode = 0400;

Error noKeys(const std::string& why) {
  return Error{Code::Invalid, fmt::format("secrets cannot be encrypted or read: {}", why)};
}

}  // namespace

Vault::Vault(std::filesystem::path file, const std::filesystem::path& credentials_folder) : file_(std::move(file)) {
  std::error_code error;
  if (!credentials_folder.empty() && std::filesystem::exists(credentials_folder / kKeysCredential, error)) {
    file_ = credentials_folder / kKeysCredential;
    of_systemd_ = true;
  }
  if (auto done = load(); !done) trouble_ = done.error().message;
}

Result<void> Vault::load() {
  if (file_.empty()) return Error{Code::Invalid, "the key file has no place because HOME is not set; set HOME"};
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0 && errno == ENOENT) {
    Keyring made;
    made.addKey();
    if (auto done = save(made); !done) return done;
    keyring_ = std::move(made);
    return {};
  }
  auto text = readFile(file_, kKeyFileBytesMax);
  if (!text) return withContext("the key file", std::move(text).error());
  const bool open_to_others = !of_systemd_ && (status.st_mode & 077) != 0;
  if (open_to_others || (!of_systemd_ && status.st_uid != ::geteuid())) {
    return Error{Code::Invalid,
                 fmt::format("{} belongs to uid {} and has mode {:04o}, wanted the daemon's own (uid {}) and closed to "
                             "others; run: chmod 0400 {}",
                             file_.native(), status.st_uid, status.st_mode & 07777, ::geteuid(), file_.native())};
  }
  auto keyring = Keyring::parse(*text);
  if (!keyring) return withContext(file_.native(), std::move(keyring).error());
  if (keyring->empty()) keyring->addKey();
  keyring_ = std::move(*keyring);
  return {};
}

Result<void> Vault::save(const Keyring& keyring) const {
  if (auto made = makeFolder(file_.parent_path(), 0755); !made) return withContext("the key file", made.error());
  auto written = writeFileDurably(file_, keyring.text(), kKeyFileMode);
  if (!written) return withContext("the key file", std::move(written).error());
  return {};
}

Result<void> Vault::writable() const {
  if (!trouble_.empty()) return noKeys(trouble_);
  if (!of_systemd_) return {};
  return Error{Code::Invalid,
               "the keys are a credential of systemd, which the daemon cannot write; add a key to its "
               "source and start the daemon anew"};
}

std::string Vault::trouble() const {
  const std::lock_guard lock{mutex_};
  return trouble_;
}

Result<std::string> Vault::seal(std::string_view secret, const Place& place) const {
  const std::lock_guard lock{mutex_};
  if (!trouble_.empty()) return noKeys(trouble_);
  return fmt::format("${{encrypted:{}}}", keyring_.seal(secret, place));
}

Result<std::string> Vault::sealToPrint(std::string_view secret, const Place& place, std::int64_t now_us) {
  using std::chrono::microseconds;
  const std::int64_t until = now_us + microseconds{kPrintedKept}.count();
  Keyring next;
  bool marked = false;
  {
    const std::lock_guard lock{mutex_};
    if (!trouble_.empty()) return noKeys(trouble_);
    next = keyring_;
    const auto printed = next.printed();
    const bool is_newest = !printed.empty() && printed.back().key_id == next.ids().back();
    const bool is_recent = is_newest && until - printed.back().until_us < microseconds{std::chrono::hours{24}}.count();
    if (!of_systemd_ && !is_recent) marked = next.keepPrinted(until);
  }
  if (marked) {
    // Without a file that can be written there is no rotation either that would drop the key.
    (void)save(next);
    const std::lock_guard lock{mutex_};
    keyring_ = std::move(next);
  }
  return seal(secret, place);
}

std::vector<Keyring::Printed> Vault::printed(std::int64_t now_us) const {
  const std::lock_guard lock{mutex_};
  auto printed = keyring_.printed();
  std::erase_if(printed, [&](const Keyring::Printed& each) { return each.until_us <= now_us; });
  return printed;
}

Result<std::string> Vault::open(std::string_view sealed, const Place& place) const {
  const std::lock_guard lock{mutex_};
  if (!trouble_.empty()) return noKeys(trouble_);
  return keyring_.open(sealed, place);
}

std::vector<std::string> Vault::keyIds() const {
  const std::lock_guard lock{mutex_};
  return keyring_.ids();
}

Result<void> Vault::addKey() {
  Keyring next;
  {
    const std::lock_guard lock{mutex_};
    if (auto may = writable(); !may) return may;
    next = keyring_;
  }
  if (next.isFull()) {
    return Error{Code::Conflict,
                 fmt::format("{} has {} keys already, each of which a file still uses or may come to use: "
                             "write the files anew that name older ones",
                             file_.native(), next.ids().size())};
  }
  next.addKey();
  if (auto done = save(next); !done) return done;  // on the disk before anything is sealed with it
  const std::lock_guard lock{mutex_};
  keyring_ = std::move(next);
  return {};
}

Result<void> Vault::keepOnly(const std::vector<std::string>& ids, std::int64_t now_us) {
  Keyring next;
  {
    const std::lock_guard lock{mutex_};
    if (auto may = writable(); !may) return may;
    next = keyring_;
  }
  next.keepOnly(ids, now_us);
  if (next.ids().size() == keyIds().size()) return {};
  if (auto done = save(next); !done) return done;
  const std::lock_guard lock{mutex_};
  keyring_ = std::move(next);
  return {};
}

}  // namespace longhaul::host::secrets
