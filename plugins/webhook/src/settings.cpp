#include "settings.h"

#include <algorithm>

#include "settings_error.h"
#include "text.h"

namespace webhook_plugin {
namespace {

std::int64_t numberOf(const ParameterLookup& lookup, std::string_view name, std::int64_t otherwise, std::int64_t min,
                      std::int64_t max) {
  const auto text = lookup(name);
  if (!text) return otherwise;
  std::int64_t number = -1;
  if (longhaul::detail::readNumber(*text, number) && number >= min && number <= max) return number;
  throw SettingsError(std::string(name) + " is \"" + *text + "\"; write a whole number from " + std::to_string(min) +
                      " to " + std::to_string(max));
}

bool flagOf(const ParameterLookup& lookup, std::string_view name, bool otherwise) {
  const auto text = lookup(name);
  if (!text) return otherwise;
  if (*text == "true" || *text == "false") return *text == "true";
  throw SettingsError(std::string(name) + " is \"" + *text + "\"; write true or false");
}

// The name of a header field, in lower case.
std::string fieldOf(const ParameterLookup& lookup, std::string_view name, std::string_view otherwise) {
  const std::string text = lowered(trimmed(lookup(name).value_or(std::string(otherwise))));
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  const bool good = std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
  });
  if (!good) throw SettingsError(std::string(name) + " is \"" + text + "\"; write the name of one header field");
  return text;
}

Scheme schemeOf(std::string_view name) {
  constexpr std::pair<std::string_view, Scheme> kSchemes[] = {{"none", Scheme::kNone},
                                                              {"header", Scheme::kHeader},
                                                              {"github", Scheme::kGithub},
                                                              {"slack", Scheme::kSlack},
                                                              {"hmac", Scheme::kHmac}};
  for (const auto& [text, scheme] : kSchemes)
    if (text == name) return scheme;
  throw SettingsError("verify is \"" + std::string(name) + "\"; write none, header, github, slack or hmac");
}

Verification readVerification(const ParameterLookup& lookup) {
  Verification verification;
  verification.scheme = schemeOf(lookup("verify").value_or(""));
  if (verification.scheme == Scheme::kNone) return verification;
  // Blanks around a secret are of the file that it came from.
  for (const char* name : {"secret", "previousSecret"}) {
    std::string secret(trimmed(lookup(name).value_or("")));
    if (!secret.empty()) verification.secrets.push_back(std::move(secret));
  }
  if (trimmed(lookup("secret").value_or("")).empty())
    throw SettingsError("secret is empty, and verify is \"" + *lookup("verify") +
                        "\"; give the secret that the sender has, or write verify: none");
  const bool is_header = verification.scheme == Scheme::kHeader;
  if (is_header || verification.scheme == Scheme::kHmac) {
    const char* otherwise = is_header ? "x-webhook-secret" : "x-signature-256";
    verification.field = fieldOf(lookup, "header", otherwise);
    if (verification.field.empty()) verification.field = otherwise;
  }
  verification.timestamp_window_s = numberOf(lookup, "timestampWindowSeconds", 300, 1, 3600);
  return verification;
}

}  // namespace

Settings readSettings(const ParameterLookup& lookup) {
  Settings settings;
  settings.verification = readVerification(lookup);
  const std::string type(trimmed(lookup("incidentType").value_or("")));
  settings.mapping = Mapping(lookup("mapping").value_or(""), type.empty() ? "Webhook" : type);
  settings.delivery_field = fieldOf(lookup, "deliveryHeader", "x-github-delivery");
  settings.once = flagOf(lookup, "signedBodyOnce", true);
  settings.body_bytes_max = static_cast<std::size_t>(numberOf(lookup, "bodyKibMax", 1024, 1, kBodyKibMax)) << 10;
  settings.samples_max = static_cast<std::size_t>(numberOf(lookup, "samples", 10, 0, kSamplesMax));
  return settings;
}

}  // namespace webhook_plugin
