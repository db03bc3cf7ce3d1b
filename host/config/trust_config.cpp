#include "host/config/trust_config.h"

#include <fmt/format.h>

#include <array>

#include "host/config/object_reader.h"

namespace longhaul::host::config {
namespace {

using catalog::TrustMode;

constexpr std::array kModes{TrustMode::Any, TrustMode::Pinned, TrustMode::Signed};

}  // namespace

void readTrust(const Document& document, const std::string& pointer, uid_t uid, catalog::TrustSettings& into,
               std::vector<Problem>& problems) {
  ObjectReader reader{document, pointer, problems};
  std::vector<std::string> words;
  for (const TrustMode mode : kModes)
    words.emplace_back(toText(mode));
  if (const auto mode = reader.choice("mode", words)) into.mode = kModes.at(*mode);
  catalog::TrustSettings here;
  reader.texts("keys", here.keys);
  reader.texts("digests", here.digests);
  reader.finish();
  const auto trust = catalog::Trust::read(here, uid);
  for (const auto& fault : trust.faults()) {
    const char* key = fault.of_key ? "keys" : "digests";
    problems.push_back(document.problemAt(pointerTo(reader.pointer(key), fault.index),
                                          fmt::format("trust.{}: {}", key, fault.message)));
  }
  if (reader.has("keys")) into.keys = std::move(here.keys);
  if (reader.has("digests")) into.digests = std::move(here.digests);
}

void checkTrust(const catalog::TrustSettings& trust, const std::string& origin, std::vector<Problem>& problems) {
  const auto lacks = [&](std::string_view key, std::string_view what) {
    problems.push_back(
        {.pointer = fmt::format("/trust/{}", key),
         .message = fmt::format("trust.mode is {} ({}) and trust.{} is empty, so that no plugin would be "
                                "taken; add {}",
                                toText(trust.mode), origin, key, what)});
  };
  if (trust.mode == TrustMode::Signed && trust.keys.empty())
    lacks("keys", "minisign's public keys, or paths of their files");
  if (trust.mode == TrustMode::Pinned && trust.digests.empty()) {
    lacks("digests", "SHA-256 digests, or the path of a file that sha256sum wrote");
  }
}

Json toJson(const catalog::TrustSettings& trust) {
  return {{"mode", toText(trust.mode)}, {"keys", trust.keys}, {"digests", trust.digests}};
}

}  // namespace longhaul::host::config
