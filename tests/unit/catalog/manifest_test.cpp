#include "host/catalog/manifest.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "host/base/limits.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;

namespace {

const char* const kWhole = R"({
  "id": "edge", "name": "Edge", "version": "1.4.0-rc.1", "vendor": "Acme", "description": "Two\nlines",
  "capabilities": ["longhaul.commands/1", "acme.extra/2"],
  "parameters": [
    {"name": "listen", "display": "Listen on", "type": "address", "required": true, "default": "127.0.0.1:5514"},
    {"name": "protocol", "type": "singleSelect", "options": ["udp", "tcp", "both"], "default": "udp"},
    {"name": "login", "type": "authentication"},
    {"name": "every", "type": "interval", "default": "5min", "section": "Collect", "advanced": true},
    {"name": "tags", "type": "multiSelect", "options": ["a", "b"], "default": ["b"], "hidden": true, "help": "h"}
  ],
  "commands": [{"name": "edge-send", "description": "d",
    "arguments": [{"name": "text", "required": true}, {"name": "to", "isArray": true, "default": "all"}],
    "outputs": [{"path": "Edge.Id", "type": "String", "description": "o"}]}],
  "listeners": [
    {"name": "in", "parameter": "listen", "transport": "udp", "when": {"parameter": "protocol", "in": ["udp", "both"]}},
    {"name": "in-tcp", "parameter": "listen", "transport": "tcp"}],
  "grants": {"serverApi": ["createIncidents", "addEntry"], "network": {"mode": "connect", "ports": [443, 80]},
             "paths": {"read": ["/etc/edge/"], "write": ["/var/spool/edge"]}, "processes": true},
  "stateSchema": 3, "signalsReady": true, "heartbeat": {"interval": "10s"},
  "startTimeout": "2min", "stopTimeout": 30, "samples": [{"listen": "127.0.0.1:0", "protocol": "tcp"}]
})";

// A manifest with one more member, or with the members of a list.
std::string with(const std::string& members) {
  return R"({"id": "x", "version": "1.0.0", )" + members + "}";
}
std::string parameter(const std::string& members) {
  return with(R"("parameters": [{"name": "a", "type": "address"}, {"name": "b", )" + members + "}]");
}
std::string listener(const std::string& members) {
  return with(R"("parameters": [{"name": "at", "type": "address"}, {"name": "kind", "type": "singleSelect",
    "options": ["udp", "tcp"]}], "listeners": [{"name": "l", )" +
              members + "}]");
}

}  // namespace

TEST_CASE("a whole manifest is read into typed values") {
  const auto parsed = parseManifest(kWhole);
  REQUIRE(parsed.has_value());
  const Manifest& manifest = *parsed;
  CHECK(manifest.id == "edge");
  CHECK(toText(manifest.version) == "1.4.0-rc.1");
  CHECK(manifest.offers("longhaul.commands/1"));
  REQUIRE(manifest.parameter("protocol") != nullptr);
  CHECK(manifest.parameter("protocol")->options == std::vector<std::string>{"udp", "tcp", "both"});
  CHECK(manifest.parameter("login")->secret);
  CHECK(manifest.parameter("every")->display == "every");
  CHECK(manifest.parameter("nothing") == nullptr);
  REQUIRE(manifest.listener("in") != nullptr);
  CHECK(manifest.listener("in")->when->in == std::vector<std::string>{"udp", "both"});
  CHECK_FALSE(manifest.listener("in-tcp")->when.has_value());
  CHECK(manifest.commands.at(0).arguments.at(1).is_array);
  CHECK(manifest.grants.server_api == std::vector<std::string>{"addEntry", "createIncidents"});
  CHECK(manifest.grants.network.ports == std::vector<std::uint16_t>{80, 443});
  CHECK(manifest.grants.read_paths == std::vector<std::string>{"/etc/edge"});
  CHECK(manifest.grants.processes);
  CHECK(manifest.state_schema == 3);
  CHECK(manifest.signals_ready);
  CHECK(manifest.heartbeat == std::chrono::milliseconds{10'000});
  CHECK(manifest.start_timeout == std::chrono::minutes{2});
  CHECK(manifest.stop_timeout == std::chrono::seconds{30});
  CHECK(manifest.samples.size() == 1);
  CHECK(manifest.text == kWhole);
}

TEST_CASE("the smallest manifest has the defaults of the host") {
  const auto manifest = parseManifest(R"({"id": "x", "version": "0.1.0"})");
  REQUIRE(manifest.has_value());
  CHECK(manifest->name == "x");
  CHECK(manifest->start_timeout == kReadyTimeout);
  CHECK(manifest->stop_timeout == kStopTimeout);
  CHECK_FALSE(manifest->heartbeat.has_value());
  CHECK(manifest->state_schema == 0);
  CHECK_FALSE(manifest->grants.network.connect);
}

TEST_CASE("each fault of a manifest is told with its place, what was wanted and the remedy") {
  const auto [text, wanted] = GENERATE(table<std::string, std::string>({
      {"", "not JSON at byte"},
      {"[]", "/: found an empty array, wanted an object"},
      {R"({"version": "1.0.0"})", "/id: found nothing, but it is required"},
      {R"({"id": "x"})", "/version: found nothing, but it is required"},
      {R"({"id": "x", "versoin": "1.0.0"})",
       "/versoin: found a key that is not known, take it out; did you mean \"version\""},
      {with(R"("zzzzzzzz": 1)"), "/zzzzzzzz: found a key that is not known, take it out; known are"},
      {with(R"("a/b~c": 1)"), "/a~1b~0c: found a key"},
      {R"({"id": "a b", "version": "1.0.0"})", "/id: found \"a b\", wanted 1 to 63 of"},
      {R"({"id": 7, "version": "1.0.0"})", "/id: found 7, wanted a string"},
      {R"({"id": "x", "version": "1.0"})", "/version: found \"1.0\" (2 numbers), wanted MAJOR.MINOR.PATCH"},
      {R"({"id": "x", "version": "01.0.0"})", "/version: found \"01.0.0\" (a part is not a plain number)"},
      {with(R"("name": "two\nlines")"), "/name: has control characters"},
      {with(R"("description": "\u0000")"), "/description: has control characters"},
      {with(R"("capabilities": ["commands"])"), "/capabilities/0: found \"commands\""},
      {with(R"("capabilities": ["commands"])"), "did you mean \"longhaul.commands/1\""},
      {with(R"("capabilities": ["longhaul.htpt/1"])"), "did you mean \"longhaul.http/1\""},
      {with(R"("capabilities": ["a.b/1", "a.b/1"])"), "/capabilities/1: \"a.b/1\" stands twice"},
      {with(R"("commands": [{"name": "go"}])"), "/commands: there are commands, but the table"},
      {with(R"("parameters": {})"), "/parameters: found an empty object, wanted an array"},
      {with(R"("parameters": [5])"), "/parameters/0: found 5, wanted an object"},
      {parameter(R"("type": "text")"), "/parameters/1/type: found \"text\", wanted one of shortText, longText"},
      {parameter(R"("type": "shortTxt")"), "did you mean \"shortText\""},
      {parameter(R"("type": "singleSelect")"), "/parameters/1/options: found nothing, but a singleSelect needs them"},
      {parameter(R"("type": "number", "options": ["1"])"), "/parameters/1/options: a number has none"},
      {parameter(R"("type": "number", "default": "7")"), "/parameters/1/default: found \"7\", wanted a number"},
      {parameter(R"("type": "boolean", "default": 1)"), "/parameters/1/default: found 1, wanted true or false"},
      {parameter(R"("type": "singleSelect", "options": ["udp"], "default": "udpp")"), "did you mean \"udp\""},
      {parameter(R"("type": "multiSelect", "options": ["a"], "default": ["a", "c"])"),
       "/parameters/1/default/1: found \"c\""},
      {parameter(R"("type": "interval", "default": "5 x")"), "/parameters/1/default: found \"5 x\", wanted a span"},
      {parameter(R"("type": "encrypted", "default": "hunter2")"), "/parameters/1/default: a secret in the file"},
      {parameter(R"("type": "number", "secret": true)"), "/parameters/1/secret: found true, but a number cannot"},
      {parameter(R"("type": "shortText", "required": "yes")"),
       "/parameters/1/required: found \"yes\", wanted true or false"},
      {parameter(R"("type": "shortText", "tpye": 1)"), "/parameters/1/tpye: found a key that is not known"},
      {with(R"("parameters": [{"name": "a", "type": "number"}, {"name": "a", "type": "number"}])"),
       "/parameters/1/name: \"a\" stands twice"},
      {listener(R"("parameter": "at", "transport": "sctp")"),
       "/listeners/0/transport: found \"sctp\", wanted one of udp, tcp, unix"},
      {listener(R"("parameter": "att", "transport": "udp")"), "/listeners/0/parameter: found \"att\""},
      {listener(R"("parameter": "kind", "transport": "udp")"),
       "\"kind\" is a singleSelect, wanted a parameter of type address"},
      {listener(R"("parameter": "at", "transport": "udp", "when": {"parameter": "kin", "in": ["udp"]})"),
       "/listeners/0/when/parameter: found \"kin\", wanted the name of a parameter; did you mean \"kind\""},
      {listener(R"("parameter": "at", "transport": "udp", "when": {"parameter": "kind", "in": ["ucp"]})"),
       "/listeners/0/when/in/0: found \"ucp\", wanted one of udp, tcp"},
      {listener(R"("parameter": "at", "transport": "udp", "when": {"parameter": "kind", "in": []})"),
       "/listeners/0/when/in: found an empty array"},
      {listener(R"("parameter": "at", "transport": "udp", "http": true)"),
       "/listeners/0/http: HTTP needs a stream: make transport \"tcp\" or \"unix\""},
      {listener(R"("parameter": "at", "transport": "tcp", "http": 1)"),
       "/listeners/0/http: found 1, wanted true or false"},
      {with(R"("parameters": [{"name": "at", "type": "address"}], "capabilities": ["longhaul.http/1"],
               "listeners": [{"name": "l", "parameter": "at", "transport": "tcp", "http": true}])"),
       "/listeners: found a listener with http beside the capability longhaul.http/1"},
      {with(R"("parameters": [{"name": "at", "type": "address"}],
               "listeners": [{"name": "l", "parameter": "at", "transport": "tcp", "http": true},
                             {"name": "m", "parameter": "at", "transport": "tcp", "http": true}])"),
       "/listeners: found several listeners with http"},
      {with(R"("grants": {"serverApi": ["createIncident"]})"), "/grants/serverApi: found \"createIncident\""},
      {with(R"("grants": {"network": "all"})"), "/grants/network/mode: found \"all\", wanted one of none, connect"},
      {with(R"("grants": {"network": {"mode": "connect", "ports": [0]}})"),
       "/grants/network/ports/0: found 0, wanted a port"},
      {with(R"("grants": {"network": {"mode": "none", "ports": [80]}})"),
       "/grants/network/mode: found \"none\" beside ports"},
      {with(R"("grants": {"paths": {"read": ["etc"]}})"), "/grants/paths/read: found \"etc\", wanted an absolute path"},
      {with(R"("grants": {"paths": {"write": ["/a/../b"]}})"), "without \"..\""},
      {with(R"("stateSchema": -1)"), "/stateSchema: found -1, wanted a whole number from 0"},
      {with(R"("stateSchema": 18446744073709551615)"), "/stateSchema: found 18446744073709551615"},
      {with(R"("stateSchema": 1.5)"), "/stateSchema: found 1.5, wanted a whole number"},
      {with(R"("heartbeat": {})"), "/heartbeat/interval: found nothing, but it is required"},
      {with(R"("heartbeat": {"interval": "10ms"})"),
       "/heartbeat/interval: found \"10ms\", wanted a span from 1s to 10min"},
      {with(R"("stopTimeout": "2min")"), "/stopTimeout: found \"2min\", wanted a span from 100ms to 90s"},
      {with(R"("startTimeout": "11min")"), "/startTimeout: found \"11min\", wanted a span from 100ms to 10min"},
      {with(R"("samples": [{"nothing": 1}])"),
       "/samples/0/nothing: found a value for a parameter that is not declared"},
      {with(R"("samples": [1])"), "/samples/0: found 1, wanted an object"},
  }));
  CAPTURE(text);
  const auto parsed = parseManifest(text);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == Code::Invalid);
  CHECK_THAT(parsed.error().message, Catch::Contains(wanted));
}

TEST_CASE("a manifest over its limit is refused by its size") {
  const auto parsed = parseManifest(std::string(kManifestBytesMax + 1, ' '));
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == Code::TooLarge);
  std::string many;
  for (std::size_t i = 0; i <= kListenersMax; ++i)
    many += (i == 0 ? "{}" : ",{}");
  const auto listed = parseManifest(with("\"listeners\": [" + many + "]"));
  REQUIRE_FALSE(listed.has_value());
  CHECK_THAT(listed.error().message, Catch::Contains("/listeners: found 33 elements, wanted at most 32"));
}

TEST_CASE("the manifests of the plugins in this tree are read") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{LONGHAUL_MANIFESTS}) {
    const auto file = entry.path() / "manifest.json";
    if (!std::filesystem::exists(file)) continue;
    const auto parsed = parseManifest(test::readText(file));
    INFO(file.native() << ": " << (parsed ? "" : parsed.error().message));
    CHECK(parsed.has_value());
    ++count;
  }
  CHECK(count > 0);
}

TEST_CASE("versions are ordered as semver.org orders them") {
  const std::vector<std::string> ordered{"0.9.9",      "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                         "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
                                         "1.0.0",      "1.0.1",        "1.2.0",         "1.10.0",
                                         "2.0.0"};
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    for (std::size_t k = 0; k < ordered.size(); ++k) {
      CAPTURE(ordered[i], ordered[k]);
      CHECK(((*parseSemver(ordered[i]) <=> *parseSemver(ordered[k])) < 0) == (i < k));
    }
  }
  CHECK(*parseSemver("1.0.0+a") == *parseSemver("1.0.0+b"));
  CHECK(toText(*parseSemver("1.2.3-rc.1+git.5f3")) == "1.2.3-rc.1+git.5f3");
  const std::string bad = GENERATE(as<std::string>{}, "", "1", "1.2.3.4", "1.2.x", "-1.2.3", "1.2.3-", "1.2.3-a..b",
                                   "1.2.3-01", "1.2.3+", "v1.2.3", "99999999999999999999.0.0", "1.2.3 ");
  CHECK_FALSE(parseSemver(bad).has_value());
}

TEST_CASE("spans are read with their unit or as seconds") {
  CHECK(parseSpan("500ms") == std::chrono::milliseconds{500});
  CHECK(parseSpan("5m") == std::chrono::minutes{5});
  CHECK(parseSpan("2h") == std::chrono::hours{2});
  CHECK(parseSpan(30) == std::chrono::seconds{30});
  const Json bad = GENERATE(Json("5"), Json("s"), Json("-5s"), Json("5 s"), Json(-5), Json(1.5), Json(true),
                            Json("99999999999999999h"), Json(18446744073709551615U), Json(""));
  CHECK_FALSE(parseSpan(bad).has_value());
}

TEST_CASE("what is asked beyond what was approved is named, and nothing else") {
  const auto grants = [](const char* text) { return *parseGrants(*parseJson(text), ""); };
  const auto asked = grants(R"({"serverApi": ["addEntry", "commit"], "network": {"mode": "connect", "ports": [443, 80]},
                                "paths": {"read": ["/etc/a"], "write": ["/var/b/c"]}, "processes": true})");
  CHECK(grantsBeyond(asked, asked).empty());
  CHECK(grantsBeyond(asked, grants(toJson(asked).dump().c_str())).empty());
  CHECK(grantsBeyond(asked, Grants{}) == std::vector<std::string>{"serverApi: addEntry", "serverApi: commit",
                                                                  "network: connect to port 80",
                                                                  "network: connect to port 443", "paths: read /etc/a",
                                                                  "paths: write /var/b/c", "processes"});
  const auto wide = grants(R"({"serverApi": ["commit"], "network": "connect", "paths": {"read": ["/etc"], "write":
                               ["/var/b"]}})");
  CHECK(grantsBeyond(asked, wide) == std::vector<std::string>{"serverApi: addEntry", "processes"});
  CHECK(grantsBeyond(grants(R"({"network": "connect"})"), asked) ==
        std::vector<std::string>{"network: connect to any port"});
  CHECK(grantsBeyond(grants(R"({"paths": {"read": ["/etc/ab"]}})"), asked) ==
        std::vector<std::string>{"paths: read /etc/ab"});
}

TEST_CASE("each call that can be granted is a slot of the server's table or of an extension's") {
  const std::filesystem::path server{LONGHAUL_SERVER_HEADER};
  const std::string header = test::readText(server) + test::readText(server.parent_path() / "indicators.h");
  for (const auto& call : grantableCalls()) {
    CAPTURE(call);
    CHECK(header.find("(*" + call + ")(") != std::string::npos);
  }
}
