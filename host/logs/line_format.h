// Turns a LogLine into one line of JSON, at memory speed: no allocation a line, the second of the time stamp and the
// part that names the worker are kept from the line before. What it writes is always one line of valid UTF-8 JSON,
// whatever bytes the text has: control bytes (also DEL, C1, line separators and the marks that turn the direction of
// text) are escaped, what is not UTF-8 becomes U+FFFD. So no text can forge a line or move a terminal's cursor.
// One object a file; one thread at a time.
//
//   {"time":"2026-11-24T03:22:02.123456Z","level":"info","source":"plugin","instance":"edge","generation":3,"pid":71,
//    "thread":1,"text":"…"}                       (one line in the file; "cut":true follows when the text was cut)
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "host/base/limits.h"
#include "host/logs/log_line.h"

namespace longhaul::host::logs {

// Where the reader finds time and level without parsing: the first two fields have a fixed place.
inline constexpr std::size_t kLineTimeAt = 9;  // after {"time":"
inline constexpr std::size_t kLineTimeBytes = 27;
inline constexpr std::size_t kLineLevelAt = kLineTimeAt + kLineTimeBytes + 11;  // after ","level":"

class LineFormat {
 public:
  // `instance` is a name (isName), so it needs no escaping.
  explicit LineFormat(std::string_view instance);

  // The most bytes that write() makes of this text: each byte may become \u00XX.
  static std::size_t bytesMax(std::size_t text_bytes);

  // Writes the line with its '\n' to `out`, which has room for bytesMax(line.text.size()). Returns the new end.
  char* write(const LogLine& line, char* out);

 private:
  void renderSecond(std::int64_t second);
  void renderWorker(const LogLine& line);

  std::string instance_;
  std::int64_t second_ = -1;
  std::array<char, 20> second_text_{};  // 2026-11-24T03:22:02.
  Generation generation_{-1};
  std::int32_t pid_ = -1;
  std::string worker_;  // ","instance":"…","generation":3,"pid":71,"thread":
};

// Writes `text` as the inside of a JSON string, as described above. `out` has room for six bytes a byte of text.
char* writeEscaped(std::string_view text, char* out);

}  // namespace longhaul::host::logs
