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

std::string shown(const Reference& reference) {
  const std::string_view kind = reference.kind == Reference::Kind::File  ? "file"
                                : reference.kind == Reference::Kind::Env ? "env"
                                                                         : "credential";
  return fmt::format("${{{}:{}}}", kind, reference.name);
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
    case Reference::Kind::Env:
      break;
  }
  const char* value = std::getenv(reference.name.c_str());  // NOLINT: likewise
  if (value == nullptr) return failed(reference, "the daemon's environment does not have it; set it and start anew");
  return std::string(value);
}

Result<Json> resolve(const Json& value, const ReferenceReader& reader) {
  if (value.is_string()) {
    const auto reference = parseReference(value.get_ref<const std::string&>());
    if (!reference) return value;
    auto secret = reader(*reference);
    if (!secret) return std::move(secret).error();
    return Json(std::move(secret).value());
  }
  if (!value.is_structured()) return value;
  Json resolved = value;
  for (Json& part : resolved) {
    auto done = resolve(part, reader);
    if (!done) return done;
    part = std::move(done).value();
  }
  return resolved;
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
  return std::nullopt;
}

std::optional<std::string> explainReference(std::string_view text) {
  if (!text.starts_with("${") || !text.ends_with('}') || parseReference(text)) return std::nullopt;
  const std::string_view inside = text.substr(2, text.size() - 3);
  const std::string_view kind = inside.substr(0, std::min(inside.find(':'), inside.size()));
  // The name is not shown: what was mistaken for a reference can be a secret.
  if (kind == "file") return "found a reference to a file without an absolute path; write \"${file:/path}\"";
  if (kind == "env") return "found a reference to a variable whose name is none; write \"${env:NAME}\"";
  if (kind == "credential") return "found a reference to a credential whose name is none; write \"${credential:NAME}\"";
  const std::string near =
      inside.find(':') == std::string_view::npos ? std::string() : didYouMean(kind, {"file", "env", "credential"});
  return fmt::format("found a reference of an unknown kind, wanted {}{}", kForms, near);
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

Result<Json> resolveReferences(const Json& parameters, const ReferenceReader& reader) {
  return resolve(parameters, reader);
}

}  // namespace longhaul::host::config
