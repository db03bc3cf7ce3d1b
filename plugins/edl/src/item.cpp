#include "item.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace edl_plugin {
namespace {

bool isAddress(int family, std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(family, std::string(text).c_str(), address.data()) == 1;
}

bool isPrefixLength(std::string_view text, int max) {
  if (text.empty() || text.size() > 3) return false;
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  return number <= max;
}

bool isHash(std::string_view value) {
  const bool fits = value.size() == 32 || value.size() == 40 || value.size() == 64 || value.size() == 128;
  return fits && value.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

// Labels of letters, digits, - and _, more than one; a first * stands for any. Bytes of UTF-8 may stand in it.
bool isDomain(std::string_view value) {
  if (value.substr(0, 2) == "*.") value.remove_prefix(2);
  if (!value.empty() && value.back() == '.') value.remove_suffix(1);
  if (value.empty() || value.size() > 253 || value.find('.') == std::string_view::npos) return false;
  std::size_t label = 0;
  for (const char c : value) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (c != '.' && !good) return false;
    if (c == '.' && label == 0) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > 63) return false;
  }
  // A last label of digits alone is a bad address, never a name.
  const std::string_view last = value.substr(value.rfind('.') + 1);
  return label > 0 && last.find_first_not_of("0123456789") != std::string_view::npos;
}

}  // namespace

std::string guessedType(std::string_view value) {
  if (value.find("://") != std::string_view::npos) return "URL";
  if (isAddress(AF_INET, value)) return "IP";
  if (isAddress(AF_INET6, value)) return "IPv6";
  if (const std::size_t slash = value.find('/'); slash != std::string_view::npos) {
    const std::string_view address = value.substr(0, slash);
    const std::string_view length = value.substr(slash + 1);
    if (isAddress(AF_INET, address) && isPrefixLength(length, 32)) return "CIDR";
    if (isAddress(AF_INET6, address) && isPrefixLength(length, 128)) return "IPv6CIDR";
    return isDomain(address) ? "URL" : "";
  }
  if (const std::size_t dash = value.find('-'); dash != std::string_view::npos) {
    if (isAddress(AF_INET, value.substr(0, dash)) && isAddress(AF_INET, value.substr(dash + 1))) return "IPRange";
  }
  if (isHash(value)) return "File";
  return isDomain(value) ? "Domain" : "";
}

}  // namespace edl_plugin
