// The one validator of an instance's parameters against its plugin's manifest: for files, API, command line and
// dashboard alike. Every fault is found at once, each with its pointer and remedy. Secrets are references; they stand
// unresolved in every file, record, plan and message, and become values only for a worker's start. Any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/catalog/manifest.h"
#include "host/config/problem.h"

namespace longhaul::host::config {

// `parameters` is an object name → value, null counts as absent. `pointer` is put in front of the problems' pointers.
// Not checked here: whether a reference can be resolved, and what an address collides with.
std::vector<Problem> checkParameters(const catalog::Manifest& manifest, const Json& parameters,
                                     const std::string& pointer);

// What the plugin is given: the defaults of the manifest under what the operator set. References stay references.
Json withDefaults(const catalog::Manifest& manifest, const Json& parameters);

// ---------------------------------------------------------------- references

struct Reference {
  enum class Kind { File, Env, Credential };
  Kind kind = Kind::File;
  std::string name;  // an absolute path, the name of a variable, the name of a credential
};

// "${file:/etc/longhaul/secret}" as the whole text; nothing: the text is no reference.
std::optional<Reference> parseReference(std::string_view text);

// Gives the secret; its error names the reference and never what it stands for.
using ReferenceReader = std::function<Result<std::string>(const Reference& reference)>;

// Files that others cannot read, the daemon's environment, systemd's credentials. One line end at the end is cut off;
// at most kSecretBytesMax; UTF-8. Blocking.
Result<std::string> readReference(const Reference& reference);

// The parameters with every reference replaced. The result is for the worker's channel alone.
Result<Json> resolveReferences(const Json& parameters, const ReferenceReader& reader);

}  // namespace longhaul::host::config
