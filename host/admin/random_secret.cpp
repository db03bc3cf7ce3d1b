#include "host/admin/random_secret.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>

namespace longhaul::host::admin {
namespace {

constexpr std::size_t kSecretBytes = 32;  // random: not guessed

}  // namespace

std::optional<std::string> randomSecret(std::string_view prefix) {
  std::array<unsigned char, kSecretBytes> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) return std::nullopt;
  std::string secret(prefix);
  for (const unsigned char byte : random)
    secret += fmt::format("{:02x}", byte);
  return secret;
}

}  // namespace longhaul::host::admin
