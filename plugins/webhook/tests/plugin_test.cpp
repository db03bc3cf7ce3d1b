// The plugin behind the host's table: bodies that stream in, limits, its commands, and that parameters are checked.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "document.h"
#include "http_side.h"
#include "longhaul/sdk/testing.hpp"

using namespace webhook_plugin;
using longhaul::Status;
using longhaul::testing::FakeServer;
using longhaul::testing::PluginRun;

namespace {

// What the host offers for one request, in memory: the body comes in pieces.
struct FakeExchange {
  std::string body;
  std::size_t piece = 7;
  bool cut = false;  // the client goes before the end
  unsigned status = 0;
  std::string answer;
  std::int64_t answer_length = -1;
  longhaul_http_exchange_t table{};

  FakeExchange() {
    table.struct_size = sizeof table;
    table.self = this;
    table.read = [](void* self, void* buffer, std::size_t size) -> std::int64_t {
      auto& fake = *static_cast<FakeExchange*>(self);
      if (fake.body.empty() && fake.cut) return LONGHAUL_CLOSED;
      const std::size_t given = fake.body.copy(static_cast<char*>(buffer), std::min(size, fake.piece));
      fake.body.erase(0, given);
      return static_cast<std::int64_t>(given);
    };
    table.respond = [](void* self, std::uint32_t answered, const longhaul_http_field_t*, std::size_t,
                       std::int64_t length) -> longhaul_status_t {
      auto& fake = *static_cast<FakeExchange*>(self);
      fake.status = answered;
      fake.answer_length = length;
      return LONGHAUL_OK;
    };
    table.write = [](void* self, const void* bytes, std::size_t size) -> longhaul_status_t {
      static_cast<FakeExchange*>(self)->answer.append(static_cast<const char*>(bytes), size);
      return LONGHAUL_OK;
    };
  }
};

longhaul_http_request_t asked(const std::vector<longhaul_http_field_t>& fields, std::int64_t length) {
  longhaul_http_request_t request{};
  request.struct_size = sizeof request;
  request.fields = fields.data();
  request.field_count = static_cast<std::uint32_t>(fields.size());
  request.method = longhaul::detail::textOf("POST");
  request.path = longhaul::detail::textOf("/");
  request.client_address = longhaul::detail::textOf("unix");
  request.content_length = length;
  return request;
}

std::string manifest() {
  std::ifstream file(MANIFEST);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a body is read to its end, and no further than its limit") {
  std::string body;
  SECTION("in pieces") {
    FakeExchange exchange;
    exchange.body = R"({"name":"in pieces"})";
    CHECK_FALSE(readBody(asked({}, -1), exchange.table, 100, body));
    CHECK(body == R"({"name":"in pieces"})");
  }
  SECTION("just as long as the limit") {
    FakeExchange exchange;
    exchange.body = std::string(100, ' ');
    CHECK_FALSE(readBody(asked({}, 100), exchange.table, 100, body));
  }
  SECTION("longer, as its length says") {
    FakeExchange exchange;
    CHECK(readBody(asked({}, 101), exchange.table, 100, body)->status == 413);
  }
  SECTION("longer than it said") {
    FakeExchange exchange;
    exchange.body = std::string(101, ' ');
    CHECK(readBody(asked({}, -1), exchange.table, 100, body)->status == 413);
  }
  SECTION("cut off") {
    FakeExchange exchange;
    exchange.body = "{";
    exchange.cut = true;
    CHECK(readBody(asked({}, -1), exchange.table, 100, body)->status == 400);
  }
}

TEST_CASE("the plugin offers HTTP and its commands, and stops when it is asked to") {
  FakeServer server;
  server.useManifest(manifest());
  server.setParameterText("verify", "none");
  const auto* descriptor = longhaulPluginEntry(LONGHAUL_ABI_VERSION);
  REQUIRE(descriptor != nullptr);
  const auto* http =
      static_cast<const longhaul_http_t*>(descriptor->getExtension(longhaul::detail::textOf(LONGHAUL_HTTP_ID)));
  REQUIRE(LONGHAUL_HAS(http, longhaul_http_t, handle));

  longhaul_plugin_t* plugin = nullptr;
  REQUIRE(descriptor->create(server.table(), &plugin) == LONGHAUL_OK);
  FakeExchange exchange;
  exchange.body = R"({"name":"through the table"})";
  const std::vector<longhaul_http_field_t> fields{
      {longhaul::detail::textOf("content-type"), longhaul::detail::textOf("application/json")}};
  const longhaul_http_request_t request = asked(fields, static_cast<std::int64_t>(exchange.body.size()));
  CHECK(http->handle(plugin, &request, &exchange.table) == LONGHAUL_OK);
  CHECK(exchange.status == 200);
  CHECK(exchange.answer_length == static_cast<std::int64_t>(exchange.answer.size()));
  CHECK(Json::parse(exchange.answer)["incidents"][0]["name"] == "through the table");
  descriptor->destroy(plugin);

  PluginRun run(server, longhaulPluginEntry);
  CHECK(run.test().text == "ok");
  const auto made = run.execute("webhook-map", R"({"body":"{\"name\":\"tried\"}","contentType":"application/json"})");
  CHECK(Json::parse(made.text)["incidents"][0]["name"] == "tried");
  const auto refused = run.execute("webhook-map", R"({"body":"{","contentType":"application/json"})");
  CHECK(refused.status == Status::kInvalid);
  CHECK(refused.text.find("the body is not JSON") != std::string::npos);
  CHECK(run.execute("webhook-samples", R"({"limit":"0"})").status == Status::kInvalid);
  run.stop();
  CHECK(run.finish().loop == Status::kOk);
  CHECK(server.incidents().size() == 1);
}

TEST_CASE("an instance whose parameters cannot be is not created, and says why") {
  FakeServer server;
  server.useManifest(manifest());
  server.setParameterText("verify", "slack");
  PluginRun run(server, longhaulPluginEntry);
  const auto ended = run.finish();
  CHECK_FALSE(longhaul::isDone(ended.create));
  CHECK(ended.error.find("secret is empty, and verify is \"slack\"") != std::string::npos);
}
