// The header of a request, read strictly from its bytes: what two readers could understand differently is refused.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/services/http_port.h"

namespace longhaul::host::http {

// Why a request is not answered; the connection is closed after it.
struct Refusal {
  int status = 400;
  std::string detail;
};

struct Header {
  std::string method;
  std::string target;
  std::uint64_t content_length = 0;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
  std::string last_event_id{};
  std::string authorization{};
  std::string if_match{};
  std::string if_none_match{};
  std::string accept_encoding{};
  std::string host{};
  std::vector<services::HttpField> fields{};  // all, in their order, names in lower case
};

// The path is of an instance's route: its body and its answer go by pieces, so that no length is too large.
bool isRouted(std::string_view target);
bool isToken(std::string_view text);  // of RFC 9110, 5.6.2

// `bytes`: the header with its empty line. A body that is too large is refused here, except for a route.
std::variant<Header, Refusal> readHeader(std::string_view bytes);

// No control character but HTAB, and CR and LF only together; a CR at the very end may still get its LF.
bool hasCleanLines(std::string_view bytes);

// What of a header came so far can still become one: the bytes are such as a header has, and not too many.
std::optional<Refusal> checkUnfinished(std::string_view bytes);

}  // namespace longhaul::host::http
