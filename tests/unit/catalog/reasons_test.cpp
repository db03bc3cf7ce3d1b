// Each reason of the closed list made true: a row without a case here fails.
#include <elf.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "host/base/limits.h"
#include "host/catalog/plugin_index.h"
#include "tests/support/minisign_key.h"
#include "tests/unit/catalog/place.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;
using test::Place;
namespace fs = std::filesystem;

namespace {

struct Told {
  FileReason code;
  std::string state;
  std::string sentence;
};

struct Case {
  FileReason reason;
  Told (*make)(Place& place);
  std::string found;   // in the sentence
  std::string remedy;  // in the sentence as well, unless it passes by itself
};

Told tellOf(Place& place, const fs::path& path) {
  const auto outcome = stageAndAdmit(path, place.policy);
  REQUIRE(std::holds_alternative<Refusal>(outcome));
  const auto& refusal = std::get<Refusal>(outcome);
  CHECK(refusal.path == path);
  CHECK(place.storedCount() == 0);
  return {refusal.code, "refused", refusal.reason};
}

// A real plugin's file with some of its bytes changed.
template <class Edit>
Told edited(Place& place, Edit edit) {
  const fs::path path = place.drop();
  std::string bytes = test::readText(path);
  edit(bytes);
  test::writeText(path, bytes);
  return tellOf(place, path);
}

template <class T>
void put(std::string& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

Told fixture(Place& place, const std::string& name) {
  return tellOf(place, place.drop("x.so", std::string{LONGHAUL_FIXTURES "/"} + name));
}

// Root reads everything; the file system's user of this thread alone is another one here.
Told unreadable(Place& place) {
  const fs::path path = place.drop();
  fs::permissions(place.folder.path(), fs::perms{0755});
  fs::permissions(path, fs::perms{0200});
  const int before = ::setfsuid(::geteuid() == 0 ? 65'533 : ::geteuid());
  Told told = tellOf(place, path);
  ::setfsuid(static_cast<uid_t>(before));
  return told;
}

Told changedWhileRead(Place& place) {
  const fs::path path = place.folder / "drop" / "x.so";
  // As long as reading takes long enough for the writer to come in between.
  test::writeText(path, std::string(std::size_t{8} << 20, 'a'));
  fs::permissions(path, fs::perms{0644});
  std::atomic<bool> stop{false};
  std::thread writer{[&] {
    std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
    while (!stop) {
      file.seekp(0);
      file.put('a');
      file.flush();
    }
  }};
  Told told{FileReason::NotElf, {}, {}};
  for (int i = 0; i < 1000 && told.code == FileReason::NotElf; ++i)
    told = tellOf(place, path);
  stop = true;
  writer.join();
  return told;
}

Told symbolVersion(Place& place) {
  // A copy of the system's C library in which one version is called otherwise stands for an older system.
  const std::string bytes = test::readText(LONGHAUL_FIXTURES "/probe_symbols.so");
  const auto examination = examine(bytes, AdmissionPolicy{});
  REQUIRE(examination.elf);
  std::string version;
  for (const NeededVersions& needed : examination.elf->needed_versions) {
    if (needed.library == "libc.so.6" && !needed.versions.empty()) version = needed.versions.front();
  }
  REQUIRE_FALSE(version.empty());
  const auto libc = std::find_if(examination.libraries.begin(), examination.libraries.end(),
                                 [](const NeededLibrary& library) { return library.name == "libc.so.6"; });
  REQUIRE(libc != examination.libraries.end());
  std::string older = test::readText(libc->path);
  const std::string name = std::string(1, '\0') + version + std::string(1, '\0');
  for (auto at = older.find(name); at != std::string::npos; at = older.find(name, at + 1))
    older[at + 1] = 'X';
  fs::create_directories(place.folder / "root/lib64");
  test::writeText(place.folder / "root/lib64/libc.so.6", older);
  // Only what is asked about differs from the system's own.
  for (const NeededLibrary& library : examination.libraries) {
    if (library.name != "libc.so.6") fs::copy_file(library.path, place.folder / "root/lib64" / library.name);
  }
  place.policy.system_root = place.folder / "root";
  return fixture(place, "probe_symbols.so");
}

// Of a plugin whose signature is one of `by` over `bytes` (empty: its own), where only the first key is trusted.
Told signedBy(Place& place, const test::MinisignKey& by, const std::string& bytes) {
  const fs::path path = place.drop();
  place.policy.trust = {TrustMode::Signed, {test::MinisignKey{1}.publicKey()}, {}};
  test::writeText(signatureOf(path), by.sign(bytes.empty() ? test::readText(path) : bytes, "build 7"));
  fs::permissions(signatureOf(path), fs::perms{0644});
  return tellOf(place, path);
}

Told viewed(const PluginIndex& index, PluginState state) {
  const auto views = index.list();
  const auto view =
      std::find_if(views.begin(), views.end(), [&](const PluginView& each) { return each.state == state; });
  REQUIRE(view != views.end());
  REQUIRE(view->code);
  return {*view->code, std::string(toText(view->state)), view->reason};
}

PluginFile file(const std::string& version) {
  PluginFile value;
  value.id = "x";
  value.version = *parseSemver(version);
  value.digest = version;
  return value;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{
      {FileReason::UnsafeOwner,
       [](Place& place) {
         const fs::path path = place.drop();
         if (::geteuid() == 0) {
           REQUIRE(::chown(path.c_str(), 65'533, 0) == 0);
         } else {
           place.policy.uid = ::geteuid() + 1;
           fs::permissions(place.folder.path(), fs::perms{01777});
         }
         return tellOf(place, path);
       },
       "belongs to", "chown"},
      {FileReason::UnsafeMode,
       [](Place& place) {
         const fs::path path = place.drop();
         fs::permissions(path, fs::perms{0646});
         return tellOf(place, path);
       },
       "is writable by everybody (mode 0646)", "chmod o-w"},
      {FileReason::UnsafeFolder,
       [](Place& place) {
         const fs::path path = place.drop();
         fs::permissions(path.parent_path(), fs::perms{0777});
         return tellOf(place, path);
       },
       "drop is writable by everybody (mode 0777)", "chmod o-w"},
      {FileReason::SymbolicLink,
       [](Place& place) {
         fs::create_symlink(LONGHAUL_FIXTURES "/probe.so", place.folder / "drop/x.so");
         return tellOf(place, place.folder / "drop/x.so");
       },
       "is a symbolic link, wanted a regular file", "copy the file itself there"},
      {FileReason::NotRegular,
       [](Place& place) {
         REQUIRE(::mkfifo((place.folder / "drop/x.so").c_str(), 0644) == 0);
         return tellOf(place, place.folder / "drop/x.so");
       },
       "is a FIFO, wanted a regular file", "take it away"},
      {FileReason::Unreadable, unreadable, "Permission denied", "let "},
      {FileReason::TooLarge,
       [](Place& place) {
         const fs::path path = place.drop();
         fs::resize_file(path, kPluginFileBytesMax + 1);
         return tellOf(place, path);
       },
       "bytes, wanted at most", "strip it"},
      {FileReason::ChangedWhileRead, changedWhileRead, "changed while it was read", "tried again when it is quiet"},
      {FileReason::NotElf,
       [](Place& place) { return edited(place, [](std::string& bytes) { bytes = "#!/bin/sh\n"; }); },
       "not an ELF file (it begins with 23212f62), wanted a shared object", "take it away"},
      {FileReason::Not64Bit,
       [](Place& place) { return edited(place, [](std::string& bytes) { bytes[EI_CLASS] = ELFCLASS32; }); },
       "a 32-bit ELF file, wanted 64-bit", "build it for this machine"},
      {FileReason::WrongMachine,
       [](Place& place) {
         return edited(place,
                       [](std::string& bytes) { put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_machine), EM_RISCV); });
       },
       "built for RISC-V, wanted", "build it for this machine"},
      {FileReason::NotShared, [](Place& place) { return fixture(place, "probe_program"); },
       "an executable (PIE), wanted a shared object", "link it with -shared"},
      {FileReason::NoSections,
       [](Place& place) {
         return edited(place, [](std::string& bytes) { put<Elf64_Off>(bytes, offsetof(Elf64_Ehdr, e_shoff), 0); });
       },
       "no section header table", "--strip-sections"},
      {FileReason::CutShort,
       [](Place& place) { return edited(place, [](std::string& bytes) { bytes.resize(bytes.size() / 2); }); },
       "cut short", "copy the file again"},
      {FileReason::Hole,
       [](Place& place) {
         // A copy that made room for the whole and has written no more than its first page.
         return edited(place, [](std::string& bytes) {
           Elf64_Ehdr header;
           std::memcpy(&header, bytes.data(), sizeof header);
           std::fill(bytes.begin() + 4096, bytes.begin() + static_cast<std::ptrdiff_t>(header.e_shoff), '\0');
         });
       },
       "it has a hole", "copy the file again"},
      {FileReason::Damaged,
       [](Place& place) { return edited(place, [](std::string& bytes) { bytes[EI_VERSION] = 9; }); },
       "a damaged ELF header", "copy the file again"},
      {FileReason::NoManifest, [](Place& place) { return fixture(place, "probe_no_manifest.so"); },
       "it has no Longhaul manifest", "longhaul_add_plugin()"},
      {FileReason::BadManifest, [](Place& place) { return fixture(place, "probe_broken_manifest.so"); },
       "the manifest: /version: found \"one\"", "wanted"},
      {FileReason::WrongAbi, [](Place& place) { return fixture(place, "probe_newer_abi.so"); },
       "built for plugin API 0.99, this host has", "update the host"},
      {FileReason::NoEntry, [](Place& place) { return fixture(place, "probe_no_entry.so"); },
       "it does not export longhaulPluginEntry", "define it"},
      {FileReason::MissingLibrary, [](Place& place) { return fixture(place, "probe_missing_library.so"); },
       "it needs the library liblonghaul_test_gone.so, which is not on this system", "install the package"},
      {FileReason::SymbolVersion, symbolVersion, "it was built on a newer system", "build it on this one"},
      {FileReason::UnresolvedSymbol,
       [](Place& place) {
         place.policy.worker = LONGHAUL_FIXTURES "/probe_program";  // has the worker's sanitizers
         return fixture(place, "probe_unresolved.so");
       },
       "it uses gone::count(char const*, int)", "link it with the library"},
      {FileReason::NotPinned,
       [](Place& place) {
         place.policy.trust = {TrustMode::Pinned, {}, {}};
         return tellOf(place, place.drop());
       },
       "is not among the 0 that trust.digests has", "add it if the file is yours"},
      {FileReason::NoSignature,
       [](Place& place) {
         place.policy.trust = {TrustMode::Signed, {test::MinisignKey{1}.publicKey()}, {}};
         return tellOf(place, place.drop());
       },
       "it has no signature", "put x.so.minisig beside it"},
      {FileReason::BadSignature, [](Place& place) { return signedBy(place, test::MinisignKey{1}, "other bytes"); },
       "its signature does not fit", "sign the file anew"},
      {FileReason::UnknownKey, [](Place& place) { return signedBy(place, test::MinisignKey{2}, ""); },
       "it is signed by key 0202020202020202, and trust.keys has 0101010101010101", "have it signed by one of these"},
      {FileReason::CopyFailed,
       [](Place& place) {
         const fs::path path = place.drop();
         place.policy.store_folder = place.folder / "gone";
         const auto outcome = stageAndAdmit(path, place.policy);
         REQUIRE(std::holds_alternative<Refusal>(outcome));
         return Told{std::get<Refusal>(outcome).code, "refused", std::get<Refusal>(outcome).reason};
       },
       "its copy cannot be kept", "No such file"},
      {FileReason::CopyDamaged,
       [](Place& place) {
         test::writeText(place.folder / "store" / (std::string(64, 'a') + ".so"), "other bytes");
         const auto outcomes = indexStore(place.policy);
         REQUIRE(outcomes.size() == 1);
         REQUIRE(std::holds_alternative<Refusal>(outcomes.front()));
         PluginIndex index;
         index.refuseStaged(std::get<Refusal>(outcomes.front()), 1);
         return viewed(index, PluginState::Refused);
       },
       "is not the file that was staged", "drop the plugin's file again"},
      {FileReason::Shadowed,
       [](Place&) {
         PluginIndex index;
         index.admit("/p/a.so", file("1.0.0"), 1, 1);
         index.admit("/p/b.so", file("2.0.0"), 1, 1);
         return viewed(index, PluginState::Shadowed);
       },
       "shadowed by /p/b.so (version 2.0.0)", ""},
      {FileReason::Removed,
       [](Place&) {
         PluginIndex index;
         index.admit("/p/a.so", file("1.0.0"), 1, 1);
         index.remove("/p/a.so", 2);
         return viewed(index, PluginState::Removed);
       },
       "no file of this plugin is in a plugin folder", ""},
  };
  return kCases;
}

}  // namespace

TEST_CASE(
    "each reason for which a plugin file does not count is told by its code, with what was found and the remedy") {
  for (std::size_t i = 0; i < kFileReasonCount; ++i) {
    const FileReasonRow& row = rowOf(static_cast<FileReason>(i));
    DYNAMIC_SECTION(row.name) {
      const auto of =
          std::find_if(cases().begin(), cases().end(), [&](const Case& each) { return each.reason == row.reason; });
      REQUIRE(of != cases().end());  // a row that nothing shows to come true
      Place place;
      const Told told = of->make(place);
      CHECK(nameOf(told.code) == row.name);
      CHECK(told.state == row.state);
      CHECK_THAT(told.sentence, Catch::Contains(of->found));
      CHECK_THAT(told.sentence, Catch::Contains(of->remedy));
    }
  }
}

TEST_CASE("names of reasons are each one's own, and lead back to it") {
  for (std::size_t i = 0; i < kFileReasonCount; ++i) {
    const auto reason = static_cast<FileReason>(i);
    CHECK(fileReasonFromName(nameOf(reason)) == reason);
  }
  CHECK_FALSE(fileReasonFromName("nonsense"));
}

TEST_CASE("what lies outside of the file is tried again at each rescan, the rest when the file changes") {
  PluginIndex index;
  index.refuse(Refusal{"/p/a.so", FileReason::MissingLibrary, "it needs the library liba.so", {}}, 1);
  index.refuse(Refusal{"/p/b.so", FileReason::CutShort, "cut short", {}}, 1);
  CHECK(index.refused(true) == std::vector<fs::path>{"/p/a.so"});
  CHECK(index.refused(false).size() == 2);
}
