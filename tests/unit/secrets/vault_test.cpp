#include "host/secrets/vault.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "host/base/files.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::secrets;

namespace {

const Place kPlace{.instance = "edge", .parameter = "token"};

// What stands between "${encrypted:" and "}".
std::string inside(const Result<std::string>& reference) {
  REQUIRE(reference.has_value());
  REQUIRE(reference->starts_with("${encrypted:"));
  return reference->substr(12, reference->size() - 13);
}

mode_t modeOf(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a secret opens in its own place and in no other") {
  Keyring keyring;
  keyring.addKey();
  const std::string sealed = keyring.seal("hunter2", kPlace);
  CHECK(keyring.open(sealed, kPlace).value() == "hunter2");
  CHECK(keyring.open(keyring.seal("", kPlace), kPlace).value().empty());
  CHECK(keyring.seal("hunter2", kPlace) != sealed);
  for (const Place& place : {Place{"edge2", "token"}, Place{"edge", "toke"}, Place{"edge\0token", ""}}) {
    const auto opened = keyring.open(sealed, place);
    REQUIRE_FALSE(opened.has_value());
    CHECK_THAT(opened.error().message, Catch::Contains("another instance or parameter"));
  }
}

TEST_CASE("a sealed text that was changed or cut does not open, wherever it was changed") {
  Keyring keyring;
  keyring.addKey();
  const std::string sealed = keyring.seal("hunter2", kPlace);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(keyring.open(changed, kPlace).has_value());
    CHECK_FALSE(keyring.open(sealed.substr(0, i), kPlace).has_value());
  }
}

TEST_CASE("older keys open what they sealed until they are dropped") {
  Keyring keyring;
  const std::string first = keyring.addKey();
  const std::string old = keyring.seal("hunter2", kPlace);
  const std::string second = keyring.addKey();
  CHECK(keyIdOf(old) == first);
  CHECK(keyIdOf(keyring.seal("x", kPlace)) == second);
  const auto again = Keyring::parse(keyring.text());
  REQUIRE(again.has_value());
  CHECK(again->ids() == std::vector{first, second});
  CHECK(again->open(old, kPlace).value() == "hunter2");
  keyring.keepOnly({first}, 0);
  CHECK(keyring.ids().size() == 2);
  keyring.keepOnly({}, 0);
  CHECK(keyring.ids() == std::vector{second});
  const auto opened = keyring.open(old, kPlace);
  REQUIRE_FALSE(opened.has_value());
  CHECK_THAT(opened.error().message, Catch::Contains(first + " is not in the key file"));
}

TEST_CASE("a key file that is none is told by its line, and nothing of a key is shown") {
  const char* const text = GENERATE("", "keys\n", "longhaul-keys/1\nhunter2\n", "longhaul-keys/1\n00112233 hunter2\n",
                                    "longhaul-keys/1\n001122zz AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
  CAPTURE(text);
  const auto keyring = Keyring::parse(text);
  REQUIRE_FALSE(keyring.has_value());
  CHECK_THAT(keyring.error().message, Catch::Contains("restore the file") && !Catch::Contains("hunter"));
}

TEST_CASE("the key file is made once, for the daemon alone, and used from then on") {
  const test::TempFolder folder;
  const auto file = folder / "etc/secrets.key";
  std::string sealed;
  {
    const Vault vault{file, {}};
    CHECK(vault.trouble().empty());
    CHECK(modeOf(file) == 0400);
    sealed = inside(vault.seal("hunter2", kPlace));
  }
  Vault vault{file, {}};
  CHECK(vault.open(sealed, kPlace).value() == "hunter2");
  REQUIRE(vault.addKey().has_value());
  CHECK(modeOf(file) == 0400);
  CHECK(vault.keyIds().size() == 2);
  CHECK(Vault(file, {}).open(sealed, kPlace).value() == "hunter2");
  REQUIRE(vault.keepOnly({}, 0).has_value());
  CHECK(Vault(file, {}).keyIds().size() == 1);
}

TEST_CASE("the key of a reference that was printed outlives rotations until its time is over") {
  const test::TempFolder folder;
  const auto file = folder / "secrets.key";
  const std::int64_t day_us = std::chrono::microseconds{std::chrono::hours{24}}.count();
  const std::int64_t kept_us = std::chrono::microseconds{kPrintedKept}.count();
  const std::int64_t printed_at = 1'800'000'000'000'000;
  std::string first;
  {
    Vault vault{file, {}};
    first = vault.keyIds().back();
    REQUIRE(vault.sealToPrint("hunter2", kPlace, printed_at).has_value());
    const std::string text = readFile(file, 1 << 16).value();
    REQUIRE(vault.sealToPrint("hunter2", kPlace, printed_at + day_us - 1).has_value());
    CHECK(readFile(file, 1 << 16).value() == text);  // not for each of them
    REQUIRE(vault.addKey().has_value());
  }
  Vault vault{file, {}};
  CHECK(modeOf(file) == 0400);
  REQUIRE(vault.printed(printed_at).size() == 1);
  CHECK(vault.printed(printed_at)[0].key_id == first);
  CHECK(vault.printed(printed_at)[0].until_us == printed_at + kept_us);
  REQUIRE(vault.keepOnly({}, printed_at + kept_us - 1).has_value());
  CHECK(vault.keyIds().size() == 2);
  REQUIRE(vault.keepOnly({}, printed_at + kept_us).has_value());
  CHECK(vault.keyIds().size() == 1);
  CHECK(vault.printed(printed_at + kept_us).empty());
}

TEST_CASE("no key is added that the file could not be read with") {
  const test::TempFolder folder;
  Vault vault{folder / "secrets.key", {}};
  while (vault.keyIds().size() < 64)
    REQUIRE(vault.addKey().has_value());
  CHECK(vault.addKey().error().code == Code::Conflict);
  CHECK(Vault(folder / "secrets.key", {}).trouble().empty());
}

TEST_CASE("a key file that others may read is not used, and the remedy is told by each secret") {
  const test::TempFolder folder;
  const auto file = folder / "secrets.key";
  { const Vault made{file, {}}; }
  REQUIRE(::chmod(file.c_str(), 0440) == 0);
  Vault vault{file, {}};
  CHECK_THAT(vault.trouble(), Catch::Contains("mode 0440") && Catch::Contains("chmod 0400"));
  const auto sealed = vault.seal("hunter2", kPlace);
  REQUIRE_FALSE(sealed.has_value());
  CHECK_THAT(sealed.error().message, Catch::Contains("chmod 0400"));
  CHECK_FALSE(vault.addKey().has_value());
}

TEST_CASE("keys that systemd gives count before the file, and are not written") {
  const test::TempFolder folder;
  Keyring keyring;
  keyring.addKey();
  test::writeText(folder / "longhaul.keys", keyring.text());
  Vault vault{folder / "secrets.key", folder.path()};
  CHECK(vault.trouble().empty());
  CHECK(vault.open(keyring.seal("hunter2", kPlace), kPlace).value() == "hunter2");
  CHECK_FALSE(std::filesystem::exists(folder / "secrets.key"));
  const auto rotated = vault.addKey();
  REQUIRE_FALSE(rotated.has_value());
  CHECK_THAT(rotated.error().message, Catch::Contains("credential of systemd"));
}
