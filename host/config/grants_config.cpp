#include "host/config/grants_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/text.h"

namespace longhaul::host::config {
namespace {

// One phrase of the list into the manifest's form; a sentence if it is none.
std::optional<std::string> addPhrase(const std::string& phrase, Json& grants) {
  const auto& calls = catalog::grantableCalls();
  if (std::find(calls.begin(), calls.end(), phrase) != calls.end()) {
    grants["serverApi"].push_back(phrase);
    return std::nullopt;
  }
  if (phrase == "processes") {
    grants["processes"] = true;
    return std::nullopt;
  }
  if (phrase == "network") {
    // Any port, whatever ports stand beside it.
    grants["network"] = Json{{"mode", "connect"}};
    return std::nullopt;
  }
  const std::size_t colon = phrase.find(':');
  const std::string kind = phrase.substr(0, colon);
  const std::string rest = colon == std::string::npos ? std::string() : phrase.substr(colon + 1);
  if (kind == "network" && colon != std::string::npos) {
    const auto port = parseInt(rest);
    if (!port || *port < 1 || *port > 65'535) return fmt::format("found {}, wanted \"network:PORT\"", describe(phrase));
    const bool any_port = grants.contains("network") && !grants["network"].contains("ports");
    if (!any_port) {
      grants["network"]["mode"] = "connect";
      grants["network"]["ports"].push_back(static_cast<std::uint64_t>(*port));
    }
    return std::nullopt;
  }
  if ((kind == "read" || kind == "write") && colon != std::string::npos) {
    grants["paths"][kind].push_back(rest);
    return std::nullopt;
  }
  std::vector<std::string> known = calls;
  for (const char* word : {"processes", "network"})
    known.emplace_back(word);
  return fmt::format(
      "found {}, wanted a server call that needs a grant, processes, network, \"network:PORT\", "
      "\"read:/PATH\" or \"write:/PATH\"{}",
      describe(phrase), didYouMean(phrase, known));
}

}  // namespace

std::optional<catalog::Grants> readGrants(const Document& document, const std::string& pointer,
                                          std::vector<Problem>& problems) {
  const Json& value = document.value().at(Json::json_pointer(pointer));
  const auto fail = [&](const std::string& at, const std::string& message) {
    problems.push_back(document.problemAt(at, "grants: " + message));
    return std::nullopt;
  };
  if (value.is_null() || value == "manifest") return std::nullopt;
  Json grants = Json::object();
  if (value.is_object()) {
    grants = value;
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!value[i].is_string()) {
        return fail(pointerTo(pointer, i),
                    fmt::format("found {}, wanted a text; put it in quotes", describe(value[i])));
      }
      if (const auto wrong = addPhrase(value[i].get<std::string>(), grants)) return fail(pointerTo(pointer, i), *wrong);
    }
  } else {
    return fail(pointer, fmt::format("found {}, wanted manifest, or a list of what is granted", describe(value)));
  }
  auto parsed = catalog::parseGrants(grants, "");
  if (parsed) return std::move(parsed).value();
  // The message begins with the pointer of what is wrong.
  const std::string& message = parsed.error().message;
  const std::string within = message.starts_with('/') ? message.substr(0, message.find(": ")) : std::string();
  return fail(value.is_object() ? pointer + within : pointer, message);
}

}  // namespace longhaul::host::config
