// The published list on the fake server: caching, paging, and what is served while the host is busy.
#include "publisher.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>

#include "longhaul/sdk/testing.hpp"
#include "source.h"

using namespace edl_plugin;
using longhaul::Status;
using longhaul::testing::FakeServer;

namespace {

std::string fieldOf(const Answer& answer, const std::string& name) {
  for (const auto& [key, value] : answer.fields)
    if (key == name) return value;
  return {};
}

void addIndicators(FakeServer& server, const std::vector<std::pair<std::string, std::string>>& values) {
  std::string json = "[";
  for (const auto& [value, type] : values)
    json += (json.size() > 1 ? ",{\"value\":\"" : "{\"value\":\"") + value + "\",\"type\":\"" + type + "\"}";
  server.server().createIndicators(json + "]");
}

struct Run {
  explicit Run(Settings chosen = {}, std::string file = {}) : settings(std::move(chosen)) {
    settings.view.limit = settings.items_max;
    publisher.emplace(server.server(), settings, std::move(file));
  }
  Answer ask(Parameters query = {}, Conditions conditions = {}, bool gzip = false) {
    return publisher->answer({"GET", "/", std::move(query), std::move(conditions), gzip});
  }

  FakeServer server;
  Settings settings;
  std::optional<Publisher> publisher;
};

}  // namespace

TEST_CASE("indicators are published, the newest first, with all that a poller wants to know") {
  Run run;
  addIndicators(run.server, {{"192.0.2.1", "IP"}, {"example.com", "Domain"}});
  REQUIRE(run.publisher->refresh());
  const Answer answer = run.ask();
  CHECK(answer.status == 200);
  CHECK(answer.body() == "example.com\n192.0.2.1\n");
  CHECK(fieldOf(answer, "content-type") == "text/plain; charset=utf-8");
  CHECK(fieldOf(answer, "cache-control") == "max-age=60");
  CHECK(fieldOf(answer, "x-total-count") == "2");
  CHECK(fieldOf(answer, "warning").empty());
  CHECK(readHttpDate(fieldOf(answer, "last-modified")).has_value());
  SECTION("a poll of what it has is answered in no bytes") {
    const Answer again = run.ask({}, {fieldOf(answer, "etag"), {}});
    CHECK(again.status == 304);
    CHECK(again.body().empty());
    CHECK(fieldOf(again, "etag") == fieldOf(answer, "etag"));
    CHECK(run.ask({}, {{}, fieldOf(answer, "last-modified")}).status == 304);
  }
  SECTION("until it is another") {
    addIndicators(run.server, {{"198.51.100.7", "IP"}});
    REQUIRE(run.publisher->refresh());
    const Answer again = run.ask({}, {fieldOf(answer, "etag"), {}});
    CHECK(again.status == 200);
    CHECK(again.body() == "198.51.100.7\nexample.com\n192.0.2.1\n");
  }
  SECTION("and another view has another tag") {
    CHECK(fieldOf(run.ask({{"t", "ip"}}), "etag") != fieldOf(answer, "etag"));
    CHECK(run.ask({{"v", "xml"}}).status == 400);
    CHECK(run.publisher->answer({"GET", "/no/such", {}, {}, false}).status == 404);
    const Answer post = run.publisher->answer({"POST", "/", {}, {}, false});
    CHECK(post.status == 405);
    CHECK(fieldOf(post, "allow") == "GET, HEAD");
  }
}

TEST_CASE("more than a page of the host, and pages of the client") {
  Settings settings;
  settings.items_max = 3000;
  Run run(settings);
  for (int page = 0; page < 3; ++page) {
    std::vector<std::pair<std::string, std::string>> values;
    for (int i = 0; i < 1000; ++i)
      values.emplace_back("10." + std::to_string(page) + "." + std::to_string(i / 250) + "." + std::to_string(i % 250),
                          "IP");
    addIndicators(run.server, values);
  }
  REQUIRE(run.publisher->refresh());
  CHECK(run.server.callCount("searchIndicators") >= 3);
  const Answer first = run.ask({{"n", "1000"}, {"t", "ip"}}, {}, true);
  CHECK(fieldOf(first, "x-total-count") == "3000");
  CHECK(fieldOf(first, "link") == "<?t=ip&s=1000&n=1000>; rel=\"next\"");
  CHECK(fieldOf(first, "content-encoding") == "gzip");
  CHECK(first.body().size() < 10'000);
  CHECK(fieldOf(first, "etag").find("-gzip\"") != std::string::npos);
  // Whoever has the one form has the other.
  CHECK(run.ask({{"n", "1000"}, {"t", "ip"}}, {fieldOf(first, "etag"), {}}).status == 304);
  const Answer last = run.ask({{"n", "1000"}, {"s", "2000"}});
  CHECK(fieldOf(last, "link").empty());
  CHECK(last.body().substr(0, 11) == "10.0.3.249\n");
}

TEST_CASE("a list that is longer than its limit is cut, and the health says so") {
  Settings settings;
  settings.items_max = 2;
  Run run(settings);
  addIndicators(run.server, {{"192.0.2.1", "IP"}, {"192.0.2.2", "IP"}, {"192.0.2.3", "IP"}});
  REQUIRE(run.publisher->refresh());
  CHECK(run.ask().body() == "192.0.2.3\n192.0.2.2\n");
  REQUIRE(run.server.health());
  CHECK(run.server.health()->is_warning);
  CHECK(run.server.health()->text.find("more than 2 entries (maxItems)") != std::string::npos);
}

TEST_CASE("while the host is busy the last good copy is served, and the health says so") {
  Run run;
  addIndicators(run.server, {{"192.0.2.1", "IP"}});
  REQUIRE(run.publisher->refresh());
  run.server.requestStop();  // no waiting between tries
  run.server.failAlways("searchIndicators", Status::kBusy, "the queue is full");
  CHECK_FALSE(run.publisher->refresh());
  const Answer answer = run.ask();
  CHECK(answer.status == 200);
  CHECK(answer.body() == "192.0.2.1\n");
  CHECK(fieldOf(answer, "warning") == "110 - \"Response is Stale\"");
  CHECK(run.server.health()->is_warning);
  CHECK(run.server.health()->text.find("BUSY: the queue is full); the last good copy is served") != std::string::npos);
  CHECK(run.publisher->status().find("the queue is full") != std::string::npos);
}

TEST_CASE("a host that is busy for a moment is asked again") {
  Run run;
  addIndicators(run.server, {{"192.0.2.1", "IP"}});
  run.server.failNth("searchIndicators", 1, Status::kBusy);
  run.server.stopAfterWaits(100);
  CHECK(run.publisher->refresh());
  CHECK(run.ask().body() == "192.0.2.1\n");
}

TEST_CASE("without any copy the answer is a time to come again") {
  Run run;
  run.server.failAlways("searchIndicators", Status::kNotGranted, "it was not approved");
  CHECK_FALSE(run.publisher->refresh());
  const Answer answer = run.ask();
  CHECK(answer.status == 503);
  CHECK(fieldOf(answer, "retry-after") == "5");
  CHECK(answer.body().find("it was not approved") != std::string::npos);
  CHECK(run.server.health()->is_error);
}

TEST_CASE("the copy outlives the worker") {
  const std::string file = "/tmp/longhaul-edl-test-" + std::to_string(::getpid()) + ".json";
  std::string etag, modified;
  {
    Run run({}, file);
    addIndicators(run.server, {{"192.0.2.1", "IP"}});
    REQUIRE(run.publisher->refresh());
    etag = fieldOf(run.ask(), "etag");
    modified = fieldOf(run.ask(), "last-modified");
  }
  {
    Run run({}, file);  // a host that has not answered yet
    const Answer answer = run.ask();
    CHECK(answer.body() == "192.0.2.1\n");
    CHECK(fieldOf(answer, "etag") == etag);
    CHECK(fieldOf(answer, "last-modified") == modified);
    CHECK_FALSE(fieldOf(answer, "warning").empty());
  }
  {
    std::ofstream(file, std::ios::trunc) << "{\"changed\":12,\"list\":[{\"val";
    Run run({}, file);
    run.server.failAlways("searchIndicators", Status::kNotGranted);
    run.publisher->refresh();
    CHECK(run.ask().status == 503);
  }
  std::remove(file.c_str());
}

TEST_CASE("the operator's entries come first, and indicators can be left out") {
  Settings settings;
  settings.indicators = false;
  settings.own = {{"192.0.2.1", "IP", 0, "", ""}};
  Run run(settings);
  addIndicators(run.server, {{"203.0.113.1", "IP"}});
  run.server.setContext(R"({"list":[{"value":"example.com","type":"Domain"},{"nonsense":1},5]})");
  REQUIRE(run.publisher->refresh());
  CHECK(run.ask().body() == "192.0.2.1\nexample.com\n");
  CHECK(run.server.callCount("searchIndicators") == 0);
}

TEST_CASE("types and a query are the host's to search") {
  Settings settings;
  settings.types = {"IP", "CIDR"};
  settings.query = "192.";
  Run run(settings);
  addIndicators(run.server,
                {{"192.0.2.1", "IP"}, {"203.0.113.1", "IP"}, {"192.0.2.0/24", "CIDR"}, {"a.example", "Domain"}});
  REQUIRE(run.publisher->refresh());
  CHECK(run.ask().body() == "192.0.2.1\n192.0.2.0/24\n");
}

TEST_CASE("a page of the host: scores choose, and another form is refused") {
  std::vector<Item> items;
  const std::string page =
      R"({"iocs":[{"value":"a","type":"IP","score":3,"created":"c"},{"value":"b","type":"IP","score":1},{"score":3}],)"
      R"("total":3,"searchAfter":"17"})";
  CHECK(readPage(page, 2, items) == "17");
  REQUIRE(items.size() == 1);
  CHECK(items[0].value == "a");
  CHECK(items[0].created == "c");
  CHECK(readPage(R"({"iocs":[],"searchAfter":null})", 0, items).empty());
  CHECK_THROWS_AS(readPage("{}", 0, items), std::invalid_argument);
  CHECK_THROWS_AS(readPage("[", 0, items), std::invalid_argument);
}
