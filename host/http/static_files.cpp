#include "host/http/static_files.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "host/admin/etag.h"

namespace longhaul::host::http {
namespace {

// Nothing but the page's own files and this daemon's API: text that a plugin wrote stays text even if the page had a
// fault. Styles come from files; what scripts set on elements is not concerned.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Calls `each` with every member of a list with commas until it gives true.
template <typename Each>
bool anyOf(std::string_view list, Each each) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (each(trimmed(list.substr(0, comma)))) return true;
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
  return false;
}

bool same(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

bool isZero(std::string_view parameters) {
  const auto weight = parameters.find("q=");
  if (weight == std::string_view::npos) return false;
  const std::string_view digits = trimmed(parameters.substr(weight + 2));
  return !digits.empty() && digits.find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

bool acceptsGzip(std::string_view accept_encoding) {
  bool named = false;
  bool by_name = false;
  bool by_star = false;
  anyOf(accept_encoding, [&](std::string_view member) {
    const auto end = member.find(';');
    const std::string_view coding = trimmed(member.substr(0, end));
    const bool taken = end == std::string_view::npos || !isZero(member.substr(end));
    if (same(coding, "gzip")) {
      named = true;
      by_name = taken;
    } else if (coding == "*") {
      by_star = taken;
    }
    return false;
  });
  return named ? by_name : by_star;
}

std::optional<Response> staticFile(const Request& request, std::string_view path, std::span<const Asset> files) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const Asset& asset) { return asset.path == path; });
  if (found == files.end()) return std::nullopt;
  Response response{
      .content_type = std::string(found->content_type),
      .cache_control = found->immutable ? "public, max-age=31536000, immutable" : "no-cache",
      .fields = {{"ETag", std::string(found->etag)}, {"Vary", "Accept-Encoding"}},
  };
  if (!found->immutable) {
    response.fields.emplace_back("Content-Security-Policy", kPolicy);
    response.fields.emplace_back("Referrer-Policy", "no-referrer");
    response.fields.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  }
  if (admin::hasTag(request.if_none_match, found->etag, true)) {
    response.status = 304;
    return response;
  }
  const bool small = !found->gzip.empty() && acceptsGzip(request.accept_encoding);
  if (small) response.fields.emplace_back("Content-Encoding", "gzip");
  response.body = small ? found->gzip : found->bytes;
  return response;
}

}  // namespace longhaul::host::http
