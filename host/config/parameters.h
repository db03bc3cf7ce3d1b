// The one validator of an instance's parameters against its plugin's manifest: for files, API, command line and
// dashboard alike. Every fault is found at once, each with its pointer and remedy. Secrets are references
// (references.h); they stand unresolved in every file, record, plan and message, and become values only for a worker's
// start. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/catalog/manifest.h"
#include "host/config/problem.h"

namespace longhaul::host::config {

// `parameters` is an object name → value, null counts as absent. `pointer` is put in front of the problems' pointers.
// Not checked here: whether a reference can be resolved, and what an address collides with.
std::vector<Problem> checkParameters(const catalog::Manifest& manifest, const Json& parameters,
                                     const std::string& pointer);

// What somebody means who writes this text for the parameter, on a command line: numbers and booleans as such, lists
// apart at their commas. A text that is none of its type stays a text, for checkParameters to say so.
Json fromText(const catalog::Parameter& parameter, const std::string& text);

// The pieces of a list as people write it: "a, b". Blanks around a piece are not of it, and an empty piece is none.
Json listFromText(std::string_view text);

// What the plugin is given: the defaults of the manifest under what the operator set. References stay references.
Json withDefaults(const catalog::Manifest& manifest, const Json& parameters);

}  // namespace longhaul::host::config
