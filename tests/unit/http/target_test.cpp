#include "host/http/target.h"

#include <catch2/catch.hpp>

#include "host/http/routes.h"

namespace longhaul::host::http {
namespace {

Target target(std::string_view text) {
  auto parsed = parseTarget(text);
  REQUIRE(std::holds_alternative<Target>(parsed));
  return std::get<Target>(std::move(parsed));
}

TEST_CASE("A target is cut first and decoded then, so that an encoded mark stays in its piece") {
  const Target found = target("/a%2Fb/%C3%A4?k%26=v%3D1&x&&e=1+1");
  CHECK(found.segments == std::vector<std::string>{"a/b", "ä"});
  CHECK(found.query == std::vector<std::pair<std::string, std::string>>{{"k&", "v=1"}, {"x", ""}, {"e", "1+1"}});
  CHECK(target("/").segments == std::vector<std::string>{""});
}

TEST_CASE("Encoding that is none, NUL and what is not UTF-8 are refused") {
  const auto* text = GENERATE("/%", "/%4", "/%4g", "/a%00", "/%ff", "/?a=%zz", "/?%c3=1");
  CHECK(std::holds_alternative<admin::Failure>(parseTarget(text)));
}

TEST_CASE("An unknown key of a query gets the nearest one, and no key comes twice but one that may") {
  const Target found = target("/?dryrun=true");
  CHECK(Query(found.query, {"dryRun", "yes"}).failure()->hint == "did you mean \"dryRun\"?");
  const Target twice = target("/?name=a&name=b");
  CHECK(Query(twice.query, {"name"}).failure());
  Query names(twice.query, {"name"}, "name");
  CHECK_FALSE(names.failure());
  CHECK(names.texts("name") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("Values of a query have types, and the first fault is told with its key") {
  const Target found = target("/?n=12&yes=ja&since=yesterday");
  Query query(found.query, {"n", "yes", "since"});
  CHECK(query.number("n", 0, 100) == 12);
  CHECK_FALSE(query.failure());
  CHECK_FALSE(query.flag("yes"));
  CHECK_FALSE(query.time("since"));
  REQUIRE(query.failure());
  CHECK(query.failure()->field == "yes");
  Query bounded(found.query, {"n", "yes", "since"});
  CHECK_FALSE(bounded.number("n", 0, 11));
  CHECK(bounded.failure()->detail == "n: found \"12\", wanted a number from 0 to 11");
}

TEST_CASE("A route fits a path of its form, and the nearest one is named with the path's own name") {
  CHECK(fits("/api/v1/instances/{name}", {"api", "v1", "instances", "edge"}));
  CHECK_FALSE(fits("/api/v1/instances/{name}", {"api", "v1", "instances", ""}));
  CHECK_FALSE(fits("/api/v1/instances/{name}", {"api", "v1", "instances"}));
  CHECK(nearestPath({"api", "v1", "instances", "edge", "log"}) == "/api/v1/instances/edge/logs");
  CHECK(nearestPath({"api", "v1", "instance"}) == "/api/v1/instances");
  CHECK(nearestPath({"livz"}) == "/livez");
  CHECK(nearestPath({"completely", "elsewhere"}).empty());
}

}  // namespace
}  // namespace longhaul::host::http
