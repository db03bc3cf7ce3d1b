// How a document becomes incidents: an operator's text, one line each, parsed once.
//   incidents: /alerts                     an array; one incident for each element (else one for the document)
//   only {/action}: opened, re*            all of these have to fit, or the element is passed over
//   skip {/sender/type}: Bot               any of these passes it over
//   name: {/title|Webhook}                 templates, see template.h; likewise type, details, owner
//   severity: {/priority}                  a number 0 to 4, or a word
//   level P1: 4                            what a word of the sender's means
//   occurred: {/startsAt}                  RFC 3339, or seconds or milliseconds since 1970
//   id: {^/delivery}                       the delivery: two requests with the same id count once
//   label team: {/team}
//   field sourceip: {/source/ip}           a custom field; a value that is no text keeps its kind
// What is not named is as in kDefaults; # begins a comment. Immutable, any thread.
#ifndef WEBHOOK_PLUGIN_MAPPING_H
#define WEBHOOK_PLUGIN_MAPPING_H

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "document.h"
#include "longhaul/sdk/values.hpp"
#include "template.h"

namespace webhook_plugin {

struct Mapped {
  std::optional<Refusal> refusal;  // 422: not what the mapping wants; 413: more incidents than one call takes
  std::vector<longhaul::Incident> incidents;
  std::size_t skipped = 0;            // elements that only and skip passed over
  std::vector<std::string> warnings;  // what was there and could not be used, a few
};

class Mapping {
 public:
  // Throws SettingsError, which names the line.
  Mapping(std::string_view text, std::string default_type);

  Mapped map(const Document& document, const Request& request) const;

  // The delivery that the mapping names; empty: none.
  std::string deliveryId(const Document& document, const Request& request) const;

 private:
  struct Condition {
    Template value;
    std::vector<std::string> patterns;
    bool fits(const Scope& scope) const;
  };

  void readLine(std::string_view key, std::string_view value);
  bool isWanted(const Scope& scope) const;
  longhaul::Incident incidentOf(const Scope& scope, std::string raw, std::vector<std::string>& warnings) const;
  longhaul::Severity severityOf(const std::string& text, std::vector<std::string>& warnings) const;

  std::string default_type_;
  std::optional<Json::json_pointer> incidents_;
  std::string incidents_text_;
  Template name_, type_, details_, owner_, severity_, occurred_, id_;
  std::map<std::string, longhaul::Severity> levels_;  // word in lower case
  std::vector<Condition> only_, skip_;
  std::vector<std::pair<std::string, Template>> labels_, fields_;
};

}  // namespace webhook_plugin

#endif
