// Versions of plugins as semver.org 2.0 orders them. Values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace longhaul::host::catalog {

struct Semver {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::uint64_t patch = 0;
  std::vector<std::string> prerelease;  // the parts between dots; empty: a release
  std::string build;                    // behind '+': shown, never compared
};

// "1.2.3", "1.2.3-rc.1", "1.2.3+git.5f3". INVALID says what stands wrong and shows the form.
Result<Semver> parseSemver(std::string_view text);

std::string toText(const Semver& version);

// Precedence: 1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0. Builds are equal.
std::weak_ordering operator<=>(const Semver& left, const Semver& right);
bool operator==(const Semver& left, const Semver& right);

}  // namespace longhaul::host::catalog
