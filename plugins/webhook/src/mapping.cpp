#include "mapping.h"

#include <algorithm>

#include "occurred.h"
#include "settings_error.h"
#include "text.h"

namespace webhook_plugin {
namespace {

constexpr std::size_t kNameBytesMax = 500;
constexpr std::size_t kWarningsMax = 5;
constexpr std::size_t kLinesMax = 1000;

// What senders that were not told of a mapping call these things; XSOAR's generic webhook among them.
constexpr std::string_view kDefaults[][2] = {{"name", "{/name|/title|/summary|/subject|/text|Webhook}"},
                                             {"type", "{/type}"},
                                             {"severity", "{/severity|/priority|/level}"},
                                             {"occurred", "{/occurred|/timestamp|/time|/created_at}"},
                                             {"details", "{/details|/description|/message|/body}"}};

struct Word {
  std::string_view word;
  longhaul::Severity severity;
};
using longhaul::Severity;
constexpr Word kWords[] = {{"unknown", Severity::kUnknown},
                           {"none", Severity::kUnknown},
                           {"info", Severity::kInformational},
                           {"informational", Severity::kInformational},
                           {"information", Severity::kInformational},
                           {"debug", Severity::kInformational},
                           {"low", Severity::kLow},
                           {"minor", Severity::kLow},
                           {"notice", Severity::kLow},
                           {"medium", Severity::kMedium},
                           {"moderate", Severity::kMedium},
                           {"warning", Severity::kMedium},
                           {"warn", Severity::kMedium},
                           {"high", Severity::kHigh},
                           {"major", Severity::kHigh},
                           {"error", Severity::kHigh},
                           {"critical", Severity::kCritical},
                           {"fatal", Severity::kCritical},
                           {"emergency", Severity::kCritical},
                           {"alert", Severity::kCritical},
                           {"blocker", Severity::kCritical},
                           {"0", Severity::kUnknown},
                           {"0.5", Severity::kInformational},
                           {"1", Severity::kLow},
                           {"2", Severity::kMedium},
                           {"3", Severity::kHigh},
                           {"4", Severity::kCritical},
                           {"0.0", Severity::kUnknown},
                           {"1.0", Severity::kLow},
                           {"2.0", Severity::kMedium},
                           {"3.0", Severity::kHigh},
                           {"4.0", Severity::kCritical}};

std::optional<Severity> severityNamed(std::string_view word) {
  const auto* at = std::find_if(std::begin(kWords), std::end(kWords), [&](const Word& w) { return w.word == word; });
  return at == std::end(kWords) ? std::nullopt : std::optional(at->severity);
}

// "label team" → "team"; empty if the key does not begin with the word.
std::string_view behind(std::string_view key, std::string_view word) {
  if (key.substr(0, word.size()) != word || key.size() <= word.size() || key[word.size()] != ' ') return {};
  return trimmed(key.substr(word.size()));
}

// The colon that ends a line's key; one inside of braces is of a JSON pointer.
std::size_t colonOf(std::string_view line) {
  bool inside = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '{') inside = true;
    if (line[at] == '}') inside = false;
    if (line[at] == ':' && !inside) return at;
  }
  return std::string_view::npos;
}

bool isFieldName(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Mapping::Mapping(std::string_view text, std::string default_type) : default_type_(std::move(default_type)) {
  for (const auto& [key, value] : kDefaults)
    readLine(key, value);
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (++number > kLinesMax) throw SettingsError("mapping: more than 1000 lines");
    if (line.empty() || line[0] == '#') continue;
    try {
      const std::size_t colon = colonOf(line);
      if (colon == std::string_view::npos)
        throw SettingsError("\"" + std::string(line) + "\" has no colon; write as in name: {/title}");
      readLine(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
    } catch (const SettingsError& error) {
      throw SettingsError("mapping, line " + std::to_string(number) + ": " + error.what());
    }
  }
}

void Mapping::readLine(std::string_view key, std::string_view value) {
  const std::pair<std::string_view, Template*> templates[] = {
      {"name", &name_},         {"type", &type_}, {"details", &details_}, {"owner", &owner_}, {"severity", &severity_},
      {"occurred", &occurred_}, {"id", &id_}};
  for (const auto& [name, target] : templates) {
    if (key != name) continue;
    *target = Template(value);
    return;
  }
  if (key == "incidents") {
    incidents_text_ = value;
    if (value.empty() || value[0] != '/')
      throw SettingsError("incidents is \"" + incidents_text_ + "\"; write a JSON pointer, as in incidents: /alerts");
    try {
      incidents_ = value == "/" ? Json::json_pointer() : Json::json_pointer(incidents_text_);
    } catch (const Json::exception&) {
      throw SettingsError("incidents: \"" + incidents_text_ + "\" is no JSON pointer");
    }
  } else if (const auto label = behind(key, "label"); !label.empty()) {
    labels_.emplace_back(label, Template(value));
  } else if (const auto field = behind(key, "field"); !field.empty()) {
    if (!isFieldName(field))
      throw SettingsError("\"" + std::string(field) + "\" is no custom field; write letters, digits and _");
    fields_.emplace_back(field, Template(value));
  } else if (const auto word = behind(key, "level"); !word.empty()) {
    const auto severity = severityNamed(lowered(value));
    if (!severity) throw SettingsError("\"" + std::string(value) + "\" is no severity; write 0, 0.5, 1, 2, 3 or 4");
    levels_[lowered(word)] = *severity;
  } else if (const auto only = behind(key, "only"); !only.empty()) {
    only_.push_back({Template(only), {}});
    for (const std::string_view pattern : splitList(value, ','))
      only_.back().patterns.emplace_back(pattern);
  } else if (const auto skip = behind(key, "skip"); !skip.empty()) {
    skip_.push_back({Template(skip), {}});
    for (const std::string_view pattern : splitList(value, ','))
      skip_.back().patterns.emplace_back(pattern);
  } else {
    throw SettingsError(
        "\"" + std::string(key) +
        "\" is not known; it is one of incidents, only {…}, skip {…}, name, type, severity, level WORD, "
        "occurred, details, owner, id, label NAME, field NAME");
  }
}

bool Mapping::Condition::fits(const Scope& scope) const {
  const std::string text = value.render(scope);
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return globMatches(pattern, text); });
}

bool Mapping::isWanted(const Scope& scope) const {
  const auto fits = [&](const Condition& condition) { return condition.fits(scope); };
  return std::all_of(only_.begin(), only_.end(), fits) && std::none_of(skip_.begin(), skip_.end(), fits);
}

longhaul::Severity Mapping::severityOf(const std::string& text, std::vector<std::string>& warnings) const {
  const std::string word = lowered(trimmed(text));
  if (word.empty()) return Severity::kUnknown;
  if (const auto own = levels_.find(word); own != levels_.end()) return own->second;
  if (const auto known = severityNamed(word)) return *known;
  if (warnings.size() < kWarningsMax)
    warnings.push_back("the severity \"" + oneLine(word.substr(0, 80)) + "\" is not known: \"level " +
                       oneLine(word.substr(0, 80)) + ": 3\" in the mapping would say what it means");
  return Severity::kUnknown;
}

longhaul::Incident Mapping::incidentOf(const Scope& scope, std::string raw, std::vector<std::string>& warnings) const {
  longhaul::Incident incident;
  incident.name = oneLine(name_.render(scope));
  if (incident.name.empty()) incident.name = "Webhook";
  cutUtf8(incident.name, kNameBytesMax);
  incident.type = oneLine(type_.render(scope));
  if (incident.type.empty()) incident.type = default_type_;
  incident.severity = severityOf(severity_.render(scope), warnings);
  incident.details = details_.render(scope);
  incident.owner = oneLine(owner_.render(scope));
  if (const std::string time = occurred_.render(scope); !time.empty()) {
    if (const auto read = readOccurred(time)) {
      incident.occurred = *read;
    } else if (warnings.size() < kWarningsMax) {
      warnings.push_back("the time \"" + oneLine(time.substr(0, 80)) +
                         "\" is neither RFC 3339 nor seconds or milliseconds since 1970: the time of receipt is taken");
    }
  }
  for (const auto& [type, value] : labels_)
    if (std::string text = value.render(scope); !text.empty()) incident.labels.push_back({type, std::move(text)});
  Json custom = Json::object();
  for (const auto& [name, value] : fields_)
    if (Json found = value.value(scope); !found.is_null()) custom[name] = std::move(found);
  if (!custom.empty()) incident.custom_fields = dumped(custom);
  incident.raw_json = std::move(raw);
  return incident;
}

Mapped Mapping::map(const Document& document, const Request& request) const {
  Mapped mapped;
  const Json* elements = nullptr;
  if (incidents_) {
    if (!document.json.contains(*incidents_)) {
      mapped.refusal =
          Refusal{422, "there is nothing at " + incidents_text_ + ", where an array of incidents is wanted"};
      return mapped;
    }
    elements = &document.json.at(*incidents_);
    if (!elements->is_array()) elements = nullptr;
    if (elements == nullptr && !document.json.at(*incidents_).is_object()) {
      mapped.refusal = Refusal{422, "at " + incidents_text_ + " stands " + document.json.at(*incidents_).type_name() +
                                        ", an array of incidents is wanted"};
      return mapped;
    }
  } else if (document.json.is_array()) {
    elements = &document.json;
  }
  const auto add = [&](const Json& element, bool is_whole) {
    const Scope scope{document.json, element, request};
    if (!isWanted(scope)) {
      ++mapped.skipped;
      return;
    }
    mapped.incidents.push_back(incidentOf(scope, is_whole ? document.text : dumped(element), mapped.warnings));
  };
  if (elements == nullptr) {
    const Json& one = incidents_ ? document.json.at(*incidents_) : document.json;
    add(one, &one == &document.json);
    return mapped;
  }
  for (const Json& element : *elements) {
    add(element, false);
    if (mapped.incidents.size() <= LONGHAUL_INCIDENTS_PER_CALL_MAX) continue;
    mapped.incidents.clear();
    mapped.refusal = Refusal{413, "the request holds " + std::to_string(elements->size()) +
                                      " incidents, at most 1000 are taken at once: send it in parts"};
    return mapped;
  }
  return mapped;
}

std::string Mapping::deliveryId(const Document& document, const Request& request) const {
  return id_.render({document.json, document.json, request});
}

}  // namespace webhook_plugin
