#include "host/http/static_files.h"

#include <array>
#include <catch2/catch.hpp>

#include "host/http/response.h"

using namespace longhaul::host::http;

namespace {

constexpr std::array<Asset, 2> kFiles{{
    {"/", "text/html; charset=utf-8", "<p>page</p>", {}, "\"aa\"", false},
    {"/assets/app-1.js", "text/javascript; charset=utf-8", "let a = 1;", "gz", "\"bb\"", true},
}};

std::string header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.fields) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

TEST_CASE("a file of the page is given with its tag, and what has a hash in its name for good") {
  const auto page = staticFile({}, "/", kFiles);
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(page->body == "<p>page</p>");
  CHECK(page->cache_control == "no-cache");
  CHECK(header(*page, "ETag") == "\"aa\"");
  const std::string policy = header(*page, "Content-Security-Policy");
  CHECK(policy.find("default-src 'none'") != std::string::npos);
  CHECK(policy.find("unsafe") == std::string::npos);

  const auto script = staticFile({}, "/assets/app-1.js", kFiles);
  REQUIRE(script);
  CHECK(script->cache_control == "public, max-age=31536000, immutable");
  CHECK(script->content_type == "text/javascript; charset=utf-8");

  CHECK_FALSE(staticFile({}, "/assets/app-2.js", kFiles));
  CHECK_FALSE(staticFile({}, "/assets/", kFiles));
  CHECK_FALSE(staticFile({}, "/index.html", kFiles));
}

TEST_CASE("who takes gzip gets it where there is one, and nobody else") {
  Request request;
  request.accept_encoding = "br, gzip;q=0.5";
  const auto script = staticFile(request, "/assets/app-1.js", kFiles);
  REQUIRE(script);
  CHECK(script->body == "gz");
  CHECK(header(*script, "Content-Encoding") == "gzip");
  CHECK(header(*script, "Vary") == "Accept-Encoding");
  const auto page = staticFile(request, "/", kFiles);
  REQUIRE(page);
  CHECK(page->body == "<p>page</p>");
  CHECK(header(*page, "Content-Encoding").empty());

  const auto [field, taken] = GENERATE(table<std::string_view, bool>({
      {"", false},
      {"gzip", true},
      {"GZIP", true},
      {"deflate, br", false},
      {"gzip;q=0", false},
      {"gzip; q=0.000", false},
      {"gzip;q=0.001", true},
      {"*", true},
      {"*;q=0", false},
      {"gzip;q=0, *", false},
      {"*;q=0, gzip", true},
      {"gzipped", false},
  }));
  INFO(field);
  CHECK(acceptsGzip(field) == taken);
}

TEST_CASE("who has a file already is told so, without a body") {
  const auto [field, same] = GENERATE(table<std::string, bool>({
      {"\"bb\"", true},
      {"W/\"bb\"", true},
      {"\"aa\", \"bb\"", true},
      {"*", true},
      {"\"aa\"", false},
      {"bb", false},
      {"", false},
  }));
  INFO(field);
  Request request;
  request.if_none_match = field;
  const auto answer = staticFile(request, "/assets/app-1.js", kFiles);
  REQUIRE(answer);
  CHECK(answer->status == (same ? 304 : 200));
  if (!same) return;
  const std::string bytes = serialize(*answer, false, true);
  CHECK(bytes.find("HTTP/1.1 304 Not Modified\r\n") == 0);
  CHECK(bytes.find("ETag: \"bb\"\r\n") != std::string::npos);
  CHECK(bytes.find("Content-Length") == std::string::npos);
  CHECK(bytes.ends_with("\r\n\r\n"));
}

TEST_CASE("the page that was built in is whole: what it loads is there") {
  const auto page = staticFile({}, "/");
  REQUIRE(page);
  CHECK(page->content_type == "text/html; charset=utf-8");
  CHECK(page->body.find("style=") == std::string::npos);
  CHECK(page->body.find("<script>") == std::string::npos);
  std::size_t loaded = 0;
  for (auto at = page->body.find("\"/assets/"); at != std::string::npos; at = page->body.find("\"/assets/", at + 1)) {
    const std::string path = page->body.substr(at + 1, page->body.find('"', at + 1) - at - 1);
    INFO(path);
    const auto file = staticFile({}, path);
    REQUIRE(file);
    CHECK_FALSE(file->body.empty());
    ++loaded;
  }
  CHECK(loaded == 4);  // script, style, icon, font
}
