#include "host/catalog/semver.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace longhaul::host::catalog {
namespace {

constexpr std::string_view kForm = "wanted MAJOR.MINOR.PATCH as in \"1.4.0\" or \"1.4.0-rc.1\"";

bool isDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool isPart(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// A number without leading zeros that fits.
std::optional<std::uint64_t> number(std::string_view text) {
  if (!isDigits(text) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

std::weak_ordering comparePart(const std::string& left, const std::string& right) {
  const bool left_number = isDigits(left);
  const bool right_number = isDigits(right);
  if (left_number != right_number) return left_number ? std::weak_ordering::less : std::weak_ordering::greater;
  // Numbers have no leading zeros, so the longer one is the greater one, however many digits it has.
  if (left_number && left.size() != right.size()) return left.size() <=> right.size();
  return left.compare(right) <=> 0;
}

}  // namespace

Result<Semver> parseSemver(std::string_view text) {
  const auto refuse = [&](std::string_view what) -> Error {
    return Error{Code::Invalid, fmt::format("found \"{}\" ({}), {}", text, what, kForm)};
  };
  if (text.size() > 128) return Error{Code::Invalid, fmt::format("found {} bytes, wanted at most 128", text.size())};
  Semver version;
  std::string_view rest = text;
  if (const auto plus = rest.find('+'); plus != std::string_view::npos) {
    version.build = rest.substr(plus + 1);
    for (const auto part : split(version.build, '.')) {
      if (!isPart(part)) return refuse("behind '+' stand letters, digits and '-', parted by dots");
    }
    rest = rest.substr(0, plus);
  }
  if (const auto minus = rest.find('-'); minus != std::string_view::npos) {
    for (const auto part : split(rest.substr(minus + 1), '.')) {
      if (!isPart(part)) return refuse("behind '-' stand letters, digits and '-', parted by dots");
      if (isDigits(part) && part.size() > 1 && part[0] == '0') return refuse("a number begins with 0");
      version.prerelease.emplace_back(part);
    }
    rest = rest.substr(0, minus);
  }
  const auto numbers = split(rest, '.');
  if (numbers.size() != 3) return refuse(fmt::format("{} numbers", rest.empty() ? 0 : numbers.size()));
  const auto major = number(numbers[0]);
  const auto minor = number(numbers[1]);
  const auto patch = number(numbers[2]);
  if (!major || !minor || !patch) return refuse("a part is not a plain number");
  version.major = *major;
  version.minor = *minor;
  version.patch = *patch;
  return version;
}

std::string toText(const Semver& version) {
  std::string text = fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
  if (!version.prerelease.empty()) text += fmt::format("-{}", fmt::join(version.prerelease, "."));
  if (!version.build.empty()) text += fmt::format("+{}", version.build);
  return text;
}

std::weak_ordering operator<=>(const Semver& left, const Semver& right) {
  if (const auto order = left.major <=> right.major; order != 0) return order;
  if (const auto order = left.minor <=> right.minor; order != 0) return order;
  if (const auto order = left.patch <=> right.patch; order != 0) return order;
  // A release comes behind all of its pre-releases.
  if (left.prerelease.empty() || right.prerelease.empty()) return left.prerelease.empty() <=> right.prerelease.empty();
  const std::size_t common = std::min(left.prerelease.size(), right.prerelease.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (const auto order = comparePart(left.prerelease[i], right.prerelease[i]); order != 0) return order;
  }
  return left.prerelease.size() <=> right.prerelease.size();
}

bool operator==(const Semver& left, const Semver& right) {
  return (left <=> right) == 0;
}

}  // namespace longhaul::host::catalog
