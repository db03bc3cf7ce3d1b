// What a worker says of an answer, held to what may leave: a worker may be a stranger's code from end to end. Private
// to this room; pure.
#pragma once

#include <string>
#include <string_view>

#include "host/protocol/http_records.h"
#include "host/services/http_port.h"

namespace longhaul::host::supervisor {

// What is wrong with the begin of this request's answer; empty: nothing. 101 is for WebSockets alone; names are in
// lower case, and none is of the connection or the host's own.
std::string headFault(const services::HttpAsked& asked, const protocol::HttpHead& head);
// The answer has a body that travels.
bool answerHasBody(const services::HttpAsked& asked, std::uint32_t status);
// That may be sent in a close frame (RFC 6455, 7.4).
bool isCloseCode(std::uint16_t code);

}  // namespace longhaul::host::supervisor
