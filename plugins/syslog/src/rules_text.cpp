// The text form of the rules (rules.h): lines to rules, with errors that say where.
#include <algorithm>

#include "rules.h"
#include "settings_error.h"
#include "text.h"

namespace syslog_plugin {
namespace {

constexpr std::string_view kLabelKey = "label ";
constexpr std::size_t kLabelsMax = 32;
constexpr std::size_t kNameBytesMax = 100;

const std::vector<std::string_view>& keys() {
  static const std::vector<std::string_view> names{"severity", "facility", "app",   "host",      "match",
                                                   "name",     "type",     "level", "label NAME"};
  return names;
}

std::vector<std::string> words(std::string_view text) {
  const auto parts = splitList(text, ',');
  return {parts.begin(), parts.end()};
}

class Reader {
 public:
  Reader(const std::string& default_type, std::string_view default_title)
      : default_type_(default_type), default_title_(default_title) {}

  void take(std::string_view line) {
    ++line_number_;
    const std::string_view text = trimmed(line);
    if (text.empty() || text[0] == '#') return;
    try {
      if (!begin(text)) set(text);
    } catch (const SettingsError& error) {
      std::string where = "rules, line " + std::to_string(line_number_);
      if (!rules_.empty()) {
        where += ", rule " + std::to_string(rules_.size());
        if (!rules_.back().name.empty()) where += " (" + rules_.back().name + ")";
      }
      throw SettingsError(where + ": " + error.what());
    }
  }

  std::vector<Rule> result() {
    if (rules_.empty()) {
      throw SettingsError("rules: no rule in it; begin one with \"incident NAME\", or leave the parameter empty");
    }
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (rules_[i].usesCaptures() && !rules_[i].match) {
        throw SettingsError("rules, rule " + std::to_string(i + 1) + " (" + rules_[i].name +
                            "): it uses a group such as {1} but has no expression; add \"match:\", or take {1} out");
      }
    }
    return std::move(rules_);
  }

 private:
  // "incident NAME" or "ignore NAME" begins a rule; false: `text` begins none.
  bool begin(std::string_view text) {
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    const std::string_view verb = text.substr(0, end);
    if (verb != "incident" && verb != "ignore") return false;
    const std::string_view name = trimmed(text.substr(end));
    if (name.size() > kNameBytesMax) {
      throw SettingsError("a rule's name has at most " + std::to_string(kNameBytesMax) + " bytes, this one has " +
                          std::to_string(name.size()) + "; shorten it");
    }
    if (rules_.size() == kRulesMax) {
      throw SettingsError("more than " + std::to_string(kRulesMax) + " rules; join some, or use two instances");
    }
    keys_.clear();
    Rule& rule = rules_.emplace_back();
    rule.name = name.empty() ? std::to_string(rules_.size()) : std::string(name);
    rule.ignore = verb == "ignore";
    rule.type = default_type_;
    rule.title = Template(default_title_);
    return true;
  }

  void set(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
      throw SettingsError("\"" + std::string(text) +
                          "\" is neither \"incident NAME\" nor \"ignore NAME\" nor \"key: value\"");
    }
    const std::string_view key = trimmed(text.substr(0, colon));
    const std::string_view value = trimmed(text.substr(colon + 1));
    if (rules_.empty()) {
      throw SettingsError("\"" + std::string(key) +
                          ":\" stands before the first rule; begin one with \"incident NAME\"");
    }
    if (value.empty()) {
      throw SettingsError("\"" + std::string(key) + ":\" has no value; give one, or take the line out");
    }
    if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) {
      throw SettingsError("\"" + std::string(key) + ":\" stands twice in this rule; keep one, or make two rules");
    }
    keys_.emplace_back(key);
    Rule& rule = rules_.back();
    if (setCondition(rule, key, value)) return;
    const bool of_incident = key == "name" || key == "type" || key == "level" || isLabel(key);
    if (!of_incident) throw SettingsError("unknown key \"" + std::string(key) + "\"" + suggestion(key, keys()));
    if (rule.ignore) {
      throw SettingsError("\"" + std::string(key) +
                          ":\" says how an incident looks, but this rule ignores its lines; " +
                          "take it out, or begin the rule with \"incident\"");
    }
    setIncident(rule, key, value);
  }

  static bool isLabel(std::string_view key) { return key.substr(0, kLabelKey.size()) == kLabelKey; }

  static bool setCondition(Rule& rule, std::string_view key, std::string_view value) {
    if (key == "severity") {
      readSeverities(value, rule);
    } else if (key == "facility") {
      rule.facilities = readFacilities(value);
    } else if (key == "app") {
      rule.apps = words(value);
    } else if (key == "host") {
      rule.hosts = words(value);
    } else if (key == "match") {
      rule.match.emplace(value);
    } else {
      return false;
    }
    return true;
  }

  static void setIncident(Rule& rule, std::string_view key, std::string_view value) {
    if (key == "name") {
      rule.title = Template(value);
    } else if (key == "type") {
      rule.type = value;
    } else if (key == "level") {
      if (!isIncidentSeverity(value)) {
        throw SettingsError("level \"" + std::string(value) +
                            "\" is no severity of an incident; write 0 (unknown), 0.5 (informational), 1 (low), "
                            "2 (medium), 3 (high) or 4 (critical)");
      }
      rule.level = value;
    } else {
      if (rule.labels.size() == kLabelsMax) {
        throw SettingsError("more than " + std::to_string(kLabelsMax) + " labels; take some out");
      }
      rule.labels.emplace_back(trimmed(key.substr(kLabelKey.size())), Template(value));
    }
  }

  const std::string& default_type_;
  const std::string_view default_title_;
  std::size_t line_number_ = 0;
  std::vector<Rule> rules_;
  std::vector<std::string> keys_;  // of the present rule
};

}  // namespace

std::vector<Rule> readRules(std::string_view text, const std::string& default_type, std::string_view default_title) {
  if (text.size() > kRulesBytesMax) {
    throw SettingsError("rules: " + std::to_string(text.size()) + " bytes, at most " + std::to_string(kRulesBytesMax) +
                        " are allowed; use two instances");
  }
  Reader reader(default_type, default_title);
  while (true) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reader.take(text.substr(0, end));
    if (end == text.size()) return reader.result();
    text.remove_prefix(end + 1);
  }
}

}  // namespace syslog_plugin
