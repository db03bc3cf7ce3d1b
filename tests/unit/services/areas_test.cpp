#include <catch2/catch.hpp>

#include "host/base/json.h"
#include "host/base/limits.h"
#include "host/services/areas.h"

using namespace longhaul::host;
using namespace longhaul::host::services;

namespace {

std::vector<std::string> warnings;
const Warn kWarn = [](const std::string& text) { warnings.push_back(text); };

const CallerFacts kEdge{InstanceId{1}, Generation{1}, "edge", "chat"};

}  // namespace

TEST_CASE("an incident is taken apart into its columns and the rest of it") {
  warnings.clear();
  const auto read = readIncidents(
      R"([{"name":"n","type":"Syslog","severity":0.5,"occurred":"1970-01-01T00:00:01Z","details":"d","owner":null,
           "labels":[{"type":"host","value":"h"}],"rawJSON":"{}","CustomFields":{"a":1}},{"name":"m"}])",
      77, kWarn);
  REQUIRE(read.has_value());
  REQUIRE(read->size() == 2);
  CHECK((*read)[0].name == "n");
  CHECK((*read)[0].type == "Syslog");
  CHECK((*read)[0].severity == 0.5);
  CHECK((*read)[0].occurred_at_us == 1'000'000);
  const Json body = Json::parse((*read)[0].body);
  CHECK(body ==
        Json::parse(R"({"details":"d","labels":[{"type":"host","value":"h"}],"rawJSON":"{}","CustomFields":{"a":1}})"));
  CHECK((*read)[1].occurred_at_us == 77);
  CHECK((*read)[1].body == "{}");
  CHECK(warnings.empty());
}

TEST_CASE("a misspelt key is kept, and named in the log with the nearest known one") {
  warnings.clear();
  const auto read = readIncidents(R"([{"name":"n","occured":"x"},{"name":"m","occured":"y","zzzzzzzz":1}])", 0, kWarn);
  REQUIRE(read.has_value());
  CHECK((*read)[0].body == R"({"occured":"x"})");
  REQUIRE(warnings.size() == 2);
  CHECK_THAT(warnings[0], Catch::Contains("\"occured\"") && Catch::Contains("did you mean \"occurred\"?"));
  CHECK_THAT(warnings[1], Catch::Contains("\"zzzzzzzz\"") && !Catch::Contains("did you mean"));
}

TEST_CASE("a wrong incident is refused with its number, its field, what was found and what was wanted") {
  const auto [json, wanted] = GENERATE(table<std::string, std::string>({
      {"{}", "wanted an array"},
      {"[]", "wanted an array with at least one"},
      {"[1]", "incident 1: incident: found 1, wanted an object"},
      {R"([{"name":"a"},{}])", "incident 2: name: found null"},
      {R"([{"name":""}])", "name: found \"\""},
      {R"([{"name":"a","severity":5}])", "severity: found 5, wanted one of 0, 0.5"},
      {R"([{"name":"a","severity":"4"}])", "severity: found \"4\""},
      {R"([{"name":"a","occurred":"yesterday"}])", "occurred: found \"yesterday\""},
      {R"([{"name":"a","details":{}}])", "details: found {}"},
      {R"([{"name":"a","labels":[{"type":1}]}])", "labels: found"},
      {R"([{"name":"a","CustomFields":[]}])", "CustomFields: found []"},
      {R"([{"name":"a","type":7}])", "type: found 7"},
      {R"([{"name":"a","name":"b"}])", "stands twice"},
      {"[{\"name\":\"\xff\"}]", "not JSON"},
  }));
  const auto read = readIncidents(json, 0, kWarn);
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().code == Code::Invalid);
  CHECK_THAT(read.error().message, Catch::Contains(wanted));
}

TEST_CASE("too many incidents are refused with the limit") {
  Json list = Json::array();
  for (std::size_t i = 0; i <= kIncidentsPerCallMax; ++i)
    list.push_back({{"name", "n"}});
  const auto read = readIncidents(list.dump(), 0, kWarn);
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().code == Code::TooLarge);
  CHECK_THAT(read.error().message, Catch::Contains("1001") && Catch::Contains("1000"));
}

TEST_CASE("an entry carries its author and its footer") {
  protocol::AddEntry call{.incident_id = "42", .entry = "text", .email = "a@b.example", .footer = "\nfrom chat"};
  const auto entry = readEntry(call, kEdge);
  REQUIRE(entry.has_value());
  CHECK(std::get<IncidentId>(entry->incident).value == 42);
  CHECK(entry->author == "a@b.example");
  CHECK(entry->text == "text\nfrom chat");
  CHECK(entry->content_type == "text");
  call.email.reset();
  CHECK(readEntry(call, kEdge)->author == "edge");
  call.content_type = "html";
  CHECK_THAT(readEntry(call, kEdge).error().message, Catch::Contains("\"html\""));
  call.content_type.reset();
  call.incident_id = "4x";
  CHECK_THAT(readEntry(call, kEdge).error().message, Catch::Contains("\"4x\""));
  const std::string large(kEntryBytesMax, 'x');
  call.incident_id = "1";
  call.entry = large;
  CHECK(readEntry(call, kEdge).error().code == Code::TooLarge);
}

TEST_CASE("entries of a commit point at its incidents by index, or at others by id") {
  const auto read = readEntries(
      R"([{"incidentIndex":1,"entry":"a"},{"incidentId":"9","entry":"b","contentType":"markdown"}])", 2, kEdge);
  REQUIRE(read.has_value());
  CHECK(std::get<std::size_t>((*read)[0].incident) == 1);
  CHECK(std::get<IncidentId>((*read)[1].incident).value == 9);
  CHECK((*read)[1].content_type == "markdown");
  CHECK_THAT(readEntries(R"([{"incidentIndex":2,"entry":"a"}])", 2, kEdge).error().message,
             Catch::Contains("entry 1: incidentIndex: found 2"));
  CHECK_FALSE(readEntries(R"([{"incidentIndex":-1,"entry":"a"}])", 2, kEdge).has_value());
}

TEST_CASE("a context keeps the text of its values, and a patch removes by null") {
  const auto context = readContext(R"({"a": 1.10, "b": {"x": 2}})", -1);
  REQUIRE(context.has_value());
  CHECK(context->values.at("a") == "1.10");
  CHECK_FALSE(context->expected_version.has_value());
  CHECK(readContext("{}", 3)->expected_version == 3);
  CHECK_FALSE(readContext("{}", -2).has_value());
  CHECK_FALSE(readContext("[]", -1).has_value());
  const auto patch = readPatch(R"({"a":null,"b":"null"})");
  REQUIRE(patch.has_value());
  CHECK_FALSE(patch->changes.at("a").has_value());
  CHECK(patch->changes.at("b") == "\"null\"");
  const std::string large = "{\"k\":\"" + std::string(kContextValueBytesMax, 'x') + "\"}";
  CHECK(readContext(large, -1).error().code == Code::TooLarge);
}

TEST_CASE("health that stays the same is not written again") {
  const auto first = readHealth({.is_error = 1, .data = "down"}, std::nullopt, 5);
  REQUIRE(first->has_value());
  CHECK((*first)->state == "error");
  CHECK((*first)->at_us == 5);
  CHECK_FALSE(readHealth({.is_error = 1, .data = "down"}, *first, 6)->has_value());
  const auto cleared = readHealth({.is_error = 0, .data = ""}, *first, 7);
  REQUIRE(cleared->has_value());
  CHECK((*cleared)->state == "healthy");
  const auto cleared_as_error = readHealth({.is_error = 1, .data = ""}, *first, 7);
  REQUIRE(cleared_as_error->has_value());
  CHECK((*cleared_as_error)->state == "healthy");
  const auto counted = readHealth({.is_error = 0, .data = R"({"eventsPulled":3})"}, *first, 8);
  REQUIRE(counted->has_value());
  CHECK((*counted)->events_pulled == 3);
  CHECK((*counted)->text == "down");
  CHECK_FALSE(readHealth({.is_error = 0, .data = R"({"eventsPulled":0})"}, *first, 9)->has_value());
}
