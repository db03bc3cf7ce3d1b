// Drives one fuzz entry without libFuzzer, for builds by any compiler: each file of the corpus as it is, then a given
// number of seeded mutations. The same seed gives the same inputs; a crash is repeated by the command that it prints
// first, and the input stands in fuzz_NAME.input beside it. Usage: fuzz_NAME RUNS BYTES_MAX [file or folder…]
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Of the sanitizers' run time; null in a build without one.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

namespace fs = std::filesystem;

std::string readWhole(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::string> readCorpus(char** first, char** last) {
  std::vector<fs::path> paths;
  for (char** at = first; at != last; ++at) {
    if (!fs::is_directory(*at)) {
      paths.emplace_back(*at);
      continue;
    }
    for (const auto& entry : fs::directory_iterator{*at})
      paths.push_back(entry.path());
  }
  // The order of a folder is not the same everywhere; that of the runs has to be.
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const auto& path : paths)
    corpus.push_back(readWhole(path));
  if (corpus.empty()) corpus.emplace_back();
  return corpus;
}

// What is being tried, for keepInput(), which runs when the process is about to die.
const std::vector<std::uint8_t>* current = nullptr;
std::string keep_path;

void keepInput() {
  if (current == nullptr) return;
  const int fd = ::open(keep_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || ::write(fd, current->data(), current->size()) < 0) return;
  ::close(fd);
}

void onAbort(int) {
  keepInput();
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

// A copy on the heap of exactly this size, so that ASan sees each byte read behind the end.
void feed(const std::string& input) {
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  current = &bytes;
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  current = nullptr;
}

class Mutator {
 public:
  Mutator(std::uint64_t seed, std::size_t bytes_max, const std::vector<std::string>& corpus)
      : random_(seed), bytes_max_(bytes_max), corpus_(corpus) {
    for (const auto& input : corpus)
      bytes_max_ = std::max(bytes_max_, input.size());
  }

  std::string next() {
    std::string input = corpus_[below(corpus_.size())];
    for (std::size_t i = 0, count = 1 + below(4); i < count; ++i)
      change(input);
    if (input.size() > bytes_max_) input.resize(bytes_max_);
    return input;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : static_cast<std::size_t>(random_() % bound); }

  void change(std::string& input) {
    const std::size_t at = below(input.size() + 1);
    const std::size_t rest = input.size() - at;
    switch (below(8)) {
      case 0:  // one bit
        if (rest > 0) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 1:  // one byte
        if (rest > 0) input[at] = static_cast<char>(random_());
        break;
      case 2:  // a number of 1, 2, 4 or 8 bytes that is at an edge
        putNumber(input, at);
        break;
      case 3:  // cut
        input.resize(at);
        break;
      case 4:  // take out
        input.erase(at, below(std::min<std::size_t>(rest, 64) + 1));
        break;
      case 5:  // double
        input.insert(at, input.substr(at, below(std::min<std::size_t>(rest, 64) + 1)));
        break;
      case 6: {  // a piece of another input
        const std::string& other = corpus_[below(corpus_.size())];
        const std::size_t from = below(other.size() + 1);
        input.insert(at, other.substr(from, below(64)));
        break;
      }
      default:  // noise
        for (std::size_t i = at, end = at + below(16); i < end && i < input.size(); ++i) {
          input[i] = static_cast<char>(random_());
        }
    }
  }

  void putNumber(std::string& input, std::size_t at) {
    static constexpr std::uint64_t kEdges[] = {0,
                                               1,
                                               0x7f,
                                               0x80,
                                               0xff,
                                               0x7fff,
                                               0xffff,
                                               0x7fffffff,
                                               0x80000000,
                                               0xffffffff,
                                               0x7fffffffffffffff,
                                               0xfffffffffffffff0,
                                               0xffffffffffffffff};
    const std::size_t size = std::size_t{1} << below(4);
    if (input.size() < size) return;
    at = std::min(at, input.size() - size);
    std::uint64_t value = kEdges[below(std::size(kEdges))];
    if (below(3) == 0) value = input.size() - below(3);
    std::memcpy(input.data() + at, &value, size);
  }

  std::mt19937_64 random_;
  std::size_t bytes_max_;
  const std::vector<std::string>& corpus_;
};

std::uint64_t fromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s RUNS BYTES_MAX [file or folder...]\n", argv[0]);
    return 2;
  }
  const std::uint64_t runs = fromEnvironment("LONGHAUL_FUZZ_RUNS", std::strtoull(argv[1], nullptr, 10));
  const std::uint64_t seed = fromEnvironment("LONGHAUL_FUZZ_SEED", 20'260'101);
  const auto corpus = readCorpus(argv + 3, argv + argc);
  std::printf("LONGHAUL_FUZZ_SEED=%llu LONGHAUL_FUZZ_RUNS=%llu %s: %zu inputs\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(runs), argv[0], corpus.size());
  std::fflush(stdout);
  keep_path = std::string{argv[0]} + ".input";
  std::signal(SIGABRT, onAbort);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keepInput);
  for (const auto& input : corpus)
    feed(input);
  Mutator mutator{seed, std::strtoull(argv[2], nullptr, 10), corpus};
  for (std::uint64_t i = 0; i < runs; ++i)
    feed(mutator.next());
  std::printf("done\n");
  return 0;
}
