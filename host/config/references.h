// References to secrets: what they look like, and what they stand for. A secret is never in a message. Any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/json.h"
#include "host/base/result.h"

namespace longhaul::host::config {

struct Reference {
  enum class Kind { File, Env, Credential };
  Kind kind = Kind::File;
  std::string name;  // an absolute path, the name of a variable, the name of a credential
};

// "${file:/etc/longhaul/secret}" as the whole text; nothing: the text is no reference.
std::optional<Reference> parseReference(std::string_view text);
// For a text that is none but was meant as one (it begins with "${" and ends with "}"): why, and the remedy.
std::optional<std::string> explainReference(std::string_view text);

// Gives the secret; its error names the reference and never what it stands for.
using ReferenceReader = std::function<Result<std::string>(const Reference& reference)>;

// Files that others cannot read, the daemon's environment, systemd's credentials. One line end at the end is cut off;
// at most kSecretBytesMax; UTF-8. Blocking.
Result<std::string> readReference(const Reference& reference);

// The parameters with every reference replaced. The result is for the worker's channel alone.
Result<Json> resolveReferences(const Json& parameters, const ReferenceReader& reader);

}  // namespace longhaul::host::config
