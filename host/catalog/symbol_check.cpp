#include "host/catalog/symbol_check.h"

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <memory>
#include <set>
#include <unordered_set>

#include "host/base/files.h"
#include "host/base/limits.h"

namespace longhaul::host::catalog {
namespace {

// Of one plugin, with what its libraries need: a desktop program has some 200, and they are read whole.
constexpr std::size_t kLibrariesMax = 300;
constexpr std::size_t kLibrariesBytesMax = 1U << 30;
constexpr std::size_t kDemangledBytesMax = 256;
constexpr int kBackReferencesMax = 8;

bool isSanitizers(std::string_view name) {
  constexpr std::array<std::string_view, 9> kPrefixes{"__asan_",   "__ubsan_",     "__tsan_",   "__msan_", "__lsan_",
                                                      "__hwasan_", "__sanitizer_", "__sancov_", "__tysan_"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](auto prefix) { return name.starts_with(prefix); });
}

// The search through worker and libraries; false: it could not be completed.
class Search {
 public:
  Search(std::unordered_set<std::string_view>& wanted, const SystemLibraries& system)
      : wanted_(wanted), system_(system) {}

  void add(const std::vector<std::string>& needed, const std::string& runpath) {
    for (const auto& name : needed) {
      if (!seen_.insert(name).second) continue;
      // The C library first: it has what most plugins want, and nothing else has to be read then.
      queue_.emplace(name.starts_with("libc.so.") ? queue_.begin() : queue_.end(), name, runpath);
    }
  }
  bool take(const std::filesystem::path& file) {
    const auto bytes = readFile(file, kPluginFileBytesMax);
    if (!bytes || (bytes_read_ += bytes->size()) > kLibrariesBytesMax) return false;
    const auto links = removeDefined(*bytes, wanted_);
    if (!links) return false;
    add(links->needed_libraries, links->runpath);
    return true;
  }
  bool run() {
    while (!wanted_.empty() && !queue_.empty()) {
      const auto [name, runpath] = std::move(queue_.front());
      queue_.pop_front();
      const auto place = system_.find(name, runpath);
      if (place.presence != SystemLibraries::Presence::Found || place.path.empty()) return false;
      if (seen_.size() > kLibrariesMax || !take(place.path)) return false;
    }
    return true;
  }

 private:
  std::unordered_set<std::string_view>& wanted_;
  const SystemLibraries& system_;
  std::set<std::string> seen_;
  std::deque<std::pair<std::string, std::string>> queue_;  // name and the runpath of who needs it
  std::size_t bytes_read_ = 0;
};

// How often the name refers to a part of itself. Each can double what is written out; the rest of a name is written out
// about as long as it is.
int backReferences(std::string_view name) {
  int count = 0;
  for (std::size_t i = 0; i + 1 < name.size(); ++i) {
    const char next = name[i + 1];
    const bool numbered = next == '_' || (next >= '0' && next <= '9') || (next >= 'A' && next <= 'Z');
    if ((name[i] == 'S' || name[i] == 'T') && numbered) ++count;
  }
  return count;
}

}  // namespace

std::vector<std::string> unresolvedSymbols(std::string_view bytes, const ElfFile& elf, const SystemLibraries& system,
                                           const std::filesystem::path& worker) {
  const char* preloaded = std::getenv("LD_PRELOAD");  // NOLINT: nothing sets it while the process runs
  if (worker.empty() || (preloaded != nullptr && *preloaded != '\0')) return {};
  auto wanted = readWantedSymbols(bytes);
  if (!wanted) return {};
  std::erase_if(*wanted, isSanitizers);
  Search search{*wanted, system};
  search.add(elf.needed_libraries, elf.runpath);
  if (!search.run()) return {};
  if (!wanted->empty() && (!search.take(worker) || !search.run())) return {};
  std::vector<std::string> names(wanted->begin(), wanted->end());
  std::sort(names.begin(), names.end());
  return names;
}

std::string demangled(const std::string& name) {
  // It is a stranger's text, and substitutions in it can make megabytes of a few bytes.
  if (name.size() > kDemangledBytesMax || backReferences(name) > kBackReferencesMax) return name;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text{abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                         &std::free};
  return status == 0 && text != nullptr ? std::string{text.get()} : name;
}

}  // namespace longhaul::host::catalog
