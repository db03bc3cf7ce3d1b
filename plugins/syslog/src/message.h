// One syslog message as fields, and the reader that makes them of a line: RFC 5424, else RFC 3164 and what is sent in
// its name, else the whole text. Reading never fails: a line in neither form is kept as RFC 3164 (4.3.3) says, as text
// of user.notice, or of its PRI if that is valid.
// The fields are views into the line. Pure functions, any thread, owns nothing.
#ifndef SYSLOG_PLUGIN_MESSAGE_H
#define SYSLOG_PLUGIN_MESSAGE_H

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "names.h"
#include "timestamp.h"

namespace syslog_plugin {

enum class Layout { Rfc5424, Rfc3164, Unparsed };

std::string_view layoutName(Layout layout);

struct Message {
  Layout layout = Layout::Unparsed;
  bool has_priority = false;
  int facility = kDefaultFacility;
  int severity = kDefaultSeverity;
  std::optional<CivilTime> time;
  // Empty: absent, also where RFC 5424's "-" stands.
  std::string_view hostname;
  std::string_view app;
  std::string_view procid;
  std::string_view msgid;
  std::string_view structured_data;  // well-formed; read it with structuredData()
  std::string_view text;
};

Message parseMessage(std::string_view line);

struct StructuredElement {
  std::string_view id;
  std::vector<std::pair<std::string_view, std::string>> params;  // a name may come twice; values without escapes
};

// The elements of a message's structured_data: the first 64, with 256 parameters in all.
std::vector<StructuredElement> structuredData(std::string_view structured_data);

}  // namespace syslog_plugin

#endif
