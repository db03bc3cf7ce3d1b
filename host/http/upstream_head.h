// HTTP/1.1 as a client: the header of a request to a plugin's own server, and the header of its answer, read strictly.
// What two readers could understand differently is no answer. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/services/http_port.h"

namespace longhaul::host::http {

// `key` of a WebSocket: 16 bytes in base64, this host's own; empty of any other request.
std::string writeUpstreamRequest(const services::HttpAsked& asked, std::string_view key);

enum class UpstreamBody : std::uint8_t {
  None,
  Length,
  Chunks,
  UntilClose,  // it ends with the connection
};

struct UpstreamAnswer {
  int status = 0;
  std::vector<services::HttpField> fields{};  // names in lower case; hop-by-hop ones are left out
  UpstreamBody body = UpstreamBody::None;
  std::int64_t content_length = -1;  // that it says, also of HEAD; -1: none
  bool keep_alive = true;
};

// `bytes`: the header with its empty line. An error is a sentence about the server. Of 101 the handshake is checked
// against `key`; where none was asked for, it is an error.
Result<UpstreamAnswer> readUpstreamAnswer(std::string_view bytes, const services::HttpAsked& asked,
                                          std::string_view key);

}  // namespace longhaul::host::http
