#include "http_side.h"

#include <array>

namespace webhook_plugin {
namespace {

std::string textOf(longhaul_text_t text) {
  return std::string(longhaul::detail::viewOf(text));
}

}  // namespace

Request requestOf(const longhaul_http_request_t& asked) {
  Request request;
  request.method = textOf(asked.method);
  request.path = textOf(asked.path);
  request.query = textOf(asked.query);
  request.client = textOf(asked.client_address);
  request.fields.reserve(asked.field_count);
  for (std::uint32_t i = 0; i < asked.field_count; ++i)
    request.fields.emplace_back(textOf(asked.fields[i].name), textOf(asked.fields[i].value));
  return request;
}

std::optional<Refusal> readBody(const longhaul_http_request_t& asked, const longhaul_http_exchange_t& exchange,
                                std::size_t bytes_max, std::string& body) {
  const Refusal too_large{
      413, "the body is longer than " + std::to_string(bytes_max >> 10) + " KiB (bodyKibMax of this instance)"};
  if (asked.content_length > static_cast<std::int64_t>(bytes_max)) return too_large;
  std::array<char, 16u << 10> buffer;
  while (true) {
    const std::int64_t size = exchange.read(exchange.self, buffer.data(), buffer.size());
    if (size == 0) return std::nullopt;
    if (size < 0) return Refusal{400, "the body ended before it was whole"};
    if (body.size() + static_cast<std::size_t>(size) > bytes_max) return too_large;
    body.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

void sendAnswer(const longhaul_http_exchange_t& exchange, const Answer& answer) {
  std::vector<longhaul_http_field_t> fields;
  fields.reserve(answer.fields.size());
  for (const auto& [name, value] : answer.fields)
    fields.push_back({longhaul::detail::textOf(name), longhaul::detail::textOf(value)});
  const auto status = exchange.respond(exchange.self, answer.status, fields.data(), fields.size(),
                                       static_cast<std::int64_t>(answer.body.size()));
  if (status >= 0 && !answer.body.empty()) exchange.write(exchange.self, answer.body.data(), answer.body.size());
}

}  // namespace webhook_plugin
