#include "host/catalog/trust.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "host/base/limits.h"
#include "host/base/sha256.h"
#include "host/catalog/stager.h"
#include "tests/support/minisign_key.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/catalog/rig.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;
using test::MinisignKey;
namespace fs = std::filesystem;

namespace {

const std::string kProbe = LONGHAUL_FIXTURES "/probe.so";
const MinisignKey kOurs{1};
const MinisignKey kOther{2};

void writeSafe(const fs::path& path, std::string_view text) {
  fs::remove(path);
  test::writeText(path, text);
  fs::permissions(path, fs::perms{0644});
}

struct Place {
  test::TempFolder folder;
  AdmissionPolicy policy;
  fs::path path = folder / "drop/probe.so";
  Place() {
    for (const auto* name : {"store", "drop"}) {
      fs::create_directories(folder / name);
      fs::permissions(folder / name, fs::perms{0755});
    }
    policy.store_folder = folder / "store";
    writeSafe(path, test::readText(kProbe));
  }
  void sign(const MinisignKey& key, const std::string& comment = "build 7") {
    writeSafe(signatureOf(path), key.sign(test::readText(path), comment));
  }
  void wantSigned(const std::vector<std::string>& keys) { policy.trust = {TrustMode::Signed, keys, {}}; }
  std::string refusal() {
    const auto outcome = stageAndAdmit(path, policy);
    if (std::holds_alternative<PluginFile>(outcome)) return "admitted";
    CHECK(rowOf(std::get<Refusal>(outcome).code).next == FileNext::Rescan);
    return std::get<Refusal>(outcome).reason;
  }
  fs::path staged(const std::string& suffix) {
    return policy.store_folder / (sha256Hex(test::readText(kProbe)) + suffix);
  }
};

}  // namespace

TEST_CASE("signed: the signature is verified, kept beside the staged file, and names who signed") {
  Place place;
  place.wantSigned({kOther.publicKey(), kOurs.publicKey()});
  place.sign(kOurs);
  const auto outcome = stageAndAdmit(place.path, place.policy);
  REQUIRE(std::holds_alternative<PluginFile>(outcome));
  CHECK(std::get<PluginFile>(outcome).signer == Signer{"0101010101010101", "build 7"});
  CHECK(test::readText(place.staged(".minisig")) == test::readText(signatureOf(place.path)));

  SECTION("so that a later start can verify it again") {
    const auto index = indexStore(place.policy);
    REQUIRE(index.size() == 1);
    CHECK(std::get<PluginFile>(index.front()).signer == Signer{"0101010101010101", "build 7"});
  }
  SECTION("and refuses it, by the plugin's id, when the key is no longer trusted") {
    place.wantSigned({kOther.publicKey()});
    const auto index = indexStore(place.policy);
    REQUIRE(index.size() == 1);
    const auto& refusal = std::get<Refusal>(index.front());
    CHECK(refusal.id == "probe");
    CHECK(refusal.path == place.staged(".so"));
    CHECK_THAT(refusal.reason, Catch::Contains("signed by key 0101010101010101, and trust.keys has 0202020202020202"));
    CHECK(fs::exists(place.staged(".so")));
  }
  SECTION("a signature of the store that was tampered with counts for nothing") {
    fs::permissions(place.staged(".minisig"), fs::perms{0644});
    test::writeText(place.staged(".minisig"), kOurs.sign("other bytes", "build 7"));
    CHECK_THAT(std::get<Refusal>(indexStore(place.policy).front()).reason,
               Catch::Contains("its signature does not fit"));
  }
  SECTION("signed anew by another key, it is known by that one") {
    place.sign(kOther, "build 8");
    const auto again = stageAndAdmit(place.path, place.policy);
    CHECK(std::get<PluginFile>(again).signer == Signer{"0202020202020202", "build 8"});
    CHECK(std::get<PluginFile>(indexStore(place.policy).front()).signer == Signer{"0202020202020202", "build 8"});
  }
}

TEST_CASE("what was staged without a signature is no longer taken where one is asked for") {
  Place place;
  REQUIRE(place.refusal() == "admitted");
  place.wantSigned({kOurs.publicKey()});
  CHECK_THAT(std::get<Refusal>(indexStore(place.policy).front()).reason, Catch::Contains("staged without a signature"));
  place.sign(kOurs);
  CHECK(place.refusal() == "admitted");
  CHECK(std::holds_alternative<PluginFile>(indexStore(place.policy).front()));
}

TEST_CASE("signed: what is refused, and why; nothing of it comes into the store") {
  Place place;
  place.wantSigned({kOurs.publicKey()});
  const fs::path signature = signatureOf(place.path);
  SECTION("no signature") {
    CHECK_THAT(place.refusal(),
               Catch::Contains("it has no signature") && Catch::Contains("put probe.so.minisig beside it"));
  }
  SECTION("another's signature") {
    place.sign(kOther);
    CHECK_THAT(place.refusal(), Catch::Contains("signed by key 0202020202020202, and trust.keys has 0101010101010101"));
  }
  SECTION("of other bytes") {
    writeSafe(signature, kOurs.sign("other bytes", "build 7"));
    CHECK_THAT(place.refusal(), Catch::Contains("not key 0101010101010101's signature of these bytes"));
  }
  SECTION("one byte of the file changed, wherever it is") {
    place.sign(kOurs);
    std::string bytes = test::readText(kProbe);
    bytes.back() ^= 1;
    writeSafe(place.path, bytes);
    CHECK_THAT(place.refusal(), Catch::Contains("its signature does not fit"));
  }
  SECTION("half a signature") {
    writeSafe(signature, kOurs.sign(test::readText(kProbe), "build 7").substr(0, 100));
    CHECK_THAT(place.refusal(), Catch::Contains("its signature cannot be read"));
  }
  SECTION("a signature as large as a disk") {
    writeSafe(signature, "");
    fs::resize_file(signature, std::uintmax_t{1} << 40);
    CHECK_THAT(place.refusal(), Catch::Contains("wanted at most 16384"));
  }
  SECTION("a link") {
    place.sign(kOurs);
    fs::rename(signature, place.folder / "elsewhere");
    fs::create_symlink(place.folder / "elsewhere", signature);
    CHECK_THAT(place.refusal(), Catch::Contains("probe.so.minisig is a symbolic link"));
  }
  SECTION("a file that everybody can write to") {
    place.sign(kOurs);
    fs::permissions(signature, fs::perms{0666});
    CHECK_THAT(place.refusal(), Catch::Contains("probe.so.minisig is writable by everybody"));
  }
  SECTION("a key file that is gone is named as what may be wrong") {
    place.wantSigned({(place.folder / "gone.pub").native()});
    place.sign(kOurs);
    CHECK_THAT(place.refusal(), Catch::Contains("trust.keys has none") && Catch::Contains("gone.pub: No such file"));
  }
  CHECK(fs::is_empty(place.policy.store_folder));
}

TEST_CASE("pinned: the digests of the list and no others, read anew for each file") {
  Place place;
  const Digest digest = sha256Hex(test::readText(kProbe));
  const fs::path list = place.folder / "list";
  writeSafe(list, "# ours\n\n" + std::string(64, 'a') + "  other.so\n");
  place.policy.trust = {TrustMode::Pinned, {}, {list.native()}};
  CHECK_THAT(place.refusal(), Catch::Contains("its digest " + digest + " is not among the 1"));
  CHECK(fs::is_empty(place.policy.store_folder));
  for (const std::string& line :
       {digest + "  probe.so\n", digest + " *probe.so\r\n", digest, "\\" + digest + "  a\\nb\n"}) {
    writeSafe(list, line);
    CHECK(place.refusal() == "admitted");
  }
  CHECK(std::holds_alternative<PluginFile>(indexStore(place.policy).front()));
  writeSafe(list, "");
  CHECK_THAT(std::get<Refusal>(indexStore(place.policy).front()).reason, Catch::Contains("is not among the 0"));
  place.policy.trust.digests = {digest};
  CHECK(place.refusal() == "admitted");
}

TEST_CASE("faults of keys and lists are told by entry, file and line") {
  test::TempFolder folder;
  writeSafe(folder / "list", std::string(64, 'a') + "  a.so\nnot a digest\n");
  writeSafe(folder / "key.pub", "no key");
  writeSafe(folder / "open.pub", kOurs.publicKey());
  fs::permissions(folder / "open.pub", fs::perms{0666});
  const auto trust =
      Trust::read({TrustMode::Signed,
                   {kOurs.publicKey(), "short", (folder / "key.pub").native(), (folder / "open.pub").native()},
                   {(folder / "list").native(), "abc"}},
                  ::geteuid());
  CHECK(trust.keyIds() == std::vector<std::string>{"0101010101010101"});
  CHECK(trust.digestCount() == 1);
  REQUIRE(trust.faults().size() == 5);
  const auto expect = [&](std::size_t at, bool of_key, std::size_t index, const std::string& text) {
    CHECK(trust.faults()[at].of_key == of_key);
    CHECK(trust.faults()[at].index == index);
    CHECK_THAT(trust.faults()[at].message, Catch::Contains(text));
  };
  expect(0, true, 1, "short: it is no public key of minisign");
  expect(1, true, 2, "key.pub: it is no public key of minisign");
  expect(2, true, 3, "open.pub is writable by everybody");
  expect(3, false, 0, "list:2: it does not begin with a digest");
  expect(4, false, 1, "\"abc\" is no digest");
}

namespace {

struct SignedRig : test::Rig {
  fs::path plugin = root / "plugins/probe.so";
  SignedRig() {
    trust = {TrustMode::Signed, {kOurs.publicKey()}, {}};
    make();
    start();
  }
  void sign(const MinisignKey& key = kOurs) {
    writeSafe(signatureOf(plugin), key.sign(test::readText(kProbe), "build 7"));
  }
  void quiet() {
    notice();
    advance(500ms);
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("the signature may come first, last, or while the file is still being copied") {
  SignedRig rig;
  SECTION("last: refused, then taken without a touch of the file") {
    rig.drop("probe.so", "probe.so");
    rig.quiet();
    REQUIRE(rig.refused.size() == 1);
    CHECK_THAT(rig.refused.front(), Catch::Contains("it has no signature"));
    rig.sign();
    rig.quiet();
  }
  SECTION("first") {
    rig.sign();
    rig.quiet();
    CHECK(rig.catalog->list().empty());  // it is no plugin, and no refused one
    rig.drop("probe.so", "probe.so");
    rig.quiet();
    CHECK(rig.refused.empty());
  }
  SECTION("within the quiet time") {
    rig.drop("probe.so", "probe.so");
    rig.notice();
    rig.advance(400ms);
    rig.sign();
    rig.quiet();
    CHECK(rig.refused.empty());
  }
  SECTION("found by the rescan alone") {
    rig.drop("probe.so", "probe.so");
    rig.quiet();
    rig.sign();
    rig.advance(kRescan);
    rig.advance(500ms);
  }
  CHECK(rig.active == Texts{"probe 1.0.0"});
  REQUIRE(rig.catalog->active("probe") != nullptr);
  CHECK(rig.catalog->active("probe")->signer->trusted_comment == "build 7");
  CHECK(rig.state("probe.so") == PluginState::Active);
  CHECK(rig.catalog->list().size() == 1);
}

TEST_CASE("what runs goes on when its signature or its key goes, and a next start judges anew") {
  SignedRig rig;
  rig.drop("probe.so", "probe.so");
  rig.sign();
  rig.quiet();
  REQUIRE(rig.active == Texts{"probe 1.0.0"});
  SECTION("the signature is removed") {
    fs::remove(signatureOf(rig.plugin));
    rig.quiet();
    CHECK(rig.refused.empty());
    CHECK(rig.state("probe.so") == PluginState::Active);
  }
  SECTION("the key is taken out") {
    rig.trust.keys = {kOther.publicKey()};
    rig.catalog->setTrust(rig.trust);
    rig.catalog->rescan({});
    rig.settle();
    CHECK(rig.catalog->active("probe") != nullptr);
    // A newer file by the old key.
    rig.drop("probe_2.so", "newer.so");
    writeSafe(signatureOf(rig.root / "plugins/newer.so"),
              kOurs.sign(test::readText(LONGHAUL_FIXTURES "/probe_2.so"), "build 8"));
    rig.quiet();
    REQUIRE(rig.refused.size() == 1);
    CHECK_THAT(rig.refused.front(), Catch::Contains("signed by key 0101010101010101"));
    CHECK(rig.active == Texts{"probe 1.0.0"});
    rig.make();
    rig.start();
    rig.advance(500ms);
    CHECK(rig.catalog->latest("probe") == nullptr);
    CHECK(rig.catalog->find(sha256Hex(test::readText(kProbe))) == nullptr);
    const auto views = rig.catalog->list();
    REQUIRE_FALSE(views.empty());
    CHECK(views.front().id == "probe");
    CHECK(views.front().state == PluginState::Refused);
  }
}

TEST_CASE("where no signature is asked for, one that lies there is no plugin and no fault") {
  test::Rig rig;
  rig.start();
  rig.drop("probe.so", "probe.so");
  test::writeText(rig.root / "plugins/probe.so.minisig", "anything");
  rig.notice();
  rig.advance(500ms);
  CHECK(rig.refused.empty());
  CHECK(rig.catalog->list().size() == 1);
}
