// Plugin files that are not whole, through the real way into the store: whatever is left of one is refused, or can be
// loaded. LONGHAUL_CUTS: how many of each kind, 500 else; LONGHAUL_SEED.
#include <dlfcn.h>
#include <elf.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include "host/base/sha256.h"
#include "host/catalog/stager.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPage = 4096;

unsigned number(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

struct Place {
  test::TempFolder folder;
  AdmissionPolicy policy;
  fs::path path = folder / "x.so";
  const std::string whole = test::readText(LONGHAUL_CUT);
  std::mt19937 random{number("LONGHAUL_SEED", 20260101)};
  const unsigned count = number("LONGHAUL_CUTS", 500);
  Place() {
    fs::create_directory(folder / "store");
    policy.store_folder = folder / "store";
  }
  std::size_t below(std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most - 1}(random); }
  StageOutcome stage(const std::string& bytes) {
    test::writeText(path, bytes);
    return stageAndAdmit(path, policy);
  }
  bool isRefused(const std::string& bytes) {
    const auto outcome = stage(bytes);
    if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
      CHECK_FALSE(refusal->reason.empty());
      CHECK(fs::is_empty(policy.store_folder));
      return true;
    }
    const auto& file = std::get<PluginFile>(outcome);
    CHECK(test::readText(file.path) == bytes);
    return false;
  }
  void clear() {
    for (const auto& entry : fs::directory_iterator{policy.store_folder})
      fs::remove(entry.path());
  }
};

// How a process ends that loads the file and does no more: what waitpid() says.
int load(const fs::path& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGFPE})
      ::signal(signal, SIG_DFL);  // NOLINT: no handler of a sanitizer's
    ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

std::string replaced(std::string bytes, std::size_t at, const std::string& by) {
  bytes.replace(at, by.size(), by);
  return bytes;
}

Elf64_Ehdr headerOf(const std::string& bytes) {
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return header;
}

}  // namespace

TEST_CASE("random cuts: every one is refused") {
  Place place;
  REQUIRE_FALSE(place.isRefused(place.whole));
  place.clear();
  for (unsigned i = 0; i < place.count; ++i) {
    const std::size_t size = place.below(place.whole.size());
    INFO(size << " of " << place.whole.size());
    CHECK(place.isRefused(place.whole.substr(0, size)));
  }
}

TEST_CASE("a cut whose headers are whole: segments behind the end of the file are refused") {
  Place place;
  Elf64_Ehdr header = headerOf(place.whole);
  // The section table where no cut reaches it.
  header.e_shoff = sizeof(header);
  header.e_shnum = 1;
  header.e_shstrndx = 0;
  const std::string begin{reinterpret_cast<const char*>(&header), sizeof(header)};
  std::size_t loaded_end = 0;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, place.whole.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_type == PT_LOAD) loaded_end = std::max(loaded_end, segment.p_offset + segment.p_filesz);
  }
  REQUIRE(loaded_end > kPage);
  for (unsigned i = 0; i < place.count; ++i) {
    const std::size_t size = kPage / 2 + place.below(loaded_end - kPage / 2);
    INFO(size << " of " << loaded_end);
    CHECK(place.isRefused(replaced(place.whole.substr(0, size), 0, begin)));
  }
}

TEST_CASE("holes of zeros: refused, or at least loaded without a crash") {
  Place place;
  unsigned refused = 0;
  for (unsigned i = 0; i < place.count; ++i) {
    const std::size_t from = place.below(place.whole.size() / kPage) * kPage;
    const std::size_t size = std::min(place.whole.size() - from, (1 + place.below(16)) * kPage);
    const std::string bytes = replaced(place.whole, from, std::string(size, '\0'));
    if (bytes == place.whole) continue;
    INFO(size << " from " << from << " of " << place.whole.size());
    if (place.isRefused(bytes)) {
      ++refused;
      continue;
    }
    const int status = load(place.policy.store_folder / (sha256Hex(bytes) + ".so"));
    CHECK(WIFEXITED(status));
    place.clear();
  }
  CHECK(refused > place.count / 10);
}

TEST_CASE("room made first and filled from the front: refused until it is whole") {
  Place place;
  for (unsigned i = 0; i < place.count / 10; ++i) {
    const std::size_t size = place.below(place.whole.size() / kPage) * kPage;
    INFO(size << " of " << place.whole.size());
    CHECK(place.isRefused(place.whole.substr(0, size) + std::string(place.whole.size() - size, '\0')));
  }
}

TEST_CASE("flipped bytes in headers and tables: an answer, and never other bytes than were judged") {
  Place place;
  const Elf64_Ehdr header = headerOf(place.whole);
  const std::size_t begin = sizeof(header) + header.e_phnum * sizeof(Elf64_Phdr);
  for (unsigned i = 0; i < place.count; ++i) {
    std::string bytes = place.whole;
    for (std::size_t k = 0; k <= place.below(4); ++k) {
      const std::size_t places[] = {place.below(begin), place.below(kPage), header.e_shoff + place.below(1024)};
      bytes[places[place.below(3)]] = static_cast<char>(place.below(256));
    }
    // Each is judged; of every tenth what is kept is looked at too, which takes the disk its time.
    if (i % 10 == 0) {
      if (!place.isRefused(bytes)) place.clear();
    } else if (const auto examination = examine(bytes, place.policy); !examination.problems.empty()) {
      CHECK_FALSE(examination.problems.front().text.empty());
    }
  }
}

TEST_CASE("a racer that swaps links and files: what is called a digest is what was staged") {
  Place place;
  const std::string other = test::readText(LONGHAUL_FIXTURES "/probe_2.so");
  test::writeText(place.folder / "a", place.whole);
  test::writeText(place.folder / "b", other);
  test::writeText(place.folder / "c", "no plugin");
  const unsigned swaps = 2 * place.count;
  std::atomic<bool> over{false};
  std::atomic<unsigned> judged{0};
  std::thread racer{[&] {
    for (unsigned i = 0; i < swaps; ++i) {
      const fs::path from = place.folder / std::string(1, "abc"[i % 3]);
      const fs::path beside = place.folder / "beside";
      if (i % 4 == 3) {
        fs::create_symlink(from, beside);
      } else if (i % 4 == 2) {
        fs::create_hard_link(from, beside);
      } else {
        fs::copy_file(from, beside);
      }
      fs::rename(beside, place.path);
      const unsigned before = judged;
      // Now and then the other side has its turn with what lies there.
      while (i % 8 == 0 && judged == before)
        std::this_thread::yield();
    }
    over = true;
  }};
  unsigned staged = 0;
  unsigned refused = 0;
  while (!over) {
    const auto outcome = stageAndAdmit(place.path, place.policy);
    ++judged;
    if (const auto* file = std::get_if<PluginFile>(&outcome)) {
      const std::string bytes = test::readText(file->path);
      CHECK(sha256Hex(bytes) == file->digest);
      CHECK(bytes == (file->id == "probe" ? other : place.whole));
      ++staged;
    } else {
      ++refused;
    }
  }
  racer.join();
  CHECK(staged > 0);
  CHECK(refused > 0);
  // Nothing but the two ever got in.
  for (const auto& entry : fs::directory_iterator{place.policy.store_folder})
    CHECK(sha256Hex(test::readText(entry.path())) == entry.path().stem());
}
