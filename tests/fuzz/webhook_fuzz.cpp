// What a stranger can send to the webhook plugin: a body of either kind becomes a document, the document incidents by a
// mapping that uses everything, and signatures are read. Whatever the bytes, a refusal has its sentence, incidents are
// JSON that the host takes, and no signature is taken that was not made.
#include <cstdlib>
#include <string>

#include "longhaul/sdk/detail/json_object.hpp"
#include "mapping.h"
#include "occurred.h"
#include "signature.h"
#include "text.h"

namespace {

using namespace webhook_plugin;

void must(bool holds) {
  if (!holds) std::abort();
}

const Mapping& mapping(bool of_array) {
  static const Mapping kWhole(
      "name: {/a|/name} {/b/c|^/0/x|-}\ntype: {query t}\nseverity: {/s}\noccurred: {/t|/0}\ndetails: {{{/d}}}\n"
      "only {/only|yes}: y*s, *\nskip {/skip}: a*b*c\nlabel l: {header x}{path}{client}\nfield f: {/f}\nid: {/id}\n",
      "Webhook");
  static const Mapping kArray("incidents: /a\n", "Webhook");
  return of_array ? kArray : kWhole;
}

void document(const Request& request) {
  const Document document = readDocument(request);
  if (document.refusal) {
    must(!document.refusal->reason.empty() && document.refusal->status >= 400);
    return;
  }
  must(longhaul::detail::checkJson(document.text));
  for (const bool of_array : {false, true}) {
    const Mapped mapped = mapping(of_array).map(document, request);
    must(!mapped.refusal || mapped.incidents.empty());
    const std::string json = longhaul::toJson(mapped.incidents);
    must(Json::accept(json));  // it may be nested deeper than the host takes, which the host says
    for (const longhaul::Incident& incident : mapped.incidents)
      must(!incident.name.empty() && incident.name.find('\n') == std::string::npos);
    mapping(of_array).deliveryId(document, request);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Request request{"POST", "/" + bytes.substr(0, 20), bytes.substr(0, 100), "192.0.2.7", {}, bytes};
  request.fields.emplace_back("x", bytes.substr(0, 50));
  request.fields.emplace_back("content-type", (data[0] & 1) == 0   ? "application/json"
                                              : (data[0] & 2) == 0 ? "application/x-www-form-urlencoded"
                                                                   : bytes.substr(0, 40));
  document(request);
  request.fields.emplace_back("x-hub-signature-256", "sha256=" + bytes);
  request.fields.emplace_back("x-slack-signature", bytes);
  request.fields.emplace_back("x-slack-request-timestamp", bytes.substr(0, 12));
  request.fields.emplace_back("x-mac", bytes);
  for (const Scheme scheme : {Scheme::kHeader, Scheme::kGithub, Scheme::kSlack, Scheme::kHmac})
    must(verify({scheme, {"a secret that no input has"}, "x-mac", 300}, request, 1'700'000'000).refusal.has_value());
  if (const auto time = readOccurred(bytes)) must(time->size() >= 20 && time->back() == 'Z');
  if (!bytes.empty()) must(globMatches("*", bytes) && globMatches(bytes + "*", bytes));
  return 0;
}
