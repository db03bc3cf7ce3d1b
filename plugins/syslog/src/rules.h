// Which lines become incidents, and as what. Rules are tried in their order; the first that fits decides, and a line
// that fits none becomes nothing.
//
// Text form, one block a rule:
//   incident Failed logins
//     facility: auth, authpriv
//     severity: notice
//     match: Failed password for (\w+) from ([0-9.]+)
//     name: {1} failed to log in from {2}
//     type: Access
//     level: 2
//     label team: security
//   ignore Cron's own lines
//     app: CRON, anacron
// Immutable once read, any thread; owns all that it names.
#ifndef SYSLOG_PLUGIN_RULES_H
#define SYSLOG_PLUGIN_RULES_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "line.h"
#include "pattern.h"
#include "template.h"

namespace syslog_plugin {

inline constexpr std::size_t kRulesMax = 500;  // a line is compared with each
inline constexpr std::size_t kRulesBytesMax = 256u << 10;
inline constexpr std::uint32_t kAllFacilities = 0xFFFFFF;

struct Rule {
  std::string name;
  bool ignore = false;
  // The condition: all parts must hold.
  int most_severe = 0;
  int least_severe = 7;
  std::uint32_t facilities = kAllFacilities;  // a bit each
  std::vector<std::string> apps;              // with *; empty: any
  std::vector<std::string> hosts;
  std::optional<Pattern> match;  // on the message's text
  // The incident.
  Template title{"{hostname} {app|syslog}: {message}"};
  std::string type;
  std::string level;  // the incident's severity as JSON; empty: by the line's own
  std::vector<std::pair<std::string, Template>> labels;

  bool needs_captures = false;  // usesCaptures(), kept by RuleSet

  bool fits(const Line& line, Captures& captures) const;
  bool usesCaptures() const;
};

class RuleSet {
 public:
  explicit RuleSet(std::vector<Rule> rules);

  // The rule whose incident `line` becomes, with the groups of its expression; null: none.
  const Rule* find(const Line& line, Captures& captures) const;

  const std::vector<Rule>& rules() const { return rules_; }

 private:
  std::vector<Rule> rules_;
};

// "err": err and what is more severe; "notice..warning": these and what is between. Into the rule; throws
// SettingsError.
void readSeverities(std::string_view text, Rule& rule);

// Names or numbers with commas between, as the bits of Rule::facilities. Throws SettingsError.
std::uint32_t readFacilities(std::string_view text);

// The text form above; what a rule leaves out is as in `defaults`. Throws SettingsError that names rule and line.
std::vector<Rule> readRules(std::string_view text, const std::string& default_type, std::string_view default_title);

}  // namespace syslog_plugin

#endif
