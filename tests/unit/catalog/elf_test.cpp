#include <elf.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>

#include "host/catalog/admission.h"
#include "host/catalog/elf_reader.h"
#include "host/catalog/inspection.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;

namespace {

std::string fixture(const std::string& name) {
  return test::readText(std::string{LONGHAUL_FIXTURES "/"} + name);
}

template <class T>
void put(std::string& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

Elf64_Ehdr header(const std::string& bytes) {
  Elf64_Ehdr value;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

// Where the program header of the first segment of this type stands.
std::size_t segment(const std::string& bytes, std::uint32_t type) {
  const auto elf = header(bytes);
  for (std::size_t i = 0; i < elf.e_phnum; ++i) {
    Elf64_Phdr found;
    std::memcpy(&found, bytes.data() + elf.e_phoff + i * sizeof(found), sizeof(found));
    if (found.p_type == type) return elf.e_phoff + i * sizeof(found);
  }
  FAIL("no such segment");
  return 0;
}

std::string problem(const std::string& bytes) {
  const auto examination = examine(bytes, AdmissionPolicy{});
  return examination.problems.empty() ? "admitted" : examination.problems.front().text;
}

}  // namespace

TEST_CASE("a real plugin is read: note, entry, libraries, versions, build id") {
  const std::string bytes = fixture("probe.so");
  const auto elf = readElf(bytes);
  REQUIRE(elf.has_value());
  CHECK(elf->has_note);
  CHECK(elf->abi_version == hostAbiVersion());
  CHECK(elf->exports_entry);
  CHECK(elf->exported == std::vector<std::string>{"longhaulPluginEntry"});
  CHECK_FALSE(elf->executable_stack);
  CHECK_FALSE(elf->build_id.empty());
  const auto manifest = parseManifest(elf->manifest);
  REQUIRE(manifest.has_value());
  CHECK(manifest->id == "probe");
  const auto examination = examine(bytes, AdmissionPolicy{});
  CHECK(examination.problems.empty());
  CHECK(examination.warnings.empty());
  CHECK(examination.libraries.size() == elf->needed_libraries.size());
  for (const auto& library : examination.libraries)
    CHECK(std::filesystem::exists(library.path));
}

TEST_CASE("every cut of a real plugin is refused") {
  const std::string bytes = fixture("probe.so");
  std::size_t refused = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    if (!readElf(std::string_view{bytes}.substr(0, size))) ++refused;
  }
  CHECK(refused == bytes.size());
  CHECK(readElf(bytes).has_value());
}

TEST_CASE("a note aligned to 8 is found behind another one") {
  const std::string bytes = fixture("probe_aligned_note.so");
  const auto elf = readElf(bytes);
  REQUIRE(elf.has_value());
  REQUIRE(elf->has_note);
  CHECK(elf->manifest == R"({"id": "aligned", "version": "1.0.0"})");
  Elf64_Phdr note;
  std::memcpy(&note, bytes.data() + segment(bytes, PT_NOTE), sizeof(note));
  CHECK(note.p_align == 8);  // else the fixture does not show what it is for
}

TEST_CASE("what is no plugin of this machine is refused with what it is and what is wanted") {
  const auto [name, wanted] = GENERATE(table<std::string, std::string>({
      {"probe_two_manifests.so", "it has two manifests"},
      {"probe_no_manifest.so", "it has no Longhaul manifest"},
      {"probe_no_entry.so", "it does not export longhaulPluginEntry"},
      {"probe_broken_manifest.so", "the manifest: /version: found \"one\""},
      {"probe_newer_abi.so", "built for plugin API 0.99, this host has 0.4: update the host, or build"},
      {"probe_missing_library.so", "it needs the library liblonghaul_test_gone.so, which is not on this system"},
      {"probe_program", "an executable (PIE), wanted a shared object"},
  }));
  CAPTURE(name);
  CHECK_THAT(problem(fixture(name)), Catch::Contains(wanted));
}

TEST_CASE("a damaged field is refused with its name") {
  using Edit = void (*)(std::string&);
  const auto [edit, wanted] = GENERATE(table<Edit, std::string>({
      {[](std::string& bytes) { bytes.clear(); }, "the file is empty"},
      {[](std::string& bytes) { bytes = "#!/bin/sh\necho hello\n"; }, "not an ELF file (it begins with 23212f62)"},
      {[](std::string& bytes) { bytes.resize(3); }, "cut short: 3 bytes"},
      {[](std::string& bytes) { bytes[EI_CLASS] = ELFCLASS32; }, "a 32-bit ELF file, wanted 64-bit"},
      {[](std::string& bytes) { bytes[EI_DATA] = ELFDATA2MSB; }, "a big-endian ELF file"},
      {[](std::string& bytes) { bytes[EI_VERSION] = 9; }, "a damaged ELF header"},
      {[](std::string& bytes) { put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_machine), EM_RISCV); },
       "built for RISC-V, wanted"},
      {[](std::string& bytes) { put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_machine), 999); }, "machine number 999"},
      {[](std::string& bytes) { put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_type), ET_REL); }, "an object file (.o)"},
      {[](std::string& bytes) { put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_type), ET_EXEC); }, "an executable"},
      {[](std::string& bytes) { put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_type), ET_CORE); }, "a core dump"},
      {[](std::string& bytes) { put<Elf64_Off>(bytes, offsetof(Elf64_Ehdr, e_shoff), 0); }, "no section header table"},
      {[](std::string& bytes) { put<Elf64_Off>(bytes, offsetof(Elf64_Ehdr, e_shoff), UINT64_MAX - 3); }, "cut short"},
      {[](std::string& bytes) { put<Elf64_Off>(bytes, offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX - 3); }, "cut short"},
      {[](std::string& bytes) { put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_phnum), 0); }, "program headers"},
      {[](std::string& bytes) { put<std::uint32_t>(bytes, segment(bytes, PT_GNU_STACK), PT_INTERP); },
       "an executable (PIE)"},
      {[](std::string& bytes) { put<std::uint32_t>(bytes, segment(bytes, PT_DYNAMIC), PT_NULL); },
       "no dynamic section"},
      {[](std::string& bytes) { put<std::uint32_t>(bytes, segment(bytes, PT_GNU_STACK), PT_DYNAMIC); },
       "two dynamic segments"},
      {[](std::string& bytes) {
         put<std::uint64_t>(bytes, segment(bytes, PT_LOAD) + offsetof(Elf64_Phdr, p_memsz), 1);
       },
       "is larger in the file than in memory"},
      {[](std::string& bytes) {
         put<std::uint64_t>(bytes, segment(bytes, PT_LOAD) + offsetof(Elf64_Phdr, p_filesz), UINT64_MAX);
       },
       "cut short"},
      {[](std::string& bytes) {
         put<std::uint64_t>(bytes, segment(bytes, PT_NOTE) + offsetof(Elf64_Phdr, p_align), 16);
       },
       "a note segment is aligned to 16"},
  }));
  std::string bytes = fixture("probe.so");
  edit(bytes);
  CHECK_THAT(problem(bytes), Catch::Contains(wanted));
}

TEST_CASE("a plugin may be older than the host by a minor, never newer, and never of another major") {
  const auto abi = [](std::uint32_t major, std::uint32_t minor) { return major << 16 | minor; };
  const auto [plugin, host, wanted] = GENERATE_COPY(table<std::uint32_t, std::uint32_t, std::string>({
      {abi(0, 1), abi(0, 1), ""},
      {abi(1, 2), abi(1, 7), ""},
      {abi(1, 8), abi(1, 7), "built for plugin API 1.8, this host has 1.7: update the host"},
      {abi(2, 0), abi(1, 7), "built for plugin API 2.0, this host has 1.7: update the host"},
      {abi(1, 7), abi(2, 0), "built for plugin API 1.7, this host has 2.0: build the plugin with this host's headers"},
  }));
  const auto fits = checkAbiVersion(plugin, host);
  CHECK(fits.has_value() == wanted.empty());
  if (!fits) CHECK_THAT(fits.error().message, Catch::Contains(wanted));
}

TEST_CASE("a symbol version that the system's library does not have is named") {
  // A copy of the system's C library in which GLIBC_2.2.5 is called otherwise stands for an older system.
  const auto elf = readElf(fixture("probe_symbols.so"));
  REQUIRE(elf.has_value());
  const auto at = std::find_if(elf->needed_versions.begin(), elf->needed_versions.end(),
                               [](const NeededVersions& needed) { return needed.library == "libc.so.6"; });
  REQUIRE(at != elf->needed_versions.end());
  REQUIRE_FALSE(at->versions.empty());
  const std::string version = at->versions.front();

  const auto host = inspectFile(LONGHAUL_FIXTURES "/probe_symbols.so", AdmissionPolicy{});
  CHECK(host.problems.empty());
  const auto libc = std::find_if(host.libraries.begin(), host.libraries.end(),
                                 [](const NeededLibrary& library) { return library.name == "libc.so.6"; });
  REQUIRE(libc != host.libraries.end());

  test::TempFolder root;
  std::filesystem::create_directories(root / "lib64");
  std::string bytes = test::readText(libc->path);
  const std::string name = std::string(1, '\0') + version + std::string(1, '\0');
  for (auto place = bytes.find(name); place != std::string::npos; place = bytes.find(name, place + 1)) {
    bytes[place + 1] = 'X';
  }
  test::writeText(root / "lib64/libc.so.6", bytes);
  AdmissionPolicy older;
  older.system_root = root.path();
  const auto inspection = inspectFile(LONGHAUL_FIXTURES "/probe_symbols.so", older);
  REQUIRE_FALSE(inspection.problems.empty());
  bool named = false;
  for (const auto& [reason, text] : inspection.problems) {
    named =
        named || (text.find("it needs " + version) == 0 && text.find("built on a newer system") != std::string::npos);
  }
  CHECK(named);
}

TEST_CASE("inspect shows everything of a stranger's file and stages nothing") {
  const auto inspection = inspectFile(LONGHAUL_FIXTURES "/probe_no_entry.so", AdmissionPolicy{});
  CHECK(inspection.digest.size() == 64);
  REQUIRE(inspection.manifest.has_value());
  CHECK(inspection.problems.size() == 1);
  const Json json = toJson(inspection);
  CHECK(json["admitted"] == false);
  CHECK(json["codes"] == Json::array({"no-entry"}));
  CHECK(json["manifest"]["id"] == "probe");
  CHECK(json["abiVersion"] == abiText(hostAbiVersion()));

  const auto nothing = inspectFile("/nonexistent/x.so", AdmissionPolicy{});
  REQUIRE(nothing.problems.size() == 1);
  CHECK_THAT(nothing.problems.front().text, Catch::Contains("No such file"));
  CHECK(toJson(nothing)["manifest"].is_null());
}
