#include "template.h"

#include <algorithm>

#include "settings_error.h"
#include "text.h"

namespace syslog_plugin {
namespace {

const std::vector<std::string_view>& fieldNames() {
  static const std::vector<std::string_view> names{"hostname", "app",      "procid",  "msgid",
                                                   "facility", "severity", "message", "source"};
  return names;
}

}  // namespace

Template::Template(std::string_view text) {
  const std::string whole(text);
  std::string literal;
  auto flush = [&] {
    if (!literal.empty()) parts_.push_back({Field::Literal, 0, std::move(literal)});
    literal.clear();
  };
  while (!text.empty()) {
    const char c = text[0];
    const bool doubled = text.size() > 1 && text[1] == c && (c == '{' || c == '}');
    if ((c != '{' && c != '}') || doubled) {
      literal += c;
      text.remove_prefix(doubled ? 2 : 1);
      continue;
    }
    const std::size_t end = c == '{' ? text.find('}') : std::string_view::npos;
    if (end == std::string_view::npos) {
      throw SettingsError("\"" + whole + "\" has a \"" + c + "\" without its other half; a brace itself is written " +
                          (c == '{' ? "{{" : "}}"));
    }
    flush();
    parts_.push_back(parseField(text.substr(1, end - 1)));
    text.remove_prefix(end + 1);
  }
  flush();
}

Template::Part Template::parseField(std::string_view inside) const {
  const std::size_t bar = std::min(inside.find('|'), inside.size());
  const std::string_view name = trimmed(inside.substr(0, bar));
  std::string stand_in(bar == inside.size() ? "-" : inside.substr(bar + 1));
  if (const auto group = parseNumber(name, 1, 9)) {
    return {Field::Capture, static_cast<std::size_t>(*group), std::move(stand_in)};
  }
  const auto& names = fieldNames();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw SettingsError("\"{" + std::string(inside) + "}\" names no field, nor a group of the expression ({1} to {9})" +
                        suggestion(name, names));
  }
  const auto index = static_cast<int>(found - names.begin());
  return {static_cast<Field>(static_cast<int>(Field::Hostname) + index), 0, std::move(stand_in)};
}

bool Template::usesCaptures() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.field == Field::Capture; });
}

std::string_view Template::valueOf(const Part& part, const Line& line, const Captures& captures) {
  const Message& message = line.message;
  switch (part.field) {
    case Field::Literal:
      return part.text;
    case Field::Hostname:
      return line.hostname();
    case Field::App:
      return message.app;
    case Field::Procid:
      return message.procid;
    case Field::Msgid:
      return message.msgid;
    case Field::Facility:
      return facilityName(message.facility);
    case Field::Severity:
      return severityName(message.severity);
    case Field::Message:
      return message.text;
    case Field::Source:
      return line.source;
    case Field::Capture:
      return captures.at(part.capture);
  }
  return {};
}

std::string Template::render(const Line& line, const Captures& captures, std::size_t bytes_max) const {
  std::string out;
  for (const Part& part : parts_) {
    const std::string_view value = valueOf(part, line, captures);
    // A little more than can stay: the cut is then made, and marked, at a character.
    appendOneLine(out, value.empty() ? std::string_view(part.text) : value.substr(0, bytes_max + 4));
    if (out.size() > bytes_max) break;
  }
  std::string text(trimmed(out));
  cutUtf8(text, bytes_max);
  return text;
}

}  // namespace syslog_plugin
