// Between the host's table for HTTP and the plugin's values. Any thread.
#ifndef WEBHOOK_PLUGIN_HTTP_SIDE_H
#define WEBHOOK_PLUGIN_HTTP_SIDE_H

#include <cstddef>
#include <exception>
#include <optional>
#include <string>

#include "exchange.h"
#include "longhaul/http.h"
#include "longhaul/sdk/plugin.hpp"

namespace webhook_plugin {

// All but the body.
Request requestOf(const longhaul_http_request_t& asked);

// Reads the body to its end. A refusal: it is longer than `bytes_max` (413), or the client went (400).
std::optional<Refusal> readBody(const longhaul_http_request_t& asked, const longhaul_http_exchange_t& exchange,
                                std::size_t bytes_max, std::string& body);

// A client that is gone gets nothing, which is no failure of the plugin.
void sendAnswer(const longhaul_http_exchange_t& exchange, const Answer& answer);

// The table of a plugin with handle(request, exchange).
template <class Derived>
const longhaul_http_t* httpTable() noexcept {
  static constexpr longhaul_http_t kTable = {
      sizeof(longhaul_http_t), 0,
      [](longhaul_plugin_t* raw, const longhaul_http_request_t* request, const longhaul_http_exchange_t* exchange) {
        auto& plugin = static_cast<Derived&>(*reinterpret_cast<longhaul::Plugin*>(raw));
        try {
          plugin.handle(*request, *exchange);
          return longhaul_status_t{LONGHAUL_OK};
        } catch (const std::exception& error) {
          plugin.failed(error.what());
          return longhaul_status_t{LONGHAUL_INTERNAL};
        }
      }};
  return &kTable;
}

}  // namespace webhook_plugin

#endif
