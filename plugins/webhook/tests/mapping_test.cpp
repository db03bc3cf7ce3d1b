// What an operator writes becomes templates, and documents become incidents.
#include "mapping.h"

#include <catch2/catch.hpp>

#include "requests.h"
#include "settings_error.h"

using namespace webhook_plugin;
using longhaul::Severity;

namespace {

Mapped mapped(const std::string& mapping, const Request& request) {
  const Document document = readDocument(request);
  REQUIRE_FALSE(document.refusal);
  return Mapping(mapping, "Webhook").map(document, request);
}

longhaul::Incident one(const std::string& mapping, const Request& request) {
  const Mapped all = mapped(mapping, request);
  REQUIRE_FALSE(all.refusal);
  REQUIRE(all.incidents.size() == 1);
  return all.incidents[0];
}

std::string rendered(const std::string& text, const Request& request) {
  const Document document = readDocument(request);
  return Template(text).render({document.json, document.json, request});
}

}  // namespace

TEST_CASE("templates take values from everywhere in a request") {
  Request request = post(R"({"a":{"b~c/d":"x","list":[1,{"k":true}]},"":"empty","n":1.5,"nil":null,"blank":""})",
                         {{"x-event", "push"}});
  request.path = "/team/a";
  request.query = "token=t%20t&flag";
  const auto [text, expected] = GENERATE(table<const char*, const char*>({
      {"plain", "plain"},
      {"{/a/b~0c~1d}", "x"},
      {"{/a/list/0}-{/a/list/1/k}", "1-true"},
      {"{/a/list}", R"([1,{"k":true}])"},
      {"{/}", "empty"},
      {"{/n} {/nil}{/blank}{/absent}{/a/list/7}{/a/list/-}{/a/list/99999999999999999999}{/n/deeper}", "1.5 "},
      {"{/nil|/blank|/n|never}", "1.5"},
      {"{/absent|stands in}", "stands in"},
      {"{/absent|}", ""},
      {"{/absent|a\\|b\\}}", "a|b}"},
      {"{header X-Event}/{header x-none|none}", "push/none"},
      {"{query token}{query flag}{query none|!}", "t t!"},
      {"{path} {client} {^/n}", "/team/a 192.0.2.7 1.5"},
      {"{{{/n}}}", "{1.5}"},
  }));
  CHECK(rendered(text, request) == expected);
}

TEST_CASE("a mapping that cannot be is refused with its line") {
  const auto [text, part] = GENERATE(table<const char*, const char*>({
      {"name: {title}", "mapping, line 1: {title} is no source"},
      {"\n# comment\nname: {/title", "line 3: a { has no }"},
      {"name: a}", "a } stands alone"},
      {"name: {/a~2}", "no JSON pointer"},
      {"name: {title|/a}", "\"title\" is no source; before a |"},
      {"colour: red", "\"colour\" is not known"},
      {"name", "has no colon"},
      {"incidents: alerts", "write a JSON pointer"},
      {"level P1: urgent", "\"urgent\" is no severity"},
      {"field source-ip: {/ip}", "is no custom field"},
  }));
  CAPTURE(text);
  CHECK_THROWS_WITH(Mapping(text, "Webhook"), Catch::Contains(part));
}

TEST_CASE("without a mapping the usual names are looked for") {
  const auto incident = one("", post(R"({"name":"Disk","type":"IT","severity":3,"occurred":"2026-11-24T12:00:00Z",
                                         "details":"full"})"));
  CHECK(incident.name == "Disk");
  CHECK(incident.type == "IT");
  CHECK(incident.severity == Severity::kHigh);
  CHECK(incident.occurred == "2026-11-24T12:00:00Z");
  CHECK(incident.details == "full");
  const auto bare = one("", post("{}"));
  CHECK(bare.name == "Webhook");
  CHECK(bare.type == "Webhook");
  CHECK(bare.raw_json == "{}");
  CHECK(one("", form("title=Printer+on+fire&priority=critical")).severity == Severity::kCritical);
}

TEST_CASE("every part of an incident can be mapped") {
  const auto incident = one(
      "name: {/issue/title} in {/repo}\n"
      "type: Code\nowner: {/issue/user}\ndetails: {/issue/body}\nseverity: {/issue/prio}\nlevel P1: 4\n"
      "occurred: {/issue/at}\nlabel team: security\nlabel none: {/nothing}\nlabel event: {header x-event}\n"
      "field issuenumber: {/issue/number}\nfield tags: {/issue/tags}\nfield link: https://x/{/issue/number}\n"
      "field absent: {/nothing}",
      post(R"({"repo":"a/b","issue":{"title":"it\nbreaks","user":"ann","body":"line\ntwo","prio":"p1","at":1355517523,
               "number":17,"tags":["a","b"]}})",
           {{"x-event", "issues"}}));
  CHECK(incident.name == "it breaks in a/b");
  CHECK(incident.owner == "ann");
  CHECK(incident.details == "line\ntwo");
  CHECK(incident.severity == Severity::kCritical);
  CHECK(incident.occurred == "2012-12-14T20:38:43Z");
  REQUIRE(incident.labels.size() == 2);
  CHECK(incident.labels[0].value == "security");
  CHECK(incident.labels[1].value == "issues");
  CHECK(incident.custom_fields == R"({"issuenumber":17,"link":"https://x/17","tags":["a","b"]})");
}

TEST_CASE("an array is taken apart, and conditions pass elements over") {
  const std::string body = R"({"receiver":"ops","alerts":[
      {"status":"firing","labels":{"name":"A","sev":"warning"}},
      {"status":"resolved","labels":{"name":"B"}},
      {"status":"Firing","labels":{"name":"Watchdog"}}]})";
  const Mapped all = mapped(
      "incidents: /alerts\nonly {/status}: firing, new*\nskip {/labels/name}: watch*\n"
      "name: {/labels/name} for {^/receiver}\nseverity: {/labels/sev}",
      post(body));
  CHECK(all.skipped == 2);
  REQUIRE(all.incidents.size() == 1);
  CHECK(all.incidents[0].name == "A for ops");
  CHECK(all.incidents[0].severity == Severity::kMedium);
  CHECK(all.incidents[0].raw_json == R"({"labels":{"name":"A","sev":"warning"},"status":"firing"})");
  // A document that is an array needs no word.
  CHECK(mapped("", post(R"([{"name":"a"},{"name":"b"}])")).incidents.size() == 2);
  CHECK(mapped("incidents: /alerts", post(R"({"alerts":[]})")).incidents.empty());
  CHECK(mapped("incidents: /alert", post(R"({"alert":{"name":"a"}})")).incidents.size() == 1);
  CHECK(mapped("incidents: /alerts", post("{}")).refusal->reason.find("there is nothing at /alerts") == 0);
  CHECK(mapped("incidents: /alerts", post(R"({"alerts":5})")).refusal->status == 422);
}

TEST_CASE("more incidents than the host takes at once are refused, not cut") {
  std::string body = "[{}";
  for (int i = 1; i < 1001; ++i)
    body += ",{}";
  const Mapped all = mapped("", post(body + "]"));
  REQUIRE(all.refusal);
  CHECK(all.refusal->status == 413);
  CHECK(all.refusal->reason.find("1001 incidents, at most 1000") != std::string::npos);
}

TEST_CASE("what cannot be used is warned about and taken as absent") {
  const Mapped all = mapped("", post(R"({"name":"a","severity":"purple","occurred":"soon"})"));
  REQUIRE(all.warnings.size() == 2);
  CHECK(all.warnings[0].find("\"level purple: 3\" in the mapping") != std::string::npos);
  CHECK(all.warnings[1].find("\"soon\" is neither RFC 3339") != std::string::npos);
  CHECK(all.incidents[0].severity == Severity::kUnknown);
  CHECK(all.incidents[0].occurred.empty());
}

TEST_CASE("a name is one line of at most 500 bytes, whatever was sent") {
  std::string name;
  for (int i = 0; i < 400; ++i)
    name += "ü";
  const auto incident = one("", post("{\"name\":\"" + name + "\"}"));
  CHECK(incident.name.size() <= 500);
  CHECK(incident.name.substr(incident.name.size() - 5) == "ü…");
  CHECK(one("", post(R"({"name":"\u0000\u0001 "})")).name == "Webhook");
}
