#include "host/supervisor/scrubber.h"

#include <algorithm>

#include "host/base/json.h"

namespace longhaul::host::supervisor {
namespace {

constexpr std::string_view kMask = "***";

std::string percentEncoded(std::string_view text) {
  constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
    if (letter || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += "0123456789ABCDEF"[byte >> 4U];
      out += "0123456789ABCDEF"[byte & 15U];
    }
  }
  return out;
}

// The digits of base64 that are this text's alone when so many bytes (0 to 2, beyond whole groups of three) stand
// before it.
std::string insideBase64(std::string_view text, std::size_t before, bool of_url) {
  const std::string_view digits = of_url ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                                         : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t first_bit = before * 8;
  std::string out;
  // A digit has six bits; whole ones alone.
  for (std::size_t bit = (first_bit + 5) / 6 * 6; bit + 6 <= first_bit + text.size() * 8; bit += 6) {
    unsigned value = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      const std::size_t at = bit + i - first_bit;
      const auto byte = static_cast<unsigned char>(text[at / 8]);
      value = value << 1U | ((byte >> (7U - at % 8)) & 1U);
    }
    out += digits[value];
  }
  return out;
}

}  // namespace

Scrubber::Scrubber(const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    for (std::string_view rest = secret; !rest.empty();) {
      const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
      add(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    const std::string escaped = dumpJson(Json(secret));
    add(std::string_view(escaped).substr(1, escaped.size() - 2));
    if (secret.size() < kSecretScrubbedBytesMin) continue;
    add(percentEncoded(secret));
    for (std::size_t before = 0; before < 3; ++before) {
      for (const bool of_url : {false, true})
        add(insideBase64(secret, before, of_url));
    }
  }
  std::sort(pieces_.begin(), pieces_.end(), [](const std::string& one, const std::string& other) {
    return one.size() != other.size() ? one.size() > other.size() : one < other;
  });
  pieces_.erase(std::unique(pieces_.begin(), pieces_.end()), pieces_.end());
}

void Scrubber::add(std::string_view piece) {
  if (piece.size() >= kSecretScrubbedBytesMin) pieces_.emplace_back(piece);
}

std::string_view Scrubber::scrub(std::string_view text, std::string& buffer) const {
  for (const std::string& piece : pieces_) {
    std::size_t at = text.find(piece);
    if (at == std::string_view::npos) continue;
    if (text.data() != buffer.data()) buffer = text;
    for (; at != std::string::npos; at = buffer.find(piece, at + kMask.size()))
      buffer.replace(at, piece.size(), kMask);
    text = buffer;
  }
  return text;
}

std::string Scrubber::scrubbedCut(std::string_view text) const {
  std::string out = scrubbed(text);
  std::size_t longest = 0;
  for (const std::string& piece : pieces_) {
    for (std::size_t size = std::min(out.size(), piece.size() - 1); size >= kSecretScrubbedBytesMin; --size) {
      if (!out.ends_with(std::string_view{piece}.substr(0, size))) continue;
      longest = std::max(longest, size);
      break;
    }
  }
  if (longest > 0) out.replace(out.size() - longest, longest, kMask);
  return out;
}

std::string Scrubber::scrubbed(std::string_view text) const {
  std::string buffer;
  return std::string(scrub(text, buffer));
}

}  // namespace longhaul::host::supervisor
