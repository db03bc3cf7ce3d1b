// The rows of the server API that the host answers, each against what it promises.
#include <fmt/format.h>

#include "tests/unit/services/rig.h"

using namespace longhaul::host;
using namespace longhaul::host::test;
using protocol::Method;

namespace {

std::string ask(Rig& rig, IncidentId incident, const std::string& guid) {
  store::CommitWrite write;
  write.at_us = 5;
  store::Entitlement question;
  question.guid = guid;
  question.incident = incident;
  question.to = "ann";
  question.message = "block it?";
  write.question = question;
  rig.must(write);
  return std::to_string(incident.value);
}

std::string say(Rig& rig, const std::string& text, const std::string& user = "U1") {
  return rig.result(Method::directMessage, protocol::DirectMessage{.message = text, .username = user});
}

// The audit, the oldest first: who, role, what, on what, outcome.
std::vector<std::string> acts(Rig& rig) {
  std::vector<std::string> rows;
  const auto page = rig.memory.audit({.after_id = 0, .limit = 1000});
  for (const auto& row : page->rows) {
    const Json detail = Json::parse(row.detail);
    CHECK(detail["through"] == "edge");
    CHECK(detail["provider"] == "chat");
    rows.push_back(fmt::format("{} ({}) {} {}: {}, as {}", row.actor, row.role, row.act, row.target, row.outcome,
                               detail["identity"].get<std::string>()));
  }
  return rows;
}

}  // namespace

TEST_CASE(
    "what people do through a chat is in the audit with who, where, what and how it came out, and reading is not") {
  Rig rig;
  protocol::DirectMessage open{.message = "new incident Disk is full", .username = "U1"};
  open.idempotency_key = "m1";
  rig.result(Method::directMessage, open);
  rig.result(Method::directMessage, open, 1);  // a lost reply is no second act
  for (const char* text : {"assign 1 bob", "mirror 1", "close 1 done", "list incidents", "show 1", "help", "close it"})
    say(rig, text);
  CHECK(acts(rig) == std::vector<std::string>{"ann (operate) incidents.create 1: done, as U1",
                                              "ann (operate) incidents.assign 1: done, as U1",
                                              "ann (operate) incidents.mirror 1: done, as U1",
                                              "ann (operate) incidents.close 1: done, as U1"});
}

TEST_CASE("what a chat's people may not do, and what is not there, is in the audit too") {
  Rig rig;
  rig.incident("a");
  say(rig, "close 1", "U2");
  say(rig, "mirror 7");
  say(rig, "assign 1 nobody");
  rig.refusal(Method::directMessage, protocol::DirectMessage{.message = "new incident x", .username = "Eve"});
  rig.refusal(Method::directMessage, protocol::DirectMessage{.message = "list incidents", .username = "Eve"});
  const auto rows = acts(rig);
  REQUIRE(rows.size() == 4);
  CHECK_THAT(rows[0], Catch::StartsWith("bob (read) incidents.close 1: NOT_GRANTED: You may not close incidents"));
  CHECK(rows[1] == "ann (operate) incidents.mirror 7: NOT_FOUND: There is no incident 7., as U1");
  CHECK(rows[2] == "ann (operate) incidents.assign 1: NOT_FOUND: There is no user \"nobody\"., as U1");
  CHECK_THAT(rows[3], Catch::StartsWith("Eve (none) incidents.create : NOT_FOUND: I'm sorry"));
  CHECK(rig.memory.incident(IncidentId{1})->status == "active");
}

TEST_CASE("who is refused again and again does not fill the audit, which says how many it left out") {
  Rig rig;
  rig.incident("a");
  for (std::size_t i = 0; i < services::kRefusalsPerMinute + 5; ++i)
    say(rig, "close 1", "U2");
  CHECK(acts(rig).size() == services::kRefusalsPerMinute);
}

TEST_CASE("an answer is in the audit with its question, once, and so is one that came too late") {
  Rig rig;
  const std::string id = ask(rig, rig.incident("a"), "g1");
  protocol::HandleEntitlement call{id, "g1", "bob@example.org", "yes", std::nullopt};
  rig.result(Method::handleEntitlementForUser, call);
  rig.result(Method::handleEntitlementForUser, call, 1);
  call.email = "ann@example.org";
  rig.refusal(Method::handleEntitlementForUser, call);
  const auto rows = acts(rig);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == "bob (read) incidents.questions.answer 1: done, as bob@example.org");
  CHECK_THAT(rows[1], Catch::StartsWith("ann (operate) incidents.questions.answer 1: ALREADY_ANSWERED: "));
  const auto first = rig.memory.audit({.after_id = 0, .limit = 1})->rows.front();
  CHECK(Json::parse(first.detail)["question"] == "g1");
  CHECK(first.detail.find("yes") == std::string::npos);  // what was said is in the war room
}

TEST_CASE("a mirror that failed is in the audit with the reason") {
  Rig rig;
  rig.incident("a");
  std::optional<services::Outcome> outcome;
  std::string payload;
  protocol::encode(protocol::DirectMessage{.message = "mirror 1", .username = "U1"}, payload);
  const services::Caller caller{.instance = rig.edge, .generation = Generation{1}, .name = "edge", .plugin = "chat"};
  REQUIRE(rig.api.call(
      caller, Method::directMessage, payload, [](const std::string&) {},
      [&](services::Outcome answered) { outcome = std::move(answered); }));
  REQUIRE(rig.loop.runUntil([&] { return !rig.calls.calls.empty(); }, std::chrono::seconds{10}));
  // Its row was there before the plugin was asked.
  CHECK(acts(rig) == std::vector<std::string>{"ann (operate) incidents.mirror 1: begun, as U1"});
  rig.calls.answer(Error{Code::Closed, "it ended"});
  REQUIRE(rig.loop.runUntil([&] { return outcome.has_value(); }, std::chrono::seconds{10}));
  CHECK(acts(rig) == std::vector<std::string>{"ann (operate) incidents.mirror 1: CLOSED: it ended, as U1"});
}

TEST_CASE("findUser gives a user by name, chat id or address, and null for nobody") {
  Rig rig;
  const auto found = Json::parse(rig.result(Method::findUser, protocol::FindUser{"", "ANN@example.org"}));
  CHECK(found["username"] == "ann");
  CHECK(found["email"] == "ann@example.org");
  CHECK(found["roles"] == Json::parse(R"({"demisto":["operate"]})"));
  CHECK(Json::parse(rig.result(Method::findUser, protocol::FindUser{"U2", ""}))["username"] == "bob");
  CHECK(rig.result(Method::findUser, protocol::FindUser{"an*", ""}) == "null");
  CHECK(rig.result(Method::findUser, protocol::FindUser{"", "nobody@example.org"}) == "null");
  CHECK(rig.refusal(Method::findUser, protocol::FindUser{}).first == Code::Invalid);
}

TEST_CASE("what was not approved is refused with the verb and the remedy, and health always works") {
  Rig rig;
  rig.granted = std::vector<std::string>{"createIncidents"};
  const auto refused = rig.refusal(Method::findUser, protocol::FindUser{"ann", ""});
  CHECK(refused.first == Code::NotGranted);
  CHECK(refused.second ==
        "findUser is not granted to edge: name it in the manifest under grants.serverApi, and approve "
        "it (longhaul approve edge)");
  CHECK(rig.call(Method::updateModuleHealth, protocol::UpdateModuleHealth{1, "down"}).status == 0);
  CHECK(rig.call(Method::createIncidents, protocol::CreateIncidents{.incidents = R"([{"name":"a"}])"}).status == 0);
}

TEST_CASE("createIncidents keeps the owner, and who opened it where that is a user") {
  Rig rig;
  protocol::CreateIncidents call{.incidents = R"([{"name":"a","owner":"bob"}])"};
  call.user_id = "U1";
  rig.result(Method::createIncidents, call);
  auto incident = rig.memory.incident(IncidentId{1});
  CHECK(incident->owner == "bob");
  CHECK(Json::parse(incident->body)["openedBy"] == "ann");
  call.user_id = "1";
  rig.result(Method::createIncidents, call);
  CHECK(Json::parse(rig.memory.incident(IncidentId{2})->body)["openedBy"] == "ann");
  call.user_id = "99";
  CHECK(rig.refusal(Method::createIncidents, call).first == Code::NotFound);
  CHECK(*rig.memory.incidentCount() == 2);
}

TEST_CASE("addEntry knows its author by the chat's id, and keeps what is unknown as it was given") {
  Rig rig;
  rig.incident("a");
  CHECK(rig.result(Method::addEntry, protocol::AddEntry{.incident_id = "1", .entry = "x", .username = "U1"}) == "1@1");
  rig.result(Method::addEntry, protocol::AddEntry{.incident_id = "1", .entry = "y", .email = "who@example.org"});
  const auto entries = rig.memory.entries(IncidentId{1}, 0, 10);
  CHECK(entries->rows[0].user == "ann");
  CHECK(entries->rows[0].author == "U1");
  CHECK(entries->rows[1].user.empty());
  CHECK(entries->rows[1].author == "who@example.org");
  CHECK(rig.refusal(Method::addEntry, protocol::AddEntry{.incident_id = "9", .entry = "x"}).first == Code::NotFound);
}

TEST_CASE("a question is answered once, and the second answer hears by whom and when") {
  Rig rig;
  const std::string id = ask(rig, rig.incident("a"), "g1");
  protocol::HandleEntitlement call{id, "g1", "bob@example.org", "yes", std::nullopt};
  CHECK(rig.result(Method::handleEntitlementForUser, call) == "1@" + id);
  CHECK(rig.memory.entries(IncidentId{1}, 0, 10)->rows[0].user == "bob");
  // Again, because the reply was lost: the first reply.
  CHECK(rig.result(Method::handleEntitlementForUser, call, 1) == "1@" + id);
  call.content = "no";
  const auto refused = rig.refusal(Method::handleEntitlementForUser, call);
  CHECK(refused.first == Code::AlreadyAnswered);
  CHECK(refused.second == "this question was answered already, by bob at 1970-01-01T00:16:40.000000Z: \"yes\"");
  call.guid = "g2";
  CHECK(rig.refusal(Method::handleEntitlementForUser, call).first == Code::NotFound);
  call.guid = "";
  CHECK(rig.refusal(Method::handleEntitlementForUser, call).first == Code::Invalid);
}

TEST_CASE("an answer of nobody is the end of the time, as the chat saw it") {
  Rig rig;
  const std::string id = ask(rig, rig.incident("a"), "g1");
  protocol::HandleEntitlement call{id, "g1", "", "no", std::nullopt};
  CHECK(rig.result(Method::handleEntitlementForUser, call) == "1@" + id);
  const auto question = rig.memory.entitlement("g1").value().value();
  CHECK(question.state == store::EntitlementState::Expired);
  CHECK(question.answer == "no");
  CHECK(question.answered_by.empty());
  CHECK(rig.memory.entries(IncidentId{1}, 0, 10)->rows[0].text == "No answer in time: taken as no");
  call.email = "bob@example.org";
  const auto late = rig.refusal(Method::handleEntitlementForUser, call);
  CHECK(late.first == Code::AlreadyAnswered);
  CHECK(late.second.starts_with("the time for this question was out at "));
}

TEST_CASE("mirrorInvestigation marks the incident and gives its people") {
  Rig rig;
  const IncidentId id = rig.incident("a", "bob");
  rig.result(Method::addEntry, protocol::AddEntry{.incident_id = "1", .entry = "x", .username = "U1"});
  const std::string text =
      rig.result(Method::mirrorInvestigation, protocol::MirrorInvestigation{1, "1", "ALL:fromdemisto"});
  CHECK(Json::parse(text) == Json::parse(R"([{"email":"ann@example.org","username":"ann"},
                                             {"email":"bob@example.org","username":"bob"}])"));
  const auto mirrors = rig.memory.mirrors({id, rig.edge});
  REQUIRE(mirrors->size() == 1);
  CHECK((*mirrors)[0].direction == store::MirrorDirection::FromDemisto);
  CHECK((*mirrors)[0].auto_close);
  CHECK((*mirrors)[0].sent_entry == 1);
  rig.result(Method::mirrorInvestigation, protocol::MirrorInvestigation{0, "1", "none"});
  CHECK(rig.memory.mirrors({})->empty());
  CHECK(rig.refusal(Method::mirrorInvestigation, protocol::MirrorInvestigation{0, "7", "all"}).first == Code::NotFound);
  for (const char* bad : {"", "some", "all:up", "all:"}) {
    CHECK(rig.refusal(Method::mirrorInvestigation, protocol::MirrorInvestigation{0, "1", bad}).first == Code::Invalid);
  }
}

TEST_CASE("an error clears by a text, and a passing one also by the next counters") {
  Rig rig;
  const auto health = [&](std::int32_t kind, std::string_view text) {
    const auto outcome = rig.call(Method::updateModuleHealth, protocol::UpdateModuleHealth{kind, text});
    REQUIRE(outcome.status == 0);
    return outcome.health.value_or(store::Health{});
  };
  CHECK(health(2, "slow").state == "warning");
  CHECK(health(1, "down").state == "error");
  CHECK(health(3, "down").passing);
}

TEST_CASE(
    "a direct message of somebody unknown is refused in XSOAR's words, but may open an incident where that is "
    "allowed") {
  Rig rig;
  protocol::DirectMessage call{.message = "list incidents", .email = "x@example.org"};
  const auto refused = rig.refusal(Method::directMessage, call);
  CHECK(refused.first == Code::NotFound);
  CHECK(refused.second == "I'm sorry but I was unable to find you as a Demisto user for email [x@example.org]");
  call.message = "new incident disk is full";
  CHECK(rig.refusal(Method::directMessage, call).first == Code::NotFound);
  call.anyone_can_open_incidents = 1;
  rig.result(Method::directMessage, call);
  const auto incident = rig.memory.incident(IncidentId{1});
  CHECK(incident->name == "disk is full");
  CHECK(incident->owner.empty());
  CHECK(Json::parse(incident->body)["labels"][0]["value"] == "x@example.org");
  call.message = "list incidents";
  CHECK(rig.refusal(Method::directMessage, call).first == Code::NotFound);
}

TEST_CASE("lists are the fenced tables that chat modules take apart") {
  Rig rig;
  rig.incident("first | with `ticks` and a long name", "ann");
  rig.incident("second");
  CHECK(say(rig, "  LIST   my\tIncidents ") ==
        "```ID         | Name                 | Status      | Type        | Owner       | Created             | Link\n"
        "===========|======================|=============|=============|=============|=====================|=====\n"
        "1          | first / with 'ticks' | Active      | Unclassifie | ann         | 1970-01-01 00:00:00 | "
        "/#/WarRoom/1\n"
        "```");
  const std::string all = say(rig, "list incidents");
  CHECK(all.find("\n2 ") < all.find("\n1 "));
  CHECK(say(rig, "list closed incidents") == "There are no closed incidents.");
  CHECK(say(rig, "list incidents page 2") == "There is no page 2 of incidents.");
  ask(rig, IncidentId{2}, "g1");
  CHECK(say(rig, "list my tasks") ==
        "```Task                                     | Incident                       | Due                 | Link\n"
        "=========================================|================================|=====================|=====\n"
        "block it?                                | 2 - second                     | 0001-01-01 00:00:00 | "
        "/#/WorkPlan/2\n"
        "```");
}

TEST_CASE("lists are paged") {
  Rig rig;
  for (int i = 0; i < 25; ++i)
    rig.incident("n");
  const auto rows = [&](const std::string& text) {
    const std::string table = say(rig, text);
    return std::count(table.begin(), table.end(), '\n') - 2;
  };
  CHECK(rows("list incidents") == 10);
  CHECK(rows("list incidents page 3") == 5);
  CHECK_THAT(say(rig, "list incidents page 3"), Catch::Contains("\n5  "));
  CHECK_THAT(say(rig, "list incidents page x"), Catch::Contains("Which page?"));
  CHECK_THAT(say(rig, "list incidents page 1000"), Catch::Contains("100 pages at most"));
}

TEST_CASE("a user opens, sees, assigns and closes an incident by direct message, once under a key") {
  Rig rig;
  protocol::DirectMessage call{.message = "new incident Disk is full\non db1", .username = "U1"};
  call.idempotency_key = "m1";
  CHECK_THAT(rig.result(Method::directMessage, call),
             Catch::Contains("Successfully created incident 1 - Disk is full"));
  rig.result(Method::directMessage, call, 1);
  CHECK(*rig.memory.incidentCount() == 1);
  CHECK(rig.memory.incident(IncidentId{1})->owner == "ann");
  CHECK_THAT(say(rig, "show 1"), Catch::Contains("Details: Disk is full\non db1"));
  CHECK(say(rig, "assign #1 to bob") == "Incident 1 belongs to bob now.");
  CHECK(say(rig, "assign 1 nobody") == "There is no user \"nobody\".");
  CHECK(say(rig, "close 1 made room") == "Incident 1 is closed.");
  const auto incident = rig.memory.incident(IncidentId{1});
  CHECK(incident->owner == "bob");
  CHECK(incident->status == "closed");
  CHECK(incident->close_reason == "made room");
  CHECK(rig.memory.entries(IncidentId{1}, 0, 10)->rows.back().user == "ann");
  CHECK(say(rig, "close 1") == "Incident 1 is closed already.");
  CHECK(say(rig, "show 9") == "There is no incident 9.");
  CHECK_THAT(say(rig, "close it"), Catch::Contains("\"it\" is no number of an incident"));
}

TEST_CASE("who may only read changes nothing by direct message") {
  Rig rig;
  rig.incident("a");
  for (const char* text : {"close 1", "assign 1 me", "mirror 1"}) {
    CHECK_THAT(say(rig, text, "U2"), Catch::Contains("needs the role operate, and yours is read"));
  }
  CHECK(rig.memory.incident(IncidentId{1})->status == "active");
  CHECK(rig.ran.empty());
  CHECK_THAT(say(rig, "what?", "U2"),
             Catch::StartsWith("I can understand the following commands:\nlist incidents [page x]\n") &&
                 !Catch::Contains("assign"));
  CHECK_THAT(say(rig, "", "U1"), Catch::Contains("assign incident-id user"));
}

TEST_CASE("mirror runs the instance's own command in the incident's name") {
  Rig rig;
  rig.incident("a");
  rig.command_text = "The channel is incident-1";
  CHECK(say(rig, "mirror 1") == "The channel is incident-1");
  REQUIRE(rig.ran.size() == 1);
  CHECK(rig.ran[0].instance == "edge");
  CHECK(rig.ran[0].command == "mirror-investigation");
  CHECK(rig.ran[0].context["incidentId"] == "1");
  CHECK(rig.ran[0].context["user"]["username"] == "ann");
  CHECK(say(rig, "mirror 5") == "There is no incident 5.");
}

TEST_CASE("indicators are created, updated and found again with a cursor") {
  Rig rig;
  const auto created =
      rig.result(Method::createIndicators,
                 protocol::CreateIndicators{
                     R"([{"value":"10.0.0.1","type":"IP","score":3,"fields":{"a":1}},{"value":"10.0.0.2","type":"IP"},
          {"value":"x.org","type":"Domain","rawJSON":null}])"});
  CHECK(created == R"([{"id":"1"},{"id":"2"},{"id":"3"}])");
  rig.result(Method::createIndicators,
             protocol::CreateIndicators{R"([{"value":"10.0.0.1","type":"IP","fields":{"b":2}}])"});
  const auto search = [&](const char* query) {
    return Json::parse(rig.result(Method::searchIndicators, protocol::SearchIndicators{query}));
  };
  const Json one = search(R"({"value":"10.0.0.1"})");
  CHECK(one["total"] == 1);
  CHECK(one["searchAfter"].is_null());
  CHECK(one["iocs"][0]["score"] == 3);
  CHECK(one["iocs"][0]["fields"] == Json::parse(R"({"a":1,"b":2})"));
  Json page = search(R"({"query":"type:IP value:10.*","size":1})");
  CHECK(page["total"] == 2);
  CHECK(page["iocs"][0]["value"] == "10.0.0.1");
  page =
      search((R"({"query":"type:IP value:10.*","size":1,"searchAfter":)" + page["searchAfter"].dump() + "}").c_str());
  CHECK(page["iocs"][0]["value"] == "10.0.0.2");
  CHECK(page["searchAfter"].is_null());
  CHECK(search(R"({"size":1,"page":2})")["iocs"][0]["value"] == "10.0.0.1");
  CHECK(search("{}")["total"] == 3);
  for (const char* bad : {"[]", R"({"size":2000})", R"({"fromDate":"x"})", R"({"query":"a b"})"}) {
    CHECK(rig.refusal(Method::searchIndicators, protocol::SearchIndicators{bad}).first == Code::Invalid);
  }
  for (const char* bad : {"{}", "[]", R"([{"value":"a"}])", R"([{"value":"a","type":"b","score":4}])"}) {
    CHECK(rig.refusal(Method::createIndicators, protocol::CreateIndicators{bad}).first == Code::Invalid);
  }
}
