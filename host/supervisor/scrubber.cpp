#include "host/supervisor/scrubber.h"

#include <algorithm>

#include "host/base/json.h"

namespace longhaul::host::supervisor {
namespace {

constexpr std::string_view kMask = "***";

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

std::string Scrubber::scrubbed(std::string_view text) const {
  std::string buffer;
  return std::string(scrub(text, buffer));
}

}  // namespace longhaul::host::supervisor
