#include "host/store/sqlite/checksum.h"

#include <bit>
#include <cstring>

namespace longhaul::host::store {
namespace {

std::uint64_t littleEndian(const char* bytes, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, count);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

void Checksum::mix(std::uint64_t word) {
  state_ ^= word;
  state_ *= 0x9e3779b97f4a7c15ULL;  // odd, so no two states meet
  state_ ^= state_ >> 32;
}

Checksum& Checksum::add(std::int64_t number) {
  mix(static_cast<std::uint64_t>(number));
  return *this;
}

Checksum& Checksum::add(std::string_view text) {
  mix(text.size());
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8)
    mix(littleEndian(text.data() + at, 8));
  if (at < text.size()) mix(littleEndian(text.data() + at, text.size() - at));
  return *this;
}

std::int64_t Checksum::value() const {
  return static_cast<std::int64_t>(state_ ^ (state_ >> 29));
}

}  // namespace longhaul::host::store
