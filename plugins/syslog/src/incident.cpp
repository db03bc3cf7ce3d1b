#include "incident.h"

#include "text.h"

namespace syslog_plugin {
namespace {

void appendLabel(std::string& out, std::string_view type, std::string_view value) {
  if (value.empty()) return;
  appendJsonComma(out);
  out += '{';
  appendJsonMember(out, "type", type);
  appendJsonMember(out, "value", value.substr(0, kLabelBytesMax));
  out += '}';
}

void appendLabels(std::string& out, const Line& line, const Rule& rule, const Captures& captures) {
  const Message& message = line.message;
  out += ",\"labels\":[";
  appendLabel(out, "facility", facilityName(message.facility));
  appendLabel(out, "severity", severityName(message.severity));
  appendLabel(out, "hostname", line.hostname());
  appendLabel(out, "app", message.app);
  appendLabel(out, "procid", message.procid);
  appendLabel(out, "msgid", message.msgid);
  appendLabel(out, "source", line.source);
  appendLabel(out, "transport", line.transport);
  appendLabel(out, "rule", rule.name);
  if (line.truncated) appendLabel(out, "truncated", "true");
  for (const auto& [type, value] : rule.labels)
    appendLabel(out, type, value.render(line, captures, kLabelBytesMax));
  out += ']';
}

// {"id": {"name": "value"}}; a name or an id that comes again makes its value a list.
void appendStructuredData(std::string& out, std::string_view structured_data) {
  const auto elements = structuredData(structured_data);
  out += ",\"structuredData\":{";
  for (std::size_t e = 0; e < elements.size(); ++e) {
    bool first_of_id = true;
    for (std::size_t i = 0; i < e; ++i)
      first_of_id = first_of_id && elements[i].id != elements[e].id;
    if (!first_of_id) continue;  // RFC 5424 (6.3.2) forbids it; the first one stands, the raw line has all
    appendJsonComma(out);
    appendJsonString(out, elements[e].id);
    out += ":{";
    const auto& params = elements[e].params;
    for (std::size_t p = 0; p < params.size(); ++p) {
      std::size_t same = 0;
      bool first_of_name = true;
      for (std::size_t i = 0; i < params.size(); ++i) {
        if (params[i].first != params[p].first) continue;
        ++same;
        first_of_name = first_of_name && i >= p;
      }
      if (!first_of_name) continue;
      appendJsonComma(out);
      appendJsonString(out, params[p].first);
      out += same > 1 ? ":[" : ":";
      for (std::size_t i = p; i < params.size(); ++i) {
        if (params[i].first != params[p].first) continue;
        if (i > p) out += ',';
        appendJsonString(out, params[i].second);
      }
      if (same > 1) out += ']';
    }
    out += '}';
  }
  out += '}';
}

// What the line was, for playbooks: the raw line and its fields.
std::string rawJson(const Line& line, std::string_view occurred) {
  const Message& message = line.message;
  std::string out = "{";
  appendJsonMember(out, "raw", line.raw);
  appendJsonMember(out, "format", layoutName(message.layout));
  if (message.has_priority) {
    out += ",\"priority\":" + std::to_string(message.facility * kSeverityCount + message.severity);
  }
  appendJsonMember(out, "facility", facilityName(message.facility));
  appendJsonMember(out, "severity", severityName(message.severity));
  if (message.time) appendJsonMember(out, "timestamp", occurred);
  appendJsonMember(out, "received", formatTime(line.received_us));
  const auto field = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) appendJsonMember(out, key, value);
  };
  field("hostname", message.hostname);
  field("app", message.app);
  field("procid", message.procid);
  field("msgid", message.msgid);
  if (!message.structured_data.empty()) appendStructuredData(out, message.structured_data);
  appendJsonMember(out, "message", message.text);
  appendJsonMember(out, "source", line.source);
  appendJsonMember(out, "transport", line.transport);
  if (line.truncated) out += ",\"truncated\":true";
  out += '}';
  return out;
}

}  // namespace

void appendIncident(std::string& out, const Line& line, const Rule& rule, const Captures& captures, const Zone& zone) {
  const Message& message = line.message;
  const std::string occurred =
      formatTime(message.time ? toTimeUs(*message.time, zone, line.received_us) : line.received_us);
  std::string name = rule.title.render(line, captures, kNameBytesMax);
  if (name.empty()) name = rule.name;
  out += '{';
  appendJsonMember(out, "name", name);
  if (!rule.type.empty()) appendJsonMember(out, "type", rule.type);
  out += ",\"severity\":";
  // Without a PRI the severity is not known, whatever RFC 3164 supposes for relaying.
  out += !rule.level.empty() ? std::string_view(rule.level)
                             : (message.has_priority ? incidentSeverityOf(message.severity) : "0");
  appendJsonMember(out, "occurred", occurred);
  appendJsonMember(out, "details", message.text);
  appendLabels(out, line, rule, captures);
  appendJsonMember(out, "rawJSON", rawJson(line, occurred));
  out += '}';
}

}  // namespace syslog_plugin
