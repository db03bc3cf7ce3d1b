// Answers: problem documents, status codes, and the bytes of an answer. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "host/admin/answer.h"
#include "host/http/request.h"

namespace longhaul::host::http {

std::string_view reasonPhrase(int status);
// The status of a failure of the service.
int statusOf(const admin::Failure& failure);
// RFC 9457, with our members (docs/API.md).
Response problem(int status, const admin::Failure& failure);
// The code follows from the status.
Response problem(int status, std::string detail, std::string hint = {});
Response toResponse(const admin::Answer& answer, int done_status);
// With its ETag; 304 without a body where If-None-Match has it.
Response toTaggedResponse(const admin::Answer& answer, int done_status, std::string_view if_none_match);

// `head`: without the body, with its length.
std::string serialize(const Response& response, bool head, bool keep_alive);

}  // namespace longhaul::host::http
