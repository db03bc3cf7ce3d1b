#include "host/http/response.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "host/admin/etag.h"

namespace longhaul::host::http {
namespace {

struct Status {
  int status;
  std::string_view phrase;
  std::string_view code;  // of problems that are HTTP's own
};
constexpr std::array kStatuses{
    Status{200, "OK", ""},
    Status{201, "Created", ""},
    Status{303, "See Other", ""},
    Status{304, "Not Modified", ""},
    Status{400, "Bad Request", "INVALID"},
    Status{401, "Unauthorized", "UNAUTHENTICATED"},
    Status{403, "Forbidden", "NOT_GRANTED"},
    Status{404, "Not Found", "NOT_FOUND"},
    Status{405, "Method Not Allowed", "METHOD_NOT_ALLOWED"},
    Status{408, "Request Timeout", "TIMEOUT"},
    Status{409, "Conflict", "CONFLICT"},
    Status{412, "Precondition Failed", "PRECONDITION_FAILED"},
    Status{413, "Content Too Large", "TOO_LARGE"},
    Status{414, "URI Too Long", "TOO_LARGE"},
    Status{417, "Expectation Failed", "INVALID"},
    Status{421, "Misdirected Request", "NOT_GRANTED"},
    Status{422, "Unprocessable Content", "INVALID"},
    Status{426, "Upgrade Required", "INVALID"},
    Status{429, "Too Many Requests", "BUSY"},
    Status{431, "Request Header Fields Too Large", "TOO_LARGE"},
    Status{500, "Internal Server Error", "INTERNAL"},
    Status{501, "Not Implemented", "ABSENT"},
    Status{502, "Bad Gateway", "CLOSED"},
    Status{503, "Service Unavailable", "BUSY"},
    Status{504, "Gateway Timeout", "TIMEOUT"},
    Status{507, "Insufficient Storage", "STORE_FULL"},
};

const Status& find(int status) {
  for (const Status& each : kStatuses) {
    if (each.status == status) return each;
  }
  return find(500);
}

constexpr std::array<std::pair<std::string_view, int>, 18> kCodes{{{"INVALID", 400},
                                                                   {"RATE_LIMITED", 429},
                                                                   {"PRECONDITION_FAILED", 412},
                                                                   {"NOT_FOUND", 404},
                                                                   {"TOO_LARGE", 413},
                                                                   {"NOT_GRANTED", 403},
                                                                   {"UNAUTHENTICATED", 401},
                                                                   {"CONFLICT", 409},
                                                                   {"MISMATCH", 409},
                                                                   {"NEEDS_YES", 409},
                                                                   {"FENCED", 409},
                                                                   {"ALREADY_ANSWERED", 409},
                                                                   {"BUSY", 503},
                                                                   {"CLOSED", 503},
                                                                   {"STORE_FULL", 507},
                                                                   {"TIMEOUT", 504},
                                                                   {"ABSENT", 501},
                                                                   {"INTERNAL", 500}}};

}  // namespace

std::string_view reasonPhrase(int status) {
  return find(status).phrase;
}

int statusOf(const admin::Failure& failure) {
  if (failure.plan_is_at_fault) return 422;
  for (const auto& [code, status] : kCodes) {
    if (code == failure.code) return status;
  }
  return 500;
}

Response problem(int status, const admin::Failure& failure) {
  Json json = failure.more;
  json["type"] = "about:blank";
  json["title"] = reasonPhrase(status);
  json["status"] = status;
  json["code"] = failure.code;
  json["detail"] = failure.detail;
  if (!failure.field.empty()) json["field"] = failure.field;
  if (!failure.hint.empty()) json["hint"] = failure.hint;
  return {.status = status,
          .content_type = "application/problem+json",
          .body = dumpJson(json) + "\n",
          .retry_after = status == 503};
}

Response problem(int status, std::string detail, std::string hint) {
  return problem(status,
                 {.code = std::string(find(status).code), .detail = std::move(detail), .hint = std::move(hint)});
}

Response toResponse(const admin::Answer& answer, int done_status) {
  if (const auto* failure = std::get_if<admin::Failure>(&answer)) return problem(statusOf(*failure), *failure);
  return {.status = done_status, .body = std::get<std::string>(answer) + "\n"};
}

Response toTaggedResponse(const admin::Answer& answer, int done_status, std::string_view if_none_match) {
  Response response = toResponse(answer, done_status);
  const auto* text = std::get_if<std::string>(&answer);
  if (text == nullptr) return response;
  const std::string tag = admin::etagOf(*text);
  response.fields.emplace_back("ETag", tag);
  response.cache_control = "private, no-cache";  // kept, and asked for each time
  if (!admin::hasTag(if_none_match, tag, true)) return response;
  constexpr int kNotModified = 304;
  response.status = kNotModified;
  response.body.clear();
  return response;
}

std::string serialize(const Response& response, bool head, bool keep_alive) {
  constexpr int kNotModified = 304;  // has no body, and says nothing about one
  std::string text = fmt::format("HTTP/1.1 {} {}\r\nCache-Control: {}\r\nX-Content-Type-Options: nosniff\r\n",
                                 response.status, reasonPhrase(response.status), response.cache_control);
  if (response.status != kNotModified) text += fmt::format("Content-Type: {}\r\n", response.content_type);
  for (const auto& [name, value] : response.fields)
    text += fmt::format("{}: {}\r\n", name, value);
  if (!response.stream && response.status != kNotModified)
    text += fmt::format("Content-Length: {}\r\n", response.body.size());
  if (!response.allow.empty()) text += fmt::format("Allow: {}\r\n", response.allow);
  if (response.status == 401 && response.fields.empty()) text += "WWW-Authenticate: Bearer\r\n";
  if (response.retry_after) text += "Retry-After: 1\r\n";
  if (!keep_alive) text += "Connection: close\r\n";
  text += "\r\n";
  if (!head) text += response.body;
  return text;
}

}  // namespace longhaul::host::http
