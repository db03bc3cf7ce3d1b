// What the tests of this room share: one manifest with a parameter of every type, files as texts, and the first problem
// of a result as text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/catalog/manifest.h"
#include "host/config/instances.h"
#include "host/config/plan.h"
#include "host/config/problem.h"

namespace longhaul::host::test {

using namespace config;

inline const char* const kEdgeManifest = R"({
  "id": "edge", "version": "1.2.0",
  "parameters": [
    {"name": "listen", "display": "Listen on", "type": "address", "required": true, "default": "127.0.0.1:5514"},
    {"name": "protocol", "type": "singleSelect", "options": ["udp", "tcp", "both"], "default": "udp"},
    {"name": "title", "type": "shortText"},
    {"name": "notes", "type": "longText"},
    {"name": "count", "type": "number"},
    {"name": "verify", "type": "boolean"},
    {"name": "token", "type": "encrypted"},
    {"name": "key", "type": "encryptedLongText"},
    {"name": "login", "type": "authentication"},
    {"name": "tags", "type": "multiSelect", "options": ["a", "b", "c"]},
    {"name": "incidentType", "type": "incidentType", "default": "Syslog"},
    {"name": "every", "type": "interval"},
    {"name": "pin", "type": "shortText", "secret": true}
  ],
  "listeners": [
    {"name": "in", "parameter": "listen", "transport": "udp", "when": {"parameter": "protocol", "in": ["udp", "both"]}},
    {"name": "in-tcp", "parameter": "listen", "transport": "tcp", "when": {"parameter": "protocol", "in": ["tcp", "both"]}}
  ],
  "grants": {"serverApi": ["createIncidents"], "network": {"mode": "connect", "ports": [443]}}
})";

inline catalog::Manifest manifestOf(std::string_view text) {
  auto manifest = catalog::parseManifest(text);
  LONGHAUL_CHECK(manifest.has_value(), "the manifest of the test is good");
  return std::move(manifest).value();
}

// Of every problem one line.
inline std::string textOf(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems)
    text += (text.empty() ? "" : "\n") + toText(problem);
  return text;
}

inline InstanceSet instances(std::string_view text) {
  return parseInstances(text, "edge.yaml", RestartConfig{});
}

}  // namespace longhaul::host::test
