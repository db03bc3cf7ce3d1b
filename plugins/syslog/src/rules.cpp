#include "rules.h"

#include <algorithm>

#include "settings_error.h"
#include "text.h"

namespace syslog_plugin {
namespace {

bool anyGlobMatches(const std::vector<std::string>& patterns, std::string_view text) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(),
                                         [&](const std::string& pattern) { return globMatches(pattern, text); });
}

int readSeverity(std::string_view word) {
  const auto severity = severityByName(word);
  if (!severity) {
    throw SettingsError("\"" + std::string(word) + "\" is no syslog severity" + suggestion(word, severityNames()));
  }
  return *severity;
}

}  // namespace

bool Rule::fits(const Line& line, Captures& captures) const {
  const Message& message = line.message;
  if (message.severity < most_severe || message.severity > least_severe) return false;
  if (((facilities >> message.facility) & 1u) == 0) return false;
  if (!anyGlobMatches(apps, message.app) || !anyGlobMatches(hosts, line.hostname())) return false;
  return !match || match->find(message.text, needs_captures ? &captures : nullptr);
}

bool Rule::usesCaptures() const {
  return title.usesCaptures() ||
         std::any_of(labels.begin(), labels.end(), [](const auto& label) { return label.second.usesCaptures(); });
}

RuleSet::RuleSet(std::vector<Rule> rules) : rules_(std::move(rules)) {
  for (Rule& rule : rules_)
    rule.needs_captures = rule.usesCaptures();
}

const Rule* RuleSet::find(const Line& line, Captures& captures) const {
  for (const Rule& rule : rules_) {
    if (rule.fits(line, captures)) return rule.ignore ? nullptr : &rule;
  }
  return nullptr;
}

void readSeverities(std::string_view text, Rule& rule) {
  constexpr std::string_view kRange = "..";
  const std::size_t range = text.find(kRange);
  if (range == std::string_view::npos) {
    rule.most_severe = 0;
    rule.least_severe = readSeverity(trimmed(text));
    return;
  }
  const int first = readSeverity(trimmed(text.substr(0, range)));
  const int second = readSeverity(trimmed(text.substr(range + kRange.size())));
  rule.most_severe = std::min(first, second);
  rule.least_severe = std::max(first, second);
}

std::uint32_t readFacilities(std::string_view text) {
  std::uint32_t bits = 0;
  for (const std::string_view word : splitList(text, ',')) {
    const auto facility = facilityByName(word);
    if (!facility) {
      throw SettingsError("\"" + std::string(word) + "\" is no syslog facility" + suggestion(word, facilityNames()));
    }
    bits |= 1u << *facility;
  }
  return bits;
}

}  // namespace syslog_plugin
