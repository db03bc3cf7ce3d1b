// Apart from text.cpp, so that the worker, which needs only this, does not pull in what formats times.

#include <cstdint>
#include <cstring>

#include "host/base/text.h"

namespace longhaul::host {
namespace {

// How many bytes the character at `at` has; 0: it is none.
std::size_t characterBytes(const unsigned char* at, const unsigned char* end) {
  std::size_t more = 0;
  std::uint32_t code = 0;
  std::uint32_t least = 0;
  if (*at < 0x80) return 1;
  if ((*at & 0xe0) == 0xc0) {
    more = 1, code = *at & 0x1fU, least = 0x80;
  } else if ((*at & 0xf0) == 0xe0) {
    more = 2, code = *at & 0x0fU, least = 0x800;
  } else if ((*at & 0xf8) == 0xf0) {
    more = 3, code = *at & 0x07U, least = 0x10000;
  } else {
    return 0;
  }
  if (static_cast<std::size_t>(end - at) <= more) return 0;
  for (std::size_t i = 1; i <= more; ++i) {
    if ((at[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (at[i] & 0x3fU);
  }
  return code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : more + 1;
}

const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

bool isUtf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  const unsigned char* at = bytesOf(text);
  const unsigned char* const end = at + text.size();
  while (at < end) {
    std::uint64_t eight = 0;
    if (end - at >= 8) {  // most text is ASCII: eight characters at a time
      std::memcpy(&eight, at, sizeof eight);
      if ((eight & kHighBits) == 0) {
        at += 8;
        continue;
      }
    }
    const std::size_t bytes = characterBytes(at, end);
    if (bytes == 0) return false;
    at += bytes;
  }
  return true;
}

std::string_view cutAtCharacter(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80)
    --bytes_max;
  return text.substr(0, bytes_max);
}

std::string replaceNonUtf8(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
  std::string out;
  out.reserve(text.size() + 16);
  const unsigned char* at = bytesOf(text);
  const unsigned char* const end = at + text.size();
  while (at < end) {
    const std::size_t bytes = characterBytes(at, end);
    if (bytes == 0) {
      out += kReplacement;
      ++at;
    } else {
      out.append(reinterpret_cast<const char*>(at), bytes);
      at += bytes;
    }
  }
  return out;
}

}  // namespace longhaul::host
