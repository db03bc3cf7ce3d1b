#include "host/http/route_target.h"

#include <catch2/catch.hpp>

namespace longhaul::host::http {
namespace {

RouteTarget good(std::string_view target) {
  auto found = readRouteTarget(target);
  INFO(target);
  if (const auto* refusal = std::get_if<Refusal>(&found)) FAIL(refusal->detail);
  return std::get<RouteTarget>(found);
}
int refused(std::string_view target) {
  const auto found = readRouteTarget(target);
  const auto* refusal = std::get_if<Refusal>(&found);
  return refusal == nullptr ? 0 : refusal->status;
}

TEST_CASE("A route's target is an instance, what follows its name as it came, and the query") {
  const RouteTarget target = good("/instance/execute/edge-1/a%20b//c/?x=%2e%2e&y");
  CHECK(target.instance == "edge-1");
  CHECK(target.path == "/a%20b//c/");
  CHECK(target.query == "x=%2e%2e&y");
  CHECK(good("/instance/execute/edge").path == "/");
  CHECK(good("/instance/execute/edge").query == std::nullopt);
  CHECK(good("/instance/execute/edge?").query == "");
  CHECK(good("/instance/execute/edge/").path == "/");
  CHECK(good("/instance/execute/edge?a/../b").path == "/");
}

TEST_CASE("Ordinary paths go through, also with what is encoded") {
  const auto* path = GENERATE("/a", "/.well-known/x", "/a.b", "/..a", "/a..", "/...", "/a;b=c", "/100%25", "/%c3%a4",
                              "/a%2Fb", "/https%3A%2F%2Fx%2Fy", "/~user", "/a:b@c", "/%40", "/a+b", "/(x)",
                              "/@scope%2fname", "/a%20b", "//a", "/a//b");
  CHECK(good(std::string("/instance/execute/e") + path).path == path);
}

TEST_CASE("Eighty tricks with paths reach no instance") {
  const char* tail = GENERATE(
      "e/.", "e/..", "e/../", "e/../f", "e/a/../b", "e/a/..", "e/./a", "e/a/.", "e/a/./b", "e/..;/a", "e/..;x=y/a",
      "e/.;/a", "e/;/../a", "e/%2e", "e/%2e%2e", "e/%2E%2E/", "e/.%2e/a", "e/%2e./a", "e/%2e%2e/a", "e/%2e%2e%2fa",
      "e/..%2fa", "e/..%2Fa", "e/a%2f..", "e/a%2f..%2fb", "e/%2f..%2fa", "e/..%5ca", "e/..%5Ca", "e/a\\..\\b", "e/\\a",
      "e/..\\a", "e/%5c", "e/a%5cb", "e/%5c..%5c", "e/%252e%252e/a", "e/%252e%252e%252fa", "e/%25252e%25252e/a",
      "e/..%252fa", "e/..%255ca", "e/%255c", "e/%2525252525252e", "e/%c0%ae%c0%ae/a", "e/%c0%af", "e/%e0%80%ae",
      "e/%c1%9c", "e/%f0%80%80%ae", "e/%ff", "e/%fe%ff", "e/%c3", "e/%c3%28", "e/%ed%a0%80", "e/%00", "e/a%00.txt",
      "e/%2500", "e/%0a", "e/%0d%0aX:%20y", "e/%0D", "e/%09", "e/%1b[31m", "e/%7f", "e/%01", "e/%250d%250a", "e/%",
      "e/%2", "e/%2g", "e/%g2", "e/%%32e", "e/%u002e", "e/a%", "e/%-1", "../api/v1/instances", "..", ".", "%2e%2e/api",
      "..%2fapi", "e%2f..%2ff", "e/..%2f..%2f..%2fetc%2fpasswd", "e/....//..", "e/a/..;/..;/b", "e/%2e%2e;/a",
      "e/%25%32%65%25%32%65/a", "e/a/%2e%2e/%2e%2e/b", "e/..%c0%afa");
  INFO(tail);
  CHECK(refused(std::string("/instance/execute/") + tail) == 400);
}

TEST_CASE("A name that is none, or that is written in another way, is no instance") {
  const auto* tail =
      GENERATE("", "/", "/e", "//e", "%65", "e%20", "e%2fa", "-e", "_e", "e;x", "e:80", "e@f", "e,f", "%C3%A4", "e%40",
               "e*", "0123456789012345678901234567890123456789012345678901234567890123");
  INFO(tail);
  CHECK(refused(std::string("/instance/execute/") + tail) == 404);
}

}  // namespace
}  // namespace longhaul::host::http
