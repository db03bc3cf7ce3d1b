// Between the host's table for HTTP and the plugin's values. Any thread.
#ifndef EDL_PLUGIN_HTTP_SIDE_H
#define EDL_PLUGIN_HTTP_SIDE_H

#include <exception>

#include "longhaul/http.h"
#include "longhaul/sdk/plugin.hpp"
#include "publisher.h"

namespace edl_plugin {

Asked askedBy(const longhaul_http_request_t& request);

// A client that is gone gets nothing, which is no failure of the plugin.
void sendAnswer(const longhaul_http_exchange_t& exchange, const Answer& answer);

// The table of a plugin with handle(request, exchange) and failed(what).
template <class Derived>
struct HttpTable {
  static longhaul_status_t handle(longhaul_plugin_t* raw, const longhaul_http_request_t* request,
                                  const longhaul_http_exchange_t* exchange) {
    auto& plugin = static_cast<Derived&>(*reinterpret_cast<longhaul::Plugin*>(raw));
    try {
      plugin.handle(*request, *exchange);
    } catch (const std::exception& error) {
      plugin.failed(error.what());
      return LONGHAUL_INTERNAL;
    }
    return LONGHAUL_OK;
  }
  static constexpr longhaul_http_t kTable = {sizeof(longhaul_http_t), 0, &handle};
};

}  // namespace edl_plugin

#endif
