#include "host/config/parameters.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "tests/unit/config/fixture.h"

using namespace longhaul::host;
using namespace longhaul::host::config;
using namespace longhaul::host::test;

namespace {

std::string faultsOf(const Json& parameters) {
  static const catalog::Manifest kEdge = manifestOf(kEdgeManifest);
  return textOf(checkParameters(kEdge, parameters, "/p"));
}

}  // namespace

TEST_CASE("a value that fits its parameter's type is taken") {
  const auto [name, value] = GENERATE(table<std::string, Json>({
      {"listen", "127.0.0.1:5514"},
      {"listen", 5514},
      {"listen", "unix:/run/x.sock"},
      {"protocol", "both"},
      {"title", "one line"},
      {"title", ""},
      {"title", "${env:TITLE}"},
      {"title", "costs ${5} or so"},
      {"notes", "two\nlines"},
      {"notes", "${file:/etc/notes}"},
      {"count", 5},
      {"count", -0.5},
      {"verify", false},
      {"token", "${env:TOKEN}"},
      {"token", "${credential:token}"},
      {"key", "${file:/etc/key}"},
      {"pin", "${env:PIN}"},
      {"login", {{"identifier", "me"}, {"password", "${env:P}"}}},
      {"login", {{"identifier", "${env:U}"}}},
      {"login", {{"identifier", "me"}, {"password", nullptr}}},
      {"login", Json::object()},
      {"tags", Json::array()},
      {"tags", {"a", "c"}},
      {"incidentType", "Phishing"},
      {"every", "30s"},
      {"every", 30},
      // Absent.
      {"listen", nullptr},
      {"token", nullptr},
  }));
  CAPTURE(name, value);
  CHECK(faultsOf(Json{{name, value}}).empty());
}

TEST_CASE("a value that does not fit its parameter's type gets what was found, wanted and the remedy") {
  const auto [name, value, fault] = GENERATE(table<std::string, Json, std::string>({
      {"listen", "localhost:1", "/p/listen: listen: found \"localhost:1\", wanted an address"},
      {"protocol", "sctp", "/p/protocol: protocol: found \"sctp\", wanted \"udp\", \"tcp\" or \"both\""},
      {"protocol", "udb", "did you mean \"udp\"?"},
      {"protocol", true, "/p/protocol: protocol: found true, wanted"},
      {"title", 5, "/p/title: title: found the number 5, wanted a text; put it in quotes: \"5\""},
      {"title", true, "found true, wanted a text; put it in quotes: \"true\""},
      {"title", Json::array({"a"}), "found a list of 1, wanted a text"},
      {"title", "a\nb", "/p/title: title: found a text of several lines, wanted one line"},
      {"title", "${evn:X}", "found a reference of an unknown kind"},
      {"notes", 5, "/p/notes: notes: found the number 5, wanted a text"},
      {"notes", "${file:x}", "a file without an absolute path"},
      {"count", "5", "/p/count: count: found \"5\", wanted a number; take the quotes away"},
      {"count", "${env:N}", "found \"${env:N}\", wanted a number"},
      {"verify", "yes", "/p/verify: verify: found \"yes\", wanted true or false"},
      {"verify", 1, "found the number 1, wanted true or false"},
      {"login", "me", "/p/login: login: found a text, wanted a mapping with identifier and password"},
      {"login",
       {{"user", "me"}},
       "/p/login/user: login: the key \"user\" is not known; wanted identifier and password"},
      {"login", {{"identifer", "me"}}, "did you mean \"identifier\"?"},
      {"login", {{"identifier", 5}}, "/p/login/identifier: login: found a number, wanted a text"},
      {"tags", "a", "/p/tags: tags: found \"a\", wanted a list of \"a\", \"b\" or \"c\"; put it in brackets"},
      {"tags", {"a", "d"}, "/p/tags/1: tags: found \"d\", wanted \"a\", \"b\" or \"c\""},
      {"tags", {"a", "a"}, "/p/tags/1: tags: \"a\" stands twice; keep one"},
      {"tags", {5}, "/p/tags/0: tags: found the number 5, wanted"},
      {"incidentType", "${env:T}", "found a reference, wanted the name of an incident type"},
      {"incidentType", "a\nb", "wanted one line"},
      {"every", "often", "/p/every: every: found \"often\", wanted a span longer than 0"},
      {"every", 0, "wanted a span longer than 0"},
      {"every", "-1s", "wanted a span longer than 0"},
      {"nobody", 1, "/p/nobody: edge has no parameter \"nobody\"; it has listen, protocol"},
      {"protocl", "udp", "/p/protocl: edge has no parameter \"protocl\"; did you mean \"protocol\"?"},
      {"a/b~c", 1, "/p/a~1b~0c: edge has no parameter \"a/b~c\""},
  }));
  CAPTURE(name, value);
  CHECK_THAT(faultsOf(Json{{name, value}}), Catch::Contains(fault));
}

TEST_CASE("a secret as a plain value is refused and never repeated") {
  const auto [name, value] = GENERATE(table<std::string, Json>({
      {"token", "hunter2"},
      {"token", ""},
      {"token", "${hunter2}"},
      {"token", "${file:hunter2}"},
      {"token", "x${env:A}"},
      {"token", 20'062'006},
      {"token", {"hunter2"}},
      {"key", "-----BEGIN\nhunter2\n"},
      {"pin", "hunter2"},
      {"pin", 20'062'006},
      {"login", "hunter2"},
      {"login", 20'062'006},
      {"login", {{"password", "hunter2"}}},
      {"login", {{"password", 20'062'006}}},
  }));
  CAPTURE(name, value);
  const std::string faults = faultsOf(Json{{name, value}});
  CHECK_FALSE(faults.empty());
  CHECK_THAT(faults, !Catch::Contains("hunter") && !Catch::Contains("2006"));
}

TEST_CASE("what a plugin cannot run without is asked for, with its defaults counted") {
  const catalog::Manifest manifest = manifestOf(R"({"id": "strict", "version": "1.0.0", "parameters": [
    {"name": "url", "display": "Server URL", "type": "shortText", "required": true},
    {"name": "token", "type": "encrypted", "required": true},
    {"name": "login", "type": "authentication", "required": true},
    {"name": "port", "type": "number", "required": true, "default": 443},
    {"name": "note", "type": "shortText"}]})");
  CHECK(textOf(checkParameters(manifest, Json::object(), "/p")) ==
        "/p: the parameter \"url\" is missing (Server URL, a shortText); add it, strict cannot run without\n"
        "/p: the parameter \"token\" is missing (token, a encrypted); add it, strict cannot run without\n"
        "/p: the parameter \"login\" is missing (login, a authentication); add it, strict cannot run without");
  CHECK(textOf(checkParameters(manifest, nullptr, "/p")) == textOf(checkParameters(manifest, Json::object(), "/p")));
  const Json login{{"identifier", "me"}, {"password", "${env:P}"}};
  CHECK(checkParameters(manifest, Json{{"url", "u"}, {"token", "${env:T}"}, {"login", login}}, "/p").empty());
  CHECK_THAT(textOf(checkParameters(manifest, Json{{"url", ""}, {"token", "${env:T}"}, {"login", login}}, "/p")),
             Catch::Contains("the parameter \"url\" is missing"));
  CHECK_THAT(textOf(checkParameters(
                 manifest, Json{{"url", "u"}, {"token", "${env:T}"}, {"login", {{"identifier", "me"}}}}, "/p")),
             Catch::Contains("/p/login: login: password is missing; add it"));
  CHECK_THAT(textOf(checkParameters(manifest, Json::array(), "/p")),
             Catch::Contains("/p: found a list of 0, wanted a mapping of parameters"));
}

TEST_CASE("the manifest's defaults stand under what the operator set") {
  const catalog::Manifest manifest = manifestOf(kEdgeManifest);
  CHECK(withDefaults(manifest, Json{{"protocol", "tcp"}, {"title", nullptr}, {"token", "${env:T}"}}) ==
        Json{{"listen", "127.0.0.1:5514"}, {"protocol", "tcp"}, {"incidentType", "Syslog"}, {"token", "${env:T}"}});
  CHECK(withDefaults(manifest, nullptr).size() == 3);
}
