#include "host/config/http_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/config/references.h"

namespace longhaul::host::config {
namespace {

constexpr std::size_t kUserBytesMax = 256;
constexpr std::size_t kHeaderBytesMax = 64;

// In the order of Access.
const std::vector<std::string>& words() {
  static const std::vector<std::string> kWords{"closed", "none", "basic", "header", "token"};
  return kWords;
}

// RFC 9110, 5.6.2.
bool isToken(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

// Fields that say how a message is read, or that proxies write: no place for a key.
bool isTaken(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::array<std::string_view, 13> kTaken{
      "connection", "content-length", "content-type",     "cookie", "expect",
      "host",       "keep-alive",     "proxy-connection", "te",     "trailer",
      "upgrade",    "forwarded",      "transfer-encoding"};
  return std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end() || name.starts_with("x-forwarded-") ||
         name.starts_with("sec-");
}

void readUser(ObjectReader& reader, HttpAccess& access) {
  reader.text("user", access.user);
  const bool has_control = std::any_of(access.user.begin(), access.user.end(),
                                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (access.user.size() > kUserBytesMax || has_control || access.user.find(':') != std::string::npos) {
    reader.fail("user", fmt::format("found {}, wanted a name of at most {} bytes without a colon and on one line",
                                    describe(access.user), kUserBytesMax));
  }
}

void readHeaderName(ObjectReader& reader, HttpAccess& access) {
  reader.text("header", access.header);
  if (access.header.empty()) return;
  if (!isToken(access.header) || access.header.size() > kHeaderBytesMax) {
    reader.fail("header", fmt::format("found {}, wanted the name of a header field, as in \"X-Api-Key\"",
                                      describe(access.header)));
  } else if (isTaken(access.header)) {
    reader.fail("header", fmt::format("found {}, which has a meaning of its own in HTTP; choose another one, as in "
                                      "\"X-Api-Key\"",
                                      describe(access.header)));
  }
}

// What only another access has: an operator who writes it believes that it counts.
void refuseOthers(ObjectReader& reader, const HttpAccess& access) {
  const auto only = [&](const char* key, bool fits, std::string_view of) {
    if (reader.value(key) == nullptr || fits) return;
    reader.fail(
        key, fmt::format("it is of the access {} alone, and this one is {}; take it out", of, toText(access.access)));
  };
  only("user", access.access == Access::Basic, "basic");
  only("header", access.access == Access::Header, "header");
  only("secret", access.hasSecret(), "basic, header and token");
}

}  // namespace

std::string_view toText(Access access) {
  return words()[static_cast<std::size_t>(access)];
}

void readHttpAccess(const Document& document, const std::string& pointer, HttpAccess& access,
                    std::vector<Problem>& problems) {
  ObjectReader reader{document, pointer, problems};
  const std::size_t before = problems.size();
  if (!reader.has("access")) reader.missing("access", "add \"access: token\", or basic, header, none or closed");
  if (const auto chosen = reader.choice("access", words())) access.access = static_cast<Access>(*chosen);
  if (problems.size() == before) refuseOthers(reader, access);
  readUser(reader, access);
  readHeaderName(reader, access);
  reader.text("secret", access.secret);
  reader.finish();
  if (problems.size() != before) return;
  if (access.access == Access::Basic && access.user.empty()) reader.missing("user", "add \"user: NAME\"");
  if (access.access == Access::Header && access.header.empty()) {
    reader.missing("header", "add the name of the field, as in \"header: X-Api-Key\"");
  }
  if (access.hasSecret() && access.secret.empty()) {
    reader.missing("secret", "add a reference, as in \"secret: ${file:/path}\"");
  }
}

std::vector<Problem> checkHttpAccess(const HttpAccess& access, const std::string& pointer) {
  std::vector<Problem> problems;
  if (!access.hasSecret() || access.secret.empty() || parseReference(access.secret)) return problems;
  const auto wrong = explainReference(access.secret);
  problems.push_back({.pointer = pointerTo(pointer, "secret"),
                      .message = fmt::format("http.secret: {}", wrong ? *wrong : plainSecretFault())});
  return problems;
}

Json httpRecord(const HttpAccess& access) {
  Json record{{"access", toText(access.access)}};
  if (!access.user.empty()) record["user"] = access.user;
  if (!access.header.empty()) record["header"] = access.header;
  if (!access.secret.empty()) record["secret"] = access.secret;
  return record;
}

HttpAccess httpFromRecord(const Json& record) {
  HttpAccess access;
  if (!record.is_object()) return access;
  const auto text = [&](const char* key) {
    const auto found = record.find(key);
    return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto word = std::find(words().begin(), words().end(), text("access"));
  if (word == words().end()) return access;
  access.access = static_cast<Access>(word - words().begin());
  access.user = text("user");
  access.header = text("header");
  access.secret = text("secret");
  return access;
}

}  // namespace longhaul::host::config
