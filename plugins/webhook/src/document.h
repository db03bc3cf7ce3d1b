// The body of a request as a JSON document: JSON itself, or a form as an object of texts (a name that comes twice: an
// array). A form whose field `payload` holds JSON, as GitHub and Slack post it, is that JSON. Pure; any thread.
#ifndef WEBHOOK_PLUGIN_DOCUMENT_H
#define WEBHOOK_PLUGIN_DOCUMENT_H

#include <nlohmann/json.hpp>
#include <optional>

#include "exchange.h"

namespace webhook_plugin {

using Json = nlohmann::json;

struct Document {
  std::optional<Refusal> refusal;  // 415: another content type or encoding; 400: the body is not what it says
  Json json;
  std::string text;  // the JSON as it came, or as the form made it
};

Document readDocument(const Request& request);

}  // namespace webhook_plugin

#endif
