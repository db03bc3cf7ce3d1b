// Minisign's two parsers on any text: a key or a signature, or a sentence; and no signature that was only parsed fits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/base/text.h"
#include "host/signatures/minisign.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul::host;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto key = signatures::parsePublicKey(text);
  if (!key && !isUtf8(key.error().message)) std::abort();
  const auto signature = signatures::parseSignature(text);
  if (!signature) {
    if (!isUtf8(signature.error().message)) std::abort();
    return 0;
  }
  if (signature->trusted_comment.size() >= size || signature->trusted_comment.find('\n') != std::string::npos)
    std::abort();
  signatures::PublicKey other;
  other.id = signature->key_id;
  if (signatures::verify(*signature, text, other)) std::abort();
  return 0;
}
