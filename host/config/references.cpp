#include "host/config/references.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>

#include "host/base/files.h"
#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/config/problem.h"

namespace longhaul::host::config {
namespace {

// Base64 of anything larger would be more than kSecretBytesMax with what belongs to it.
constexpr std::size_t kSealedBytesMax = 2 * kSecretBytesMax;
constexpr std::string_view kForms = "\"${file:/path}\", \"${env:NAME}\" or \"${credential:NAME}\"";

bool isVariable(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// systemd allows any file name but those with a slash.
bool isCredential(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

bool isBase64(std::string_view text) {
  const auto digit = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/'; };
  while (text.ends_with('='))
    text.remove_suffix(1);
  return !text.empty() && text.size() <= kSealedBytesMax && std::all_of(text.begin(), text.end(), digit);
}

Error failed(const Reference& reference, std::string_view why) {
  return Error{Code::NotFound, fmt::format("the reference {}: {}", shown(reference), why)};
}

Result<std::string> readSecretFile(const Reference& reference, const std::string& path, bool check_mode) {
  if (check_mode) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      return failed(reference, systemError("the file cannot be read", errno).message);
    }
    if ((status.st_mode & S_IROTH) != 0) {
      return failed(reference,
                    fmt::format("everybody can read the file (mode {:04o}), wanted it closed to others; run: "
                                "chmod o-rwx {}",
                                status.st_mode & 07777, path));
    }
  }
  auto text = readFile(path, kSecretBytesMax);
  if (!text) return failed(reference, text.error().message);
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  return text;
}

Result<std::string> readRaw(const Reference& reference) {
  switch (reference.kind) {
    case Reference::Kind::File:
      return readSecretFile(reference, reference.name, true);
    case Reference::Kind::Credential: {
      const char* folder = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT: nothing sets it while the daemon runs
      if (folder == nullptr) {
        return failed(reference, "the daemon was given no credentials; add LoadCredential= to its unit");
      }
      return readSecretFile(reference, fmt::format("{}/{}", folder, reference.name), false);
    }
    case Reference::Kind::Encrypted:
      return failed(reference, "only the daemon has the keys that it was encrypted with");
    case Reference::Kind::Env:
      break;
  }
  const char* value = std::getenv(reference.name.c_str());  // NOLINT: likewise
  if (value == nullptr) return failed(reference, "the daemon's environment does not have it; set it and start anew");
  return std::string(value);
}

// In place. `at` is where it stands, as the reader is told.
Result<void> resolve(Json& value, const std::string& at, const ReferenceReader& reader,
                     std::vector<std::string>& secrets) {
  if (value.is_string()) {
    const auto reference = parseReference(value.get_ref<const std::string&>());
    if (!reference) return {};
    auto secret = reader(*reference, at);
    if (!secret) return std::move(secret).error();
    secrets.push_back(*secret);
    value = std::move(secret).value();
    return {};
  }
  const auto inside = [&](const std::string& step) { return at.empty() ? step : fmt::format("{}/{}", at, step); };
  if (value.is_object()) {
    for (auto& [key, part] : value.items()) {
      if (auto done = resolve(part, inside(key), reader, secrets); !done) return done;
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (auto done = resolve(value[i], inside(std::to_string(i)), reader, secrets); !done) return done;
    }
  }
  return {};
}

}  // namespace

std::optional<Reference> parseReference(std::string_view text) {
  if (!text.starts_with("${") || !text.ends_with('}')) return std::nullopt;
  const std::string_view inside = text.substr(2, text.size() - 3);
  const std::size_t colon = inside.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view kind = inside.substr(0, colon);
  const std::string name(inside.substr(colon + 1));
  if (kind == "file" && name.starts_with('/') && name.find('}') == std::string::npos &&
      name.find('\0') == std::string::npos) {
    return Reference{Reference::Kind::File, name};
  }
  if (kind == "env" && isVariable(name)) return Reference{Reference::Kind::Env, name};
  if (kind == "credential" && isCredential(name) && name.find('}') == std::string::npos) {
    return Reference{Reference::Kind::Credential, name};
  }
  if (kind == "encrypted" && isBase64(name)) return Reference{Reference::Kind::Encrypted, name};
  return std::nullopt;
}

std::string_view toText(Reference::Kind kind) {
  switch (kind) {
    case Reference::Kind::File:
      return "file";
    case Reference::Kind::Env:
      return "env";
    case Reference::Kind::Credential:
      return "credential";
    case Reference::Kind::Encrypted:
      break;
  }
  return "encrypted";
}

std::string shown(const Reference& reference) {
  const bool sealed = reference.kind == Reference::Kind::Encrypted;
  return fmt::format("${{{}:{}}}", toText(reference.kind), sealed ? "…" : reference.name);
}

std::optional<std::string> explainReference(std::string_view text) {
  if (!text.starts_with("${") || !text.ends_with('}') || parseReference(text)) return std::nullopt;
  const std::string_view inside = text.substr(2, text.size() - 3);
  const std::string_view kind = inside.substr(0, std::min(inside.find(':'), inside.size()));
  // The name is not shown: what was mistaken for a reference can be a secret.
  if (kind == "file") return "found a reference to a file without an absolute path; write \"${file:/path}\"";
  if (kind == "env") return "found a reference to a variable whose name is none; write \"${env:NAME}\"";
  if (kind == "credential") return "found a reference to a credential whose name is none; write \"${credential:NAME}\"";
  if (kind == "encrypted") {
    return "found an encrypted value that is cut or changed; write what \"longhaul secret encrypt\" printed, whole";
  }
  const std::string near = inside.find(':') == std::string_view::npos
                               ? std::string()
                               : didYouMean(kind, {"file", "env", "credential", "encrypted"});
  return fmt::format("found a reference of an unknown kind, wanted {}{}", kForms, near);
}

std::string_view plainSecretFault() {
  return "found a secret as a plain value, which everybody could read who can read this; write a reference: "
         "\"${file:/path}\", \"${env:NAME}\", \"${credential:NAME}\", or what \"longhaul secret encrypt\" prints";
}

Result<std::string> readReference(const Reference& reference) {
  auto secret = readRaw(reference);
  if (!secret) return secret;
  if (secret->size() > kSecretBytesMax) {
    return failed(reference, fmt::format("it has more than {} bytes", kSecretBytesMax));
  }
  if (!isUtf8(*secret)) return failed(reference, "it is not UTF-8; a binary secret must be encoded, as in base64");
  return secret;
}

Result<Resolved> resolveReferences(const Json& parameters, const ReferenceReader& reader) {
  Resolved resolved{.parameters = parameters, .secrets = {}};
  if (auto done = resolve(resolved.parameters, "", reader, resolved.secrets); !done) return std::move(done).error();
  return resolved;
}

}  // namespace longhaul::host::config
