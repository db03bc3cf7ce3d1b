#include "host/http/route_access.h"

#include <catch2/catch.hpp>

namespace longhaul::host::http {
namespace {

using services::HttpField;

std::vector<HttpField> authorization(std::string value) {
  return {{"host", "x"}, {"authorization", std::move(value)}};
}

TEST_CASE("A route that nobody opened is not there, whatever a request brings") {
  const Admission closed = admit(closedRoute(), "edl", authorization("Bearer a"));
  CHECK(closed.status == 404);
  CHECK(closed.detail == noRoute("edl").detail);
  CHECK_FALSE(closed.guessed);
}

TEST_CASE("An open route asks nobody and takes nothing from the request") {
  const Admission open = admit(openRoute(), "edl", authorization("Basic eDp5"));
  CHECK(open.letIn());
  CHECK(open.user.empty());
  CHECK(open.taken_field.empty());
}

TEST_CASE("Basic lets in one user with the password, who is told to the plugin in the credentials' place") {
  const RouteAccess access = basicRoute("fw", "geh:eim");
  const auto* right = GENERATE("Basic Znc6Z2VoOmVpbQ==", "basic Znc6Z2VoOmVpbQ==", "BASIC   Znc6Z2VoOmVpbQ==");
  const Admission in = admit(access, "edl", authorization(right));
  CHECK(in.letIn());
  CHECK(in.user == "fw");
  CHECK(in.taken_field == "authorization");
  CHECK(in.www_authenticate.empty());
}

TEST_CASE("Credentials that are not exactly right are refused with a challenge and count as a guess") {
  const RouteAccess access = basicRoute("fw", "geh:eim");
  const auto* wrong = GENERATE("", "Basic", "Basic ", "BasicZnc6Z2VoOmVpbQ==", "Basic Znc6Z2VoOmVpbQ", "Basic Znc6Z2Vo",
                               "Basic Znc6Z2VoOmVpbQ== ", "Bearer Znc6Z2VoOmVpbQ==", "Basic fw:geh:eim",
                               "Basic \tZnc6Z2VoOmVpbQ==", "Basic Znc6Z2VoOmVpbQ==, Basic Znc6Z2VoOmVpbQ==");
  const Admission refused = admit(access, "edl", authorization(wrong));
  CAPTURE(wrong);
  CHECK(refused.status == 401);
  CHECK(refused.guessed);
  CHECK(refused.www_authenticate == R"(Basic realm="edl", charset="UTF-8")");
  CHECK(refused.detail.find("geh") == std::string::npos);
}

TEST_CASE("A request without credentials is asked for them, which is no guess") {
  const Admission refused = admit(tokenRoute("t"), "edl", {{"host", "x"}});
  CHECK(refused.status == 401);
  CHECK_FALSE(refused.guessed);
  CHECK(refused.www_authenticate == R"(Bearer realm="edl")");
}

TEST_CASE("Credentials that come twice are wrong, even when both are right") {
  auto fields = authorization("Bearer t");
  fields.push_back(fields.back());
  CHECK(admit(tokenRoute("t"), "edl", fields).status == 401);
}

TEST_CASE("A header of the operator's choice is found in any case and leaves the request") {
  const RouteAccess access = headerRoute("X-Api-Key", "k3y");
  const Admission in = admit(access, "hook", {{"authorization", "Bearer other"}, {"x-api-key", "k3y"}});
  CHECK(in.letIn());
  CHECK(in.taken_field == "x-api-key");
  CHECK(in.user == "header");
  CHECK(admit(access, "hook", {{"x-api-key", "k3Y"}}).status == 401);
  CHECK(admit(access, "hook", {{"x-api-key", ""}}).status == 401);
  CHECK(admit(access, "hook", {{"x-api-key", ""}}).www_authenticate == R"(ApiKey realm="hook")");
}

TEST_CASE("An empty secret opens nothing") {
  CHECK(admit(tokenRoute(""), "edl", authorization("Bearer ")).status == 401);
  CHECK(admit(headerRoute("x-key", ""), "edl", {{"x-key", ""}}).status == 401);
}

TEST_CASE("What is kept of an access has no secret in it") {
  for (const RouteAccess& access : {basicRoute("u", "geheim"), headerRoute("x", "geheim"), tokenRoute("geheim")}) {
    CHECK(access.digest.size() == 64);
    CHECK(access.digest.find("geheim") == std::string::npos);
  }
}

}  // namespace
}  // namespace longhaul::host::http
