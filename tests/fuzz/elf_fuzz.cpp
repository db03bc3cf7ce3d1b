// The ELF and note reader on any bytes: it must answer, inside the bytes, in bounded time.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/base/limits.h"
#include "host/catalog/elf_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul::host;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto elf = catalog::readElf(bytes);
  if (elf) {
    // What the reader promises: the manifest lies inside the bytes and below its limit.
    const bool inside = !elf->has_note || (elf->manifest.data() >= bytes.data() &&
                                           elf->manifest.data() + elf->manifest.size() <= bytes.data() + bytes.size());
    if (!inside || elf->manifest.size() > kManifestBytesMax || elf->exported.size() > kElfNamesMax) std::abort();
  } else if (elf.error().message.empty()) {
    std::abort();
  }
  (void)catalog::readDefinedVersions(bytes);
  if (auto wanted = catalog::readWantedSymbols(bytes)) {
    const std::size_t count = wanted->size();
    (void)catalog::removeDefined(bytes, *wanted);
    if (wanted->size() > count) std::abort();
  }
  return 0;
}
