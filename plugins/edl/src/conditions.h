// HTTP's small print for a list that is polled: entity tags, dates, gzip. Pure; any thread.
#ifndef EDL_PLUGIN_CONDITIONS_H
#define EDL_PLUGIN_CONDITIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace edl_plugin {

struct Conditions {
  std::optional<std::string> if_none_match;
  std::optional<std::string> if_modified_since;
};

// Whether the client has it already (304): by its entity tags (RFC 9110, weak comparison); only without any by the
// date.
bool isUnchanged(const Conditions& conditions, std::string_view etag, std::int64_t modified_s);

// Whether a value of Accept-Encoding takes gzip: "gzip;q=0" does not.
bool takesGzip(std::string_view accept_encoding);

// "Tue, 24 Nov 2026 12:00:00 GMT"
std::string httpDate(std::int64_t seconds);
// In any of the three forms of RFC 9110; nothing for anything else.
std::optional<std::int64_t> readHttpDate(std::string_view text);

// The bytes as gzip, the same for the same bytes; empty if that failed.
std::string gzipped(std::string_view bytes);

// SHA-256 in hex, of which the first 32 digits are a tag.
std::string digestOf(std::string_view bytes);

}  // namespace edl_plugin

#endif
