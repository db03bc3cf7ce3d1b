// The header of an answer that an instance gives, checked and written anew: a plugin cannot put a second answer, a
// length or a hop-by-hop field into it, and its pages are no part of the dashboard's site (docs/decisions/0126). Pure;
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/http/route_request.h"
#include "host/services/http_port.h"

namespace longhaul::host::http {

enum class Framing : std::uint8_t {
  None,    // no body, whatever comes
  Length,  // of so many bytes
  Chunks,
};

struct AnswerHead {
  std::string bytes;
  Framing framing = Framing::None;
};

// `content_length` -1: unknown. `date`: the field Date. An error says what is wrong with the answer.
Result<AnswerHead> writeAnswerHead(const RouteRequest& request, int status,
                                   const std::vector<services::HttpField>& fields, std::int64_t content_length,
                                   bool keep_alive, std::string_view date);

// Of a WebSocket that is taken up; the subprotocol is one that the client offered, or none.
Result<std::string> writeUpgrade(const RouteRequest& request, const std::vector<services::HttpField>& fields,
                                 std::string_view date);

// As the field Date has it (RFC 9110, 5.6.7). Seconds since 1970.
std::string httpDate(std::int64_t seconds);

}  // namespace longhaul::host::http
