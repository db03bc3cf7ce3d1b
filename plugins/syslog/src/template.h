// A text with fields of the line in it: "{hostname} {app|syslog}: {message}". {1} to {9} are the groups of the rule's
// expression; what follows | stands in for an absent field, else "-" does; {{ and }} are braces.
// Immutable, any thread; owns its parts.
#ifndef SYSLOG_PLUGIN_TEMPLATE_H
#define SYSLOG_PLUGIN_TEMPLATE_H

#include <string>
#include <string_view>
#include <vector>

#include "line.h"
#include "pattern.h"

namespace syslog_plugin {

class Template {
 public:
  // Throws SettingsError with what is wrong and the remedy.
  explicit Template(std::string_view text);

  bool usesCaptures() const;

  // One line of valid UTF-8, at most `bytes_max`, blanks at its ends taken off.
  std::string render(const Line& line, const Captures& captures, std::size_t bytes_max) const;

 private:
  enum class Field { Literal, Hostname, App, Procid, Msgid, Facility, Severity, Message, Source, Capture };
  struct Part {
    Field field;
    std::size_t capture;  // of Field::Capture
    std::string text;     // the literal, or what stands in
  };

  Part parseField(std::string_view inside) const;
  static std::string_view valueOf(const Part& part, const Line& line, const Captures& captures);

  std::vector<Part> parts_;
};

}  // namespace syslog_plugin

#endif
