// Takes the secrets that a worker was given out of what it says: log lines, last words, crash cards. A secret is found
// where it stands as it is, line by line, as JSON or a URL escapes it, or inside of base64 (as HTTP's Basic credentials
// are); what a plugin encodes otherwise is not. Short ones (under kSecretScrubbedBytesMin) would blank ordinary text
// and are left. One worker's; loop only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::host::supervisor {

inline constexpr std::size_t kSecretScrubbedBytesMin = 6;  // "admin", "true" and ports stand in every log

class Scrubber {
 public:
  Scrubber() = default;
  explicit Scrubber(const std::vector<std::string>& secrets);

  // The text, or its copy in `buffer` with "***" for each secret.
  std::string_view scrub(std::string_view text, std::string& buffer) const;
  std::string scrubbed(std::string_view text) const;
  // Of a text that may have been cut, as names of threads are: also the begin of a secret at its end.
  std::string scrubbedCut(std::string_view text) const;

 private:
  void add(std::string_view piece);
  std::vector<std::string> pieces_;  // the longest first: one may hold another
};

}  // namespace longhaul::host::supervisor
