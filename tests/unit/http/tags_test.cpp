// Entity tags: what was read, and what is changed only if it is still that (api_host.h).
#include "host/admin/etag.h"

#include "tests/unit/http/api_host.h"

namespace longhaul::host::http {
namespace {

using test::Host;

struct Asked {
  std::string method, target, body{}, if_match{}, if_none_match{};
};

Response ask(Host& host, Asked asked) {
  std::optional<Response> answer;
  host.api.handle({.method = asked.method,
                   .target = asked.target,
                   .body = asked.body,
                   .if_match = asked.if_match,
                   .if_none_match = asked.if_none_match},
                  {.uid = 0, .role = Role::Admin}, [&](const Response& response) { answer = response; });
  REQUIRE(host.loop.runUntil([&] { return answer.has_value(); }, Host::kLimit));
  return *answer;
}

std::string tagOf(const Response& response) {
  for (const auto& [name, value] : response.fields) {
    if (name == "ETag") return value;
  }
  return {};
}

TEST_CASE("A list of tags is read as RFC 9110 has it") {
  using admin::hasTag;
  CHECK(hasTag("\"a\"", "\"a\"", false));
  CHECK(hasTag("\"b,c\" , \"a\"", "\"a\"", false));
  CHECK(hasTag("*", "\"a\"", false));
  CHECK(hasTag("W/\"a\"", "\"a\"", true));
  CHECK_FALSE(hasTag("W/\"a\"", "\"a\"", false));
  CHECK_FALSE(hasTag("\"b\"", "\"a\"", true));
  CHECK_FALSE(hasTag("", "\"a\"", true));
  CHECK_FALSE(hasTag("a", "a", true));
  CHECK_FALSE(hasTag("\"a", "\"a", true));
}

TEST_CASE("What was not changed is not sent again") {
  Host host;
  host.json("POST", "/api/v1/users", R"({"username": "bob"})", 201);
  const Response first = ask(host, {"GET", "/api/v1/users/bob"});
  REQUIRE_FALSE(tagOf(first).empty());
  const Response again = ask(host, {.method = "GET", .target = "/api/v1/users/bob", .if_none_match = tagOf(first)});
  CHECK(again.status == 304);
  CHECK(again.body.empty());
  CHECK(tagOf(again) == tagOf(first));
  const std::string bytes = serialize(again, false, true);
  CHECK(bytes.find("Content-Length") == std::string::npos);
  host.json("PATCH", "/api/v1/users/bob", R"({"name": "Bob"})");
  CHECK(ask(host, {.method = "GET", .target = "/api/v1/users/bob", .if_none_match = tagOf(first)}).status == 200);
  CHECK(tagOf(ask(host, {"GET", "/api/v1/users/nobody"})).empty());
}

TEST_CASE("A user is changed only if it is what was read, also when two ask at once") {
  Host host;
  host.json("POST", "/api/v1/users", R"({"username": "bob"})", 201);
  const std::string tag = tagOf(ask(host, {"GET", "/api/v1/users/bob"}));
  std::vector<int> statuses;
  for (const auto* body : {R"({"name": "one"})", R"({"name": "two"})"}) {
    host.api.handle({.method = "PATCH", .target = "/api/v1/users/bob", .body = body, .if_match = tag},
                    {.uid = 0, .role = Role::Admin},
                    [&](const Response& response) { statuses.push_back(response.status); });
  }
  REQUIRE(host.loop.runUntil([&] { return statuses.size() == 2; }, Host::kLimit));
  CHECK(statuses == std::vector<int>{200, 412});
  CHECK(host.json("GET", "/api/v1/users/bob")["name"] == "one");
}

TEST_CASE("A context and parameters are changed only if they are what was read") {
  Host host;
  host.makeEdge();
  std::string tag = tagOf(ask(host, {"GET", "/api/v1/instances/edge/context"}));
  const Asked put{
      .method = "PUT", .target = "/api/v1/instances/edge/context", .body = R"({"values": {"a": 1}})", .if_match = tag};
  CHECK(ask(host, put).status == 200);
  const Response late = ask(host, put);
  CHECK(late.status == 412);
  CHECK(parseJson(late.body)->at("code") == "PRECONDITION_FAILED");

  const std::string parameters = "/api/v1/instances/edge/parameters";
  const Json shown = host.json("GET", parameters);
  CHECK(shown["name"] == "edge");
  CHECK(shown["owner"] == "api");
  tag = tagOf(ask(host, {"GET", parameters}));
  CHECK(ask(host, {.method = "PATCH", .target = parameters, .body = R"({"listen": "2"})", .if_match = tag}).status ==
        200);
  CHECK(ask(host, {.method = "PATCH", .target = parameters, .body = R"({"listen": "3"})", .if_match = tag}).status ==
        412);
  CHECK(ask(host, {.method = "PATCH", .target = parameters, .body = R"({"listen": "3"})", .if_match = "*"}).status ==
        200);
}

TEST_CASE("A tag where there is none to compare is an error, and nothing is done") {
  Host host;
  host.makeEdge();
  const Response refused =
      ask(host, {.method = "DELETE", .target = "/api/v1/instances/edge?yes=true", .if_match = "*"});
  CHECK(refused.status == 400);
  CHECK(host.json("GET", "/api/v1/instances/edge")["name"] == "edge");
}

}  // namespace
}  // namespace longhaul::host::http
