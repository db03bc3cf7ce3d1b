#include "http_side.h"

#include <vector>

#include "text.h"

namespace edl_plugin {
namespace {

int hexDigit(char c) {
  const std::string_view digits = "0123456789abcdef";
  const std::size_t at = digits.find(lowered(std::string_view(&c, 1))[0]);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape =
        text[i] == '%' && i + 2 < text.size() && hexDigit(text[i + 1]) >= 0 && hexDigit(text[i + 2]) >= 0;
    out.push_back(is_escape        ? static_cast<char>(hexDigit(text[i + 1]) * 16 + hexDigit(text[i + 2]))
                  : text[i] == '+' ? ' '
                                   : text[i]);
    if (is_escape) i += 2;
  }
  return out;
}

}  // namespace

Asked askedBy(const longhaul_http_request_t& request) {
  using longhaul::detail::viewOf;
  Asked asked;
  asked.method = viewOf(request.method);
  asked.path = viewOf(request.path);
  for (const std::string_view pair : splitList(viewOf(request.query), "&")) {
    const std::size_t equals = pair.find('=');
    asked.query.emplace_back(decoded(pair.substr(0, equals)),
                             equals == std::string_view::npos ? "" : decoded(pair.substr(equals + 1)));
  }
  for (std::uint32_t i = 0; i < request.field_count; ++i) {
    const std::string_view name = viewOf(request.fields[i].name);
    const std::string_view value = viewOf(request.fields[i].value);
    if (name == "if-none-match") asked.conditions.if_none_match = value;
    if (name == "if-modified-since") asked.conditions.if_modified_since = value;
    if (name == "accept-encoding") asked.takes_gzip = takesGzip(value);
  }
  return asked;
}

void sendAnswer(const longhaul_http_exchange_t& exchange, const Answer& answer) {
  std::vector<longhaul_http_field_t> fields;
  for (const auto& [name, value] : answer.fields)
    fields.push_back({longhaul::detail::textOf(name), longhaul::detail::textOf(value)});
  const std::string_view body = answer.body();
  const auto begun = exchange.respond(exchange.self, static_cast<std::uint32_t>(answer.status), fields.data(),
                                      fields.size(), static_cast<std::int64_t>(body.size()));
  // To a HEAD too: the host drops it.
  if (begun >= 0 && !body.empty()) exchange.write(exchange.self, body.data(), body.size());
}

}  // namespace edl_plugin
