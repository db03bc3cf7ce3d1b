// A regular expression of an operator, on text of a stranger: POSIX extended, by the C library.
//
// Why not std::regex: libstdc++'s matcher recurses once a character, so a long line ends the process by stack overflow,
// and backtracks, so a short one can take minutes. glibc's is an automaton whose stack does not grow with the text.
// Back-references would bring backtracking in again and are refused. The first 4 KiB of a text are searched.
//
// \d and \D are translated, since POSIX would read them as the letter; (?i) in front ignores case; other Perl forms are
// refused with what to write instead, rather than taken for something else. Bytes, not characters, are matched: what is
// beyond ASCII works in a sequence, not inside [].
// Immutable, any thread; owns the compiled expression.
#ifndef SYSLOG_PLUGIN_PATTERN_H
#define SYSLOG_PLUGIN_PATTERN_H

#include <regex.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace syslog_plugin {

// The whole match at 0, the groups behind it; an unused group is empty. Views into the text that was searched.
using Captures = std::array<std::string_view, 10>;

class Pattern {
 public:
  static constexpr std::size_t kSearchedBytesMax = 4096;  // a longer text costs time and tells no more
  static constexpr std::size_t kPatternBytesMax = 1000;   // bounds what compiling one costs

  // Throws SettingsError with what is wrong and the remedy.
  explicit Pattern(std::string_view text);

  // Whether it is found in `text`. `captures` may be null, which is faster, and is left as it was where nothing is
  // found.
  bool find(std::string_view text, Captures* captures) const;

 private:
  struct Free {
    void operator()(regex_t* regex) const;
  };
  std::unique_ptr<regex_t, Free> regex_;
};

}  // namespace syslog_plugin

#endif
