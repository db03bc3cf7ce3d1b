#include "host/config/http_access.h"

#include <catch2/catch.hpp>
#include <map>

#include "host/config/parameters.h"
#include "tests/unit/config/fixture.h"

using namespace longhaul::host;
using namespace longhaul::host::config;
using namespace longhaul::host::test;

namespace {

std::string faultsOf(const std::string& http) {
  return textOf(instances("{name: edl, plugin: edge, http: " + http + "}").problems);
}

// Serves HTTP on a listener of the host.
constexpr const char* kServerManifest = R"({
  "id": "edge", "version": "1.2.0",
  "parameters": [{"name": "listen", "type": "address", "default": "127.0.0.1:0"}],
  "listeners": [{"name": "http", "parameter": "listen", "transport": "tcp", "http": true}]
})";

Plan planOf(const std::string& yaml, const catalog::Manifest& manifest, std::string config = {}) {
  const InstanceSet set = instances(yaml);
  PlanInput input;
  input.desired = &set;
  input.plugins.ids = {"edge"};
  input.plugins.manifest = [&](std::string_view) { return &manifest; };
  if (!config.empty())
    input.current = {{.name = "edl",
                      .plugin = "edge",
                      .enabled = true,
                      .config = std::move(config),
                      .grants = dumpJson(catalog::toJson(manifest.grants)),
                      .owner = Owner::File,
                      .source = "edge.yaml"}};
  return makePlan(input);
}

}  // namespace

TEST_CASE("each access is read with what belongs to it, and comes back from the record") {
  const auto [text, wanted] = GENERATE(table<std::string, HttpAccess>({
      {"{access: none}", {.access = Access::None}},
      {"{access: closed}", {}},
      {"{access: basic, user: fw 1, secret: \"${env:EDL}\"}",
       {.access = Access::Basic, .user = "fw 1", .secret = "${env:EDL}"}},
      {"{access: header, header: X-Api-Key, secret: \"${file:/k}\"}",
       {.access = Access::Header, .header = "X-Api-Key", .secret = "${file:/k}"}},
      {"{access: token, secret: \"${credential:edl}\"}", {.access = Access::Token, .secret = "${credential:edl}"}},
  }));
  const InstanceSet set = instances("{name: edl, plugin: edge, http: " + text + "}");
  INFO(textOf(set.problems));
  REQUIRE(set.instances.size() == 1);
  CHECK(set.instances[0].http == wanted);
  const auto stored = fromRecord("edl", "edge", recordOf(set.instances[0]), RestartConfig{});
  REQUIRE(stored.has_value());
  CHECK(stored->http == wanted);
}

TEST_CASE("without http nothing of it is in the record, and the route is closed") {
  const InstanceSet set = instances("{name: edl, plugin: edge}");
  REQUIRE(set.instances.size() == 1);
  CHECK_FALSE(set.instances[0].http.has_value());
  CHECK(recordOf(set.instances[0]).find("http") == std::string::npos);
  CHECK(httpFromRecord(Json{{"access", "of a newer host"}, {"secret", "x"}}) == HttpAccess{});
}

TEST_CASE("a fault of http names what was found, what was wanted and the remedy") {
  const auto [text, fault] = GENERATE(table<std::string, std::string>({
      {"{}", "access is missing; add \"access: token\", or basic, header, none or closed"},
      {"{access: tokn, secret: \"${env:X}\"}",
       "wanted \"closed\", \"none\", \"basic\", \"header\" or \"token\"; did you mean"},
      {"{access: token}", "secret is missing; add a reference, as in \"secret: ${file:/path}\""},
      {"{access: basic, secret: \"${env:X}\"}", "user is missing"},
      {"{access: header, secret: \"${env:X}\"}", "header is missing; add the name of the field"},
      {"{access: basic, user: \"a:b\", secret: \"${env:X}\"}",
       "user: found \"a:b\", wanted a name of at most 256 bytes without a colon"},
      {"{access: header, header: \"X Key\", secret: \"${env:X}\"}", "wanted the name of a header field"},
      {"{access: header, header: Transfer-Encoding, secret: \"${env:X}\"}", "which has a meaning of its own in HTTP"},
      {"{access: header, header: X-Forwarded-For, secret: \"${env:X}\"}", "which has a meaning of its own in HTTP"},
      {"{access: none, secret: \"${env:X}\"}",
       "secret: it is of the access basic, header and token alone, and this one is none"},
      {"{access: token, user: me, secret: \"${env:X}\"}", "user: it is of the access basic alone"},
      {"{access: token, secret: 5}", "secret: found the number 5, wanted a text"},
      {"{access: token, secrte: \"${env:X}\"}", "the key \"secrte\" is not known; did you mean \"secret\"?"},
      {"open", "http: found \"open\", wanted a mapping"},
  }));
  CAPTURE(text);
  CHECK_THAT(faultsOf(text), Catch::Contains(fault));
}

TEST_CASE("a plain secret of a route in a file is refused with its place and is not repeated") {
  const auto manifest = manifestOf(kServerManifest);
  const Plan plan = planOf("name: edl\nplugin: edge\nhttp:\n  access: token\n  secret: hunter2\n", manifest);
  CHECK_THAT(textOf(plan.problems),
             Catch::StartsWith("edge.yaml:5:11: edl: http.secret: found a secret as a plain value"));
  CHECK(toText(plan).find("hunter2") == std::string::npos);
  CHECK(plan.instances.at(0).action == Action::Refuse);
}

TEST_CASE("a plan shows what of the access changes, and never the secret") {
  const auto manifest = manifestOf(kServerManifest);
  const InstanceSet before =
      instances("{name: edl, plugin: edge, http: {access: basic, user: a, secret: \"${env:ONE}\"}}");
  const Plan plan = planOf("{name: edl, plugin: edge, http: {access: basic, user: b, secret: \"${env:TWO}\"}}",
                           manifest, recordOf(before.instances.at(0)));
  REQUIRE(plan.instances.size() == 1);
  CHECK(plan.instances[0].changes == std::vector<std::string>{"http.secret", "http.user: \"a\" → \"b\""});
  const Plan same = planOf("{name: edl, plugin: edge, http: {access: basic, user: a, secret: \"${env:ONE}\"}}",
                           manifest, recordOf(before.instances.at(0)));
  CHECK(same.instances.at(0).action == Action::Unchanged);
  const Plan closed = planOf("{name: edl, plugin: edge}", manifest, recordOf(before.instances.at(0)));
  CHECK(closed.instances.at(0).changes ==
        std::vector<std::string>{"http.access: \"basic\" → nothing", "http.secret", "http.user: \"a\" → nothing"});
}

TEST_CASE("a plan says where a route is not what one may think") {
  const auto server = manifestOf(kServerManifest);
  const auto deaf = manifestOf(kEdgeManifest);
  const auto note = [](const Plan& plan) {
    std::string all;
    for (const std::string& each : plan.instances.at(0).notes)
      all += each + "\n";
    return all;
  };
  CHECK_THAT(note(planOf("{name: edl, plugin: edge}", server)), Catch::Contains("/instance/execute/edl is closed"));
  CHECK_THAT(note(planOf("{name: edl, plugin: edge, http: {access: none}}", server)),
             Catch::Contains("lets in anybody"));
  CHECK_THAT(note(planOf("{name: edl, plugin: edge, http: {access: none}}", deaf)), Catch::Contains("serves no HTTP"));
  CHECK(note(planOf("{name: edl, plugin: edge, http: {access: closed}}", server)).empty());
}

TEST_CASE("a plugin's own HTTP server listens where this host alone reaches it") {
  const auto manifest = manifestOf(kServerManifest);
  const auto fault = [&](const Json& listen) {
    return textOf(checkParameters(manifest, {{"listen", listen}}, "/parameters"));
  };
  for (const auto& good : {Json("127.0.0.1:0"), Json("[::1]:8080"), Json("127.3.2.1:80"), Json("/run/x/edl.sock")})
    CHECK(fault(good).empty());
  for (const auto& open : {Json(":8080"), Json(8080), Json("0.0.0.0:8080"), Json("[::]:80"), Json("192.0.2.1:80")})
    CHECK_THAT(fault(open), Catch::Contains("wanted an address of this host alone"));
}
