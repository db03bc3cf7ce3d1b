#include "host/cli/api.h"

#include <fmt/format.h>

#include <array>

#include "host/base/text.h"
#include "host/cli/output.h"
#include "host/cli/printable.h"

namespace longhaul::host::cli {

Code codeOf(const ApiAnswer& answer) {
  constexpr std::array kCodes{Code::Invalid,  Code::NotFound, Code::TooLarge,  Code::NotGranted, Code::Conflict,
                              Code::Mismatch, Code::Busy,     Code::StoreFull, Code::Timeout,    Code::Fenced,
                              Code::Closed,   Code::Absent,   Code::Internal};
  const std::string name = textAt(answer.body, "code");
  for (const Code code : kCodes) {
    if (codeName(code) == name) return code;
  }
  switch (answer.status) {
    case 401:
    case 403:
      return Code::NotGranted;
    case 404:
      return Code::NotFound;
    case 409:
      return Code::Conflict;
    case 408:
    case 504:
      return Code::Timeout;
    case 503:
      return Code::Busy;
    default:
      return answer.status < 500 ? Code::Invalid : Code::Internal;
  }
}

Target& Target::step(std::string_view name) {
  text_ += '/' + percentEncoded(name);
  return *this;
}

Target& Target::literal(std::string_view path) {
  text_ += path;
  return *this;
}

Target& Target::query(std::string_view key, std::string_view value) {
  text_ += fmt::format("{}{}={}", has_query_ ? '&' : '?', key, percentEncoded(value));
  has_query_ = true;
  return *this;
}

Error problemOf(const ApiAnswer& answer) {
  std::string sentence = textAt(answer.body, "detail");
  if (sentence.empty()) sentence = textAt(answer.body, "title");
  if (sentence.empty()) sentence = fmt::format("the daemon answered with status {}", answer.status);
  const std::string hint =
      textAt(answer.body, "code") == "NEEDS_YES" ? "to do it, add --yes" : textAt(answer.body, "hint");
  // JSON may hold the NUL that parts them.
  const auto escaped = [](std::string text) {
    return text.find(kHintBreak) == std::string::npos ? text : printable(text);
  };
  return withHint(Error{codeOf(answer), escaped(std::move(sentence))}, escaped(hint));
}

Result<ApiAnswer> decode(HttpAnswer answer) {
  ApiAnswer decoded;
  decoded.status = answer.status;
  decoded.text = std::move(answer.body);
  if (answer.content_type.find("json") == std::string::npos) return decoded;
  auto body = parseJson(decoded.text);
  if (!body) return withContext("the daemon's answer", std::move(body).error());
  decoded.body = std::move(body).value();
  return decoded;
}

Result<HttpExchange> Api::start(const HttpRequest& request, std::chrono::milliseconds timeout) const {
  return HttpExchange::start(address_, request, std::chrono::steady_clock::now() + timeout);
}

Result<ApiAnswer> Api::call(const HttpRequest& request, std::chrono::milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto exchange = HttpExchange::start(address_, request, deadline);
  if (!exchange) return std::move(exchange).error();
  auto answer = exchange->finish(deadline);
  if (!answer) return std::move(answer).error();
  return decode(std::move(answer).value());
}

Result<Json> Api::get(const Target& target) const {
  return send("GET", target, Json{});
}

Result<Json> Api::send(std::string_view method, const Target& target, const Json& body) const {
  HttpRequest request{.method = std::string(method), .target = target.text()};
  if (!body.is_null()) request.body = dumpJson(body);
  auto answer = call(request);
  if (!answer) return std::move(answer).error();
  if (!answer->ok()) return problemOf(*answer);
  return std::move(answer->body);
}

const Json& memberAt(const Json& value, std::string_view key) {
  static const Json kNull;
  if (!value.is_object()) return kNull;
  const auto found = value.find(key);
  return found == value.end() ? kNull : *found;
}

std::string textAt(const Json& value, std::string_view key) {
  const Json& member = memberAt(value, key);
  return member.is_string() ? member.get<std::string>() : std::string{};
}

std::int64_t numberAt(const Json& value, std::string_view key) {
  const Json& member = memberAt(value, key);
  return member.is_number_integer() ? member.get<std::int64_t>() : 0;
}

bool flagAt(const Json& value, std::string_view key) {
  const Json& member = memberAt(value, key);
  return member.is_boolean() && member.get<bool>();
}

std::int64_t timeAt(const Json& value, std::string_view key) {
  return parseTimeUs(textAt(value, key)).value_or(0);
}

}  // namespace longhaul::host::cli
