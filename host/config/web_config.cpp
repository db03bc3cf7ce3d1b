#include "host/config/web_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "host/config/object_reader.h"

namespace longhaul::host::config {
namespace {

constexpr std::size_t kHostsMax = 100;
constexpr std::size_t kListenMax = 16;

bool isLoopback(const Address& address) {
  return address.host == "::1" || address.host.starts_with("127.");
}

// As a file may have it: null is absent, and an empty text is no path.
Json pathOrNull(const std::filesystem::path& path) {
  return path.empty() ? Json{} : Json(path.native());
}

bool isHostName(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

void readFile(ObjectReader& reader, const char* key, std::filesystem::path& into) {
  std::optional<std::string> text;
  reader.text(key, text);
  if (!text) return;
  if (!std::filesystem::path(*text).is_absolute()) {
    return reader.fail(key, fmt::format("found {}, wanted a path from the root: \"/…\"", describe(Json(*text))));
  }
  into = *text;
}

void readListen(const Document& document, ObjectReader& reader, WebConfig& into, std::vector<Problem>& problems) {
  std::vector<std::string> texts;
  reader.texts("listen", texts);
  if (!reader.has("listen")) return;
  if (texts.size() > kListenMax) {
    return reader.fail("listen", fmt::format("found {} addresses, at most {} are taken", texts.size(), kListenMax));
  }
  into.listen.clear();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto address = parseAddress(Json(texts[i]));
    if (address && !address->isUnix()) {
      into.listen.push_back(*std::move(address));
      continue;
    }
    const std::string fault = address ? fmt::format("found {}, wanted a TCP address; the Unix socket is always there",
                                                    describe(Json(texts[i])))
                                      : address.error().message;
    problems.push_back(
        document.problemAt(pointerTo(reader.pointer("listen"), i), fmt::format("http.listen: {}", fault)));
  }
}

}  // namespace

void readWeb(const Document& document, const std::string& pointer, WebConfig& into, std::vector<Problem>& problems) {
  ObjectReader reader{document, pointer, problems};
  readListen(document, reader, into, problems);
  readFile(reader, "certificate", into.certificate);
  readFile(reader, "key", into.key);
  std::vector<std::string> hosts;
  reader.texts("hosts", hosts);
  reader.finish();
  if (hosts.size() > kHostsMax) {
    return reader.fail("hosts", fmt::format("found {} names, at most {} are taken", hosts.size(), kHostsMax));
  }
  for (const std::string& host : hosts) {
    if (isHostName(host)) continue;
    return reader.fail("hosts", fmt::format("found {}, wanted a name in lower case without a port, as in a browser's "
                                            "address: longhaul.example.org",
                                            describe(Json(host))));
  }
  if (reader.has("hosts")) into.hosts = std::move(hosts);
}

void checkWeb(const WebConfig& web, const std::map<std::string, std::string>& origins, std::vector<Problem>& problems) {
  const bool tls = !web.certificate.empty();
  if (tls != !web.key.empty()) {
    problems.push_back(
        {.pointer = tls ? "/http/key" : "/http/certificate",
         .message = fmt::format("http.{} is given ({}) and http.{} is not; TLS needs both", tls ? "certificate" : "key",
                                origins.at(tls ? "http.certificate" : "http.key"), tls ? "key" : "certificate")});
  }
  if (tls) return;
  for (const Address& address : web.listen) {
    if (isLoopback(address)) continue;
    problems.push_back(
        {.pointer = "/http/listen",
         .message = fmt::format("http.listen has {} ({}), which other machines can reach, and there is no TLS: tokens "
                                "would cross the network in the clear; give http.certificate and http.key, or listen "
                                "on 127.0.0.1 behind a proxy",
                                toText(address), origins.at("http.listen"))});
  }
}

Json toJson(const WebConfig& web) {
  Json listen = Json::array();
  for (const Address& address : web.listen)
    listen.push_back(toText(address));
  return {{"listen", std::move(listen)},
          {"certificate", pathOrNull(web.certificate)},
          {"key", pathOrNull(web.key)},
          {"hosts", web.hosts}};
}

}  // namespace longhaul::host::config
