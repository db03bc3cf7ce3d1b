#include "host/supervisor/resolve.h"

#include <catch2/catch.hpp>

#include "host/base/limits.h"
#include "host/supervisor/crash_names.h"

using namespace longhaul::host;
using namespace longhaul::host::supervisor;

namespace {

constexpr const char* kManifest = R"({
  "id": "door", "version": "1.2.0",
  "parameters": [
    {"name": "listen", "type": "address", "default": "127.0.0.1:7000"},
    {"name": "token", "type": "encrypted"},
    {"name": "rate", "type": "number", "default": 5}
  ],
  "listeners": [{"name": "door", "parameter": "listen", "transport": "udp"}],
  "grants": {"serverApi": ["createIncidents"]}
})";

catalog::Manifest manifest() {
  auto parsed = catalog::parseManifest(kManifest);
  REQUIRE(parsed);
  return *parsed;
}

store::InstanceRecord record(const std::string& config) {
  store::InstanceRecord made;
  made.id = {1};
  made.name = "front";
  made.plugin = "door";
  made.config = config;
  return made;
}

Result<Runnable> runnable(const std::string& config) {
  return makeRunnable(record(config), config, manifest(), {}, kContextBytesMax);
}

}  // namespace

TEST_CASE("what runs has the manifest's defaults, its listeners by name, and the instance's own limits") {
  const auto made = runnable(R"({"longRunning":true,"parameters":{"rate":7},"limits":{"context_mib":2}})");
  REQUIRE(made);
  CHECK(made->parameters["listen"] == "127.0.0.1:7000");
  CHECK(made->parameters["rate"] == 7);
  REQUIRE(made->listeners.size() == 1);
  CHECK(made->listeners[0].name == "door");
  CHECK(toText(made->listeners[0].address) == "127.0.0.1:7000");
  CHECK(made->context_bytes_max == 2U << 20);
}

TEST_CASE("a configuration that the plugin does not accept says which plugin, what is wrong and the remedy") {
  const auto made = runnable(R"({"longRunning":true,"parameters":{"rte":7}})");
  REQUIRE_FALSE(made);
  CHECK_THAT(made.error().message, Catch::Contains("door 1.2.0 does not accept its configuration"));
  CHECK_THAT(made.error().message, Catch::Contains("rte"));
  CHECK_THAT(made.error().message, Catch::Contains("apply it again"));
}

TEST_CASE("calls are allowed as they were approved, the versioned write of a context with the plain one") {
  CHECK(grantedCalls(R"({"serverApi":["createIncidents"]})") == std::vector<std::string>{"createIncidents"});
  CHECK(grantedCalls(R"({"serverApi":["setIntegrationContextVersioned"]})") ==
        std::vector<std::string>{"setIntegrationContextVersioned", "setIntegrationContext"});
  CHECK(grantedCalls("{}").empty());
  CHECK(grantedCalls("what is this").empty());
}

TEST_CASE("references are found wherever they stand") {
  CHECK_FALSE(hasReferences(Json::parse(R"({"a":"x","b":[1,"${nothing"]})")));
  CHECK(hasReferences(Json::parse(R"({"a":"${env:TOKEN}"})")));
  CHECK(hasReferences(Json::parse(R"({"login":{"identifier":"me","password":"${file:/etc/secret}"}})")));
}

TEST_CASE("the making of an instance approved nothing yet only while no worker of it ever ran") {
  store::InstanceRecord made = record("{}");
  CHECK(awaitsApproval(made));
  made.target.grants = "{}";
  CHECK(awaitsApproval(made));
  made.generation = {1};
  CHECK_FALSE(awaitsApproval(made));
  made.generation = {};
  made.target.grants = R"({"serverApi":[]})";
  CHECK_FALSE(awaitsApproval(made));
}

TEST_CASE("ends that differ in numbers alone look alike") {
  CHECK(withoutNumbers("free(): 0x7ffd1c2a at 17") == withoutNumbers("free(): 0x55d0ffe1b8 at 4711"));
  CHECK(withoutNumbers("free(): 0x7f at 17") == "free(): # at #");
  CHECK(withoutNumbers("bad face") == "bad face");
  CHECK(withoutNumbers("code 1") != withoutNumbers("code x"));
}
