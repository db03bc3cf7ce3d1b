#include "conditions.h"

#include <sodium.h>
#include <zlib.h>

#include <array>
#include <ctime>

#include "text.h"

namespace edl_plugin {
namespace {

// The day and month names of RFC 9110 whatever the process's locale is: strptime would ask it.
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

int numberOf(std::string_view text) {
  int number = 0;
  if (text.empty() || text.size() > 4) return -1;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

bool readClock(std::string_view text, std::tm& tm) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return false;
  tm.tm_hour = numberOf(text.substr(0, 2));
  tm.tm_min = numberOf(text.substr(3, 2));
  tm.tm_sec = numberOf(text.substr(6, 2));
  return tm.tm_hour >= 0 && tm.tm_hour < 24 && tm.tm_min >= 0 && tm.tm_min < 60 && tm.tm_sec >= 0 && tm.tm_sec <= 60;
}

int monthOf(std::string_view name) {
  for (int i = 0; i < 12; ++i)
    if (kMonths[i] == name) return i;
  return -1;
}

std::string_view withoutWeak(std::string_view tag) {
  return tag.substr(0, 2) == "W/" ? tag.substr(2) : tag;
}

}  // namespace

bool isUnchanged(const Conditions& conditions, std::string_view etag, std::int64_t modified_s) {
  if (conditions.if_none_match) {
    // Tags of this plugin hold no comma, so that cutting there cuts no tag that could be one of them.
    for (const std::string_view tag : splitList(*conditions.if_none_match, ","))
      if (tag == "*" || withoutWeak(tag) == withoutWeak(etag)) return true;
    return false;
  }
  if (!conditions.if_modified_since) return false;
  const auto since = readHttpDate(*conditions.if_modified_since);
  return since && modified_s <= *since;
}

bool takesGzip(std::string_view accept_encoding) {
  bool any = false;
  for (const std::string_view one : splitList(accept_encoding, ",")) {
    const auto parts = splitList(one, ";");
    if (parts.empty()) continue;
    bool refused = false;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const std::string parameter = lowered(parts[i]);
      if (parameter.substr(0, 2) == "q=") refused = parameter.find_first_not_of("0.", 2) == std::string::npos;
    }
    const std::string coding = lowered(parts[0]);
    if (coding == "gzip" || coding == "x-gzip") return !refused;
    if (coding == "*") any = !refused;
  }
  return any;
}

std::string httpDate(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm tm{};
  ::gmtime_r(&time, &tm);
  std::array<char, 64> buffer{};
  const auto size = std::strftime(buffer.data(), buffer.size(), " %Y %H:%M:%S GMT", &tm);
  std::string text(kDays[tm.tm_wday % 7]);
  text.append(", ").append(tm.tm_mday < 10 ? "0" : "").append(std::to_string(tm.tm_mday)).append(" ");
  return text.append(kMonths[tm.tm_mon % 12]).append(buffer.data(), size);
}

std::optional<std::int64_t> readHttpDate(std::string_view text) {
  const auto words = splitList(text, " ,");
  std::tm tm{};
  std::string_view clock;
  if (words.size() == 6 && words[5] == "GMT") {  // Sun, 06 Nov 1994 08:49:37 GMT
    tm.tm_mday = numberOf(words[1]);
    tm.tm_mon = monthOf(words[2]);
    tm.tm_year = numberOf(words[3]) - 1900;
    clock = words[4];
  } else if (words.size() == 4 && words[3] == "GMT") {  // Sunday, 06-Nov-94 08:49:37 GMT
    const auto date = splitList(words[1], "-");
    if (date.size() != 3) return std::nullopt;
    tm.tm_mday = numberOf(date[0]);
    tm.tm_mon = monthOf(date[1]);
    tm.tm_year = numberOf(date[2]);
    if (tm.tm_year < 70) tm.tm_year += 100;
    clock = words[2];
  } else if (words.size() == 5) {  // Sun Nov  6 08:49:37 1994
    tm.tm_mday = numberOf(words[2]);
    tm.tm_mon = monthOf(words[1]);
    tm.tm_year = numberOf(words[4]) - 1900;
    clock = words[3];
  } else {
    return std::nullopt;
  }
  if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_mon < 0 || tm.tm_year < 0 || !readClock(clock, tm))
    return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&tm));
}

std::string gzipped(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;  // the largest window, with gzip's header, which zlib leaves without a time
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int end = ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return end == Z_STREAM_END ? out : std::string();
}

std::string digestOf(std::string_view bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::array<char, crypto_hash_sha256_BYTES * 2 + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return hex.data();
}

}  // namespace edl_plugin
