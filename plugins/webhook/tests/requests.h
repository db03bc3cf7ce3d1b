// Requests as these tests need them. Values; any thread.
#ifndef WEBHOOK_PLUGIN_TESTS_REQUESTS_H
#define WEBHOOK_PLUGIN_TESTS_REQUESTS_H

#include <string>
#include <utility>
#include <vector>

#include "document.h"
#include "exchange.h"
#include "settings.h"

namespace webhook_plugin {

inline Request post(std::string body, std::vector<Field> fields = {}, std::string type = "application/json") {
  Request request{"POST", "/", "", "192.0.2.7", std::move(fields), std::move(body)};
  if (!type.empty()) request.fields.emplace_back("content-type", std::move(type));
  return request;
}

inline Request form(std::string body, std::vector<Field> fields = {}) {
  return post(std::move(body), std::move(fields), "application/x-www-form-urlencoded");
}

// Settings of these parameters, "name=value".
inline Settings settingsOf(const std::vector<Field>& parameters) {
  return readSettings([&](std::string_view name) -> std::optional<std::string> {
    for (const auto& [key, value] : parameters)
      if (key == name) return value;
    return std::nullopt;
  });
}

}  // namespace webhook_plugin

#endif
