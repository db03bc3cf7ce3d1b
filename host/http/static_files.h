// The operator's page as it was built into this program: `/` and what it loads, `/assets/…`. It holds nothing of this
// daemon's, so whoever reaches the socket may read it; what it shows comes from the API, with the API's roles.
// Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "host/http/request.h"

namespace longhaul::host::http {

// One file. Views are of static storage.
struct Asset {
  std::string_view path;  // as it is asked for
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzip;  // the same, compressed; empty where that saves nothing
  std::string_view etag;  // of `bytes`, with its quotes
  bool immutable;         // its name changes with its bytes
};

// Of the program; made by dashboard/build.mjs.
std::span<const Asset> assets();

// The answer to a GET of `path` (the target without its query); nothing: there is no such file. 304 without a body
// where the client has it already.
std::optional<Response> staticFile(const Request& request, std::string_view path,
                                   std::span<const Asset> files = assets());

// Whether Accept-Encoding takes gzip: named, or by `*`, and not with a weight of 0.
bool acceptsGzip(std::string_view accept_encoding);

}  // namespace longhaul::host::http
