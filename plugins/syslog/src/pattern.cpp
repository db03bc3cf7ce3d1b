#include "pattern.h"

#include <algorithm>

#include "settings_error.h"

namespace syslog_plugin {
namespace {

[[noreturn]] void refuse(std::string_view pattern, std::string_view why) {
  throw SettingsError("the expression \"" + std::string(pattern) + "\" " + std::string(why));
}

bool isWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The end of the bracket expression that begins at `at`, its "]" included; npos: it does not end.
std::size_t bracketEnd(std::string_view text, std::size_t at) {
  std::size_t i = at + 1;
  if (i < text.size() && text[i] == '^') ++i;
  if (i < text.size() && text[i] == ']') ++i;
  while (i < text.size() && text[i] != ']') {
    if (text[i] == '[' && i + 1 < text.size() && std::string_view(":.=").find(text[i + 1]) != std::string_view::npos) {
      const char close[] = {text[i + 1], ']'};
      const std::size_t end = text.find(std::string_view(close, 2), i + 2);
      if (end == std::string_view::npos) return end;
      i = end + 1;
    }
    ++i;
  }
  return i < text.size() ? i + 1 : std::string_view::npos;
}

// Perl's habits to POSIX, or a refusal where POSIX would silently read something else.
std::string toPosix(std::string_view text) {
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    if (text[i] == '[') {
      const std::size_t end = bracketEnd(text, i);
      if (end == std::string_view::npos) refuse(text, "has a \"[\" without its \"]\"");
      const std::string_view bracket = text.substr(i, end - i);
      for (std::size_t k = 0; k + 1 < bracket.size(); ++k) {
        if (bracket[k] == '\\' && isWord(bracket[k + 1])) {
          refuse(text, "has \"\\" + std::string(1, bracket[k + 1]) +
                           "\" inside []; there a backslash stands for itself: write a range as [0-9] or a class as "
                           "[[:digit:]], [[:space:]], [[:alnum:]_]");
        }
      }
      out.append(bracket);
      i = end;
      continue;
    }
    if (text[i] == '(' && i + 1 < text.size() && text[i + 1] == '?') {
      refuse(text, "has \"(?\", which POSIX expressions do not know; write a plain group ( ), and (?i) only in front");
    }
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i++];
      continue;
    }
    const char next = text[i + 1];
    if (next == 'd' || next == 'D') {
      out += next == 'd' ? "[0-9]" : "[^0-9]";
    } else if (next >= '1' && next <= '9') {
      refuse(text, "has the back-reference \"\\" + std::string(1, next) +
                       "\", which could take minutes on a stranger's text; write the words out");
    } else if (isWord(next) && std::string_view("wWsSbB").find(next) == std::string_view::npos) {
      refuse(text, "has \"\\" + std::string(1, next) + "\"; known are \\d \\D \\w \\W \\s \\S \\b \\B");
    } else {
      out += text.substr(i, 2);
    }
    i += 2;
  }
  return out;
}

}  // namespace

void Pattern::Free::operator()(regex_t* regex) const {
  regfree(regex);
  delete regex;
}

Pattern::Pattern(std::string_view text) {
  if (text.size() > kPatternBytesMax) {
    throw SettingsError("an expression of " + std::to_string(text.size()) + " bytes is too long; at most " +
                        std::to_string(kPatternBytesMax) + " are allowed: make several rules of it");
  }
  if (text.find('\0') != std::string_view::npos) throw SettingsError("an expression holds a NUL byte; take it out");
  constexpr std::string_view kIgnoreCase = "(?i)";
  int flags = REG_EXTENDED;
  std::string_view body = text;
  if (body.substr(0, kIgnoreCase.size()) == kIgnoreCase) {
    body.remove_prefix(kIgnoreCase.size());
    flags |= REG_ICASE;
  }
  const std::string posix = toPosix(body);
  auto regex = std::make_unique<regex_t>();
  const int status = regcomp(regex.get(), posix.c_str(), flags);
  if (status != 0) {
    std::array<char, 128> why{};
    regerror(status, regex.get(), why.data(), why.size());
    refuse(text, std::string("is not valid: ") + why.data());
  }
  regex_.reset(regex.release());
}

bool Pattern::find(std::string_view text, Captures* captures) const {
  text = text.substr(0, kSearchedBytesMax);
  // The C library goes by the bounds in groups[0] and so passes over a NUL inside, but whoever stands between, as the
  // sanitizers do, looks for the one at the end.
  std::array<char, kSearchedBytesMax + 1> ended;
  *std::copy(text.begin(), text.end(), ended.begin()) = '\0';
  std::array<regmatch_t, std::tuple_size_v<Captures>> groups{};
  groups[0].rm_so = 0;
  groups[0].rm_eo = static_cast<regoff_t>(text.size());
  const std::size_t wanted = captures != nullptr ? groups.size() : 0;
  if (regexec(regex_.get(), ended.data(), wanted, groups.data(), REG_STARTEND) != 0) return false;
  if (captures == nullptr) return true;
  std::transform(groups.begin(), groups.end(), captures->begin(), [&](const regmatch_t& group) {
    if (group.rm_so < 0) return std::string_view{};
    return text.substr(static_cast<std::size_t>(group.rm_so), static_cast<std::size_t>(group.rm_eo - group.rm_so));
  });
  return true;
}

}  // namespace syslog_plugin
