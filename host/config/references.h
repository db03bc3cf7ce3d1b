// References to secrets: what they look like, and what they stand for. A secret is never in a message. An encrypted
// value is a reference too; its keys are the daemon's, so its reader is given from outside. Any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/base/result.h"

namespace longhaul::host::config {

struct Reference {
  enum class Kind { File, Env, Credential, Encrypted };
  Kind kind = Kind::File;
  std::string name;  // an absolute path, the name of a variable, the name of a credential, base64
};

// "${file:/etc/longhaul/secret}" as the whole text; nothing: the text is no reference.
std::optional<Reference> parseReference(std::string_view text);
// "${file:/etc/longhaul/secret}" again; of an encrypted one "${encrypted:…}".
std::string shown(const Reference& reference);
// "file", "env", "credential", "encrypted".
std::string_view toText(Reference::Kind kind);
// For a text that is none but was meant as one (it begins with "${" and ends with "}"): why, and the remedy.
std::optional<std::string> explainReference(std::string_view text);

// What is wrong with a secret as a plain value, and the remedy.
std::string_view plainSecretFault();

// Gives the secret; its error names the reference and never what it stands for. `parameter` is where it stands:
// "token", "login/password".
using ReferenceReader = std::function<Result<std::string>(const Reference& reference, const std::string& parameter)>;

// Files that others cannot read, the daemon's environment, systemd's credentials. One line end at the end is cut off;
// at most kSecretBytesMax; UTF-8. Blocking. Not for encrypted ones.
Result<std::string> readReference(const Reference& reference);

// The parameters with every reference replaced. They are for the worker's channel alone.
struct Resolved {
  Json parameters;
  std::vector<std::string> secrets;  // what references stand for: to be kept out of logs
};
Result<Resolved> resolveReferences(const Json& parameters, const ReferenceReader& reader);

}  // namespace longhaul::host::config
