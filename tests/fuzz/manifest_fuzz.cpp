// The manifest's parser on any text: it must give a manifest that keeps its own rules, or a sentence.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/base/text.h"
#include "host/catalog/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul::host;
  const auto manifest = catalog::parseManifest(std::string_view{reinterpret_cast<const char*>(data), size});
  if (!manifest) {
    if (!isUtf8(manifest.error().message)) std::abort();
    return 0;
  }
  if (!isName(manifest->id)) std::abort();
  for (const auto& listener : manifest->listeners) {
    if (manifest->parameter(listener.parameter) == nullptr) std::abort();
  }
  // What was read as grants reads back as the same.
  const auto again = catalog::parseGrants(catalog::toJson(manifest->grants), "");
  if (!again || !catalog::grantsBeyond(manifest->grants, *again).empty()) std::abort();
  return 0;
}
