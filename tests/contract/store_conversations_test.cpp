// Questions with one answer, mirrors with their cursor, and indicators.
#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using longhaul::host::test::commitOf;

namespace {

IncidentId incidentOf(test::StoreUnderTest& subject, InstanceId instance) {
  CommitWrite commit = commitOf(instance);
  commit.incidents = {test::incidentNamed("a")};
  return subject.must<Committed>(commit).incidents.front();
}

CommitWrite question(IncidentId incident, const std::string& guid, const std::string& to) {
  CommitWrite write;
  write.at_us = 10;
  Entitlement ask;
  ask.guid = guid;
  ask.incident = incident;
  ask.task_id = "3";
  ask.to = to;
  ask.message = "block it?";
  ask.options = {"yes", "no"};
  ask.default_response = "no";
  ask.expires_at_us = 100;
  write.question = ask;
  return write;
}

CommitWrite answer(InstanceId instance, IncidentId incident, const std::string& guid) {
  CommitWrite write = commitOf(instance);
  write.entries = {{incident, "Ann", "text", "yes"}};
  write.answer = AnswerEntitlement{guid, incident, "", {"", "ann@example.org", "chat"}, "Ann", "yes", false};
  return write;
}

Error refusalOf(test::StoreUnderTest& subject, Write write) {
  auto result = subject.write(std::move(write));
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

std::vector<std::string> guids(test::StoreUnderTest& subject, const EntitlementQuery& query) {
  const auto page = subject.reader().entitlements(query);
  REQUIRE(page.has_value());
  std::vector<std::string> found;
  for (const auto& row : page->rows)
    found.push_back(row.guid);
  return found;
}

std::vector<std::string> values(const Result<IndicatorPage>& page) {
  REQUIRE(page.has_value());
  std::vector<std::string> found;
  for (const auto& row : page->rows)
    found.push_back(row.value);
  return found;
}

}  // namespace

LONGHAUL_STORE_CASE("a question is answered once, with who and when, and its entry lands with the answer only") {
  const InstanceId id = subject.instance("chat");
  User ann;
  ann.username = "ann";
  ann.email = "ann@example.org";
  subject.must<UserPut>(PutUser{ann, PutUser::Mode::New, 1});
  const IncidentId incident = incidentOf(subject, id);
  const IncidentId other = incidentOf(subject, id);
  subject.must<Committed>(question(incident, "g1", "ann"));
  CHECK(refusalOf(subject, answer(id, other, "g1")).code == Code::NotFound);
  CHECK(refusalOf(subject, answer(id, incident, "g2")).code == Code::NotFound);
  auto wrong_task = answer(id, incident, "g1");
  wrong_task.answer->task_id = "4";
  CHECK(refusalOf(subject, wrong_task).code == Code::NotFound);
  CHECK(subject.reader().entries(incident, 0, 10)->rows.empty());

  const auto done = subject.must<Committed>(answer(id, incident, "g1"));
  // The same answer again: its reply was lost.
  const auto repeated = subject.must<Committed>(answer(id, incident, "g1"));
  CHECK(repeated.replayed);
  CHECK(repeated.entries == done.entries);
  CHECK(repeated.entry_incidents == std::vector<IncidentId>{incident});
  auto other_answer = answer(id, incident, "g1");
  other_answer.answer->answer = "no";
  auto other_person = answer(id, incident, "g1");
  other_person.answer->by = {"bob", "", "chat"};
  other_person.answer->by_text = "bob";
  auto more = answer(id, incident, "g1");
  more.incidents = {test::incidentNamed("b")};
  for (const auto& second : {other_answer, other_person, more}) {
    const auto again = refusalOf(subject, second);
    CHECK(again.code == Code::AlreadyAnswered);
    CHECK_THAT(again.message, Catch::Contains("by ann at 1970-01-01T00:00:00.001"));
  }
  CHECK(subject.reader().entries(incident, 0, 10)->rows.size() == 1);
  subject.reopen();
  const auto kept = subject.reader().entitlement("g1").value();
  REQUIRE(kept);
  CHECK(kept->state == EntitlementState::Answered);
  CHECK(kept->answered_by == "ann");
  CHECK(kept->answered_at_us == 1000);
  CHECK(kept->answer == "yes");
  CHECK(kept->entry == done.entries[0]);
  CHECK(kept->options == std::vector<std::string>{"yes", "no"});
  CHECK_FALSE(subject.reader().entitlement("g").value());
}

LONGHAUL_STORE_CASE("an act of a person is in the audit with its commit, or neither is there") {
  const InstanceId chat = subject.instance("chat");
  subject.must<UserPut>(PutUser{{.username = "ann", .email = "ann@example.org", .role = Role::Operate}, {}, 1});
  const auto rows = [&] { return subject.reader().audit({.after_id = 0, .limit = 10})->rows; };
  CommitWrite opened = commitOf(chat);
  opened.idempotency_key = "k";
  opened.request_hash = "h";
  opened.at_us = 77;
  opened.incidents = {test::incidentNamed("a")};
  opened.act = PersonAct{{.actor = "U9", .role = "none", .act = "incidents.create", .outcome = "done"}, {}};
  const auto incident = subject.must<Committed>(opened).incidents.front();
  CHECK(subject.must<Committed>(opened).replayed);
  REQUIRE(rows().size() == 1);
  CHECK(rows()[0].actor == "U9");
  CHECK(rows()[0].target == std::to_string(incident.value));
  CHECK(rows()[0].at_us == 77);
  CommitWrite closed = commitOf(chat);
  closed.statuses = {{incident, "closed", "", 1}, {IncidentId{99}, "closed", "", 1}};
  closed.act = PersonAct{{.act = "incidents.close", .target = "1", .outcome = "done"}, {"", "ANN@example.org", "chat"}};
  CHECK(refusalOf(subject, closed).code == Code::NotFound);
  CHECK(rows().size() == 1);
  closed.statuses.pop_back();
  subject.must<Committed>(closed);
  subject.reopen();
  REQUIRE(rows().size() == 2);
  CHECK(rows()[1].actor == "ann");
  CHECK(rows()[1].role == "operate");
}

LONGHAUL_STORE_CASE("the host answers when the time is out, and a late answer hears so") {
  const InstanceId id = subject.instance("chat");
  const IncidentId incident = incidentOf(subject, id);
  subject.must<Committed>(question(incident, "g1", "ann"));
  CommitWrite expired;
  expired.at_us = 200;
  expired.answer = AnswerEntitlement{"g1", incident, "", {}, "", "no", true};
  subject.must<Committed>(expired);
  CHECK(subject.reader().entitlement("g1").value()->state == EntitlementState::Expired);
  const auto late = refusalOf(subject, answer(id, incident, "g1"));
  CHECK(late.code == Code::AlreadyAnswered);
  CHECK_THAT(late.message, Catch::Contains("the time for this question was out"));
}

LONGHAUL_STORE_CASE("questions are listed by incident, user and state, and say what became of them") {
  const InstanceId id = subject.instance("chat");
  const IncidentId first = incidentOf(subject, id);
  const IncidentId second = incidentOf(subject, id);
  subject.must<Committed>(question(first, "a", "ann"));
  subject.must<Committed>(question(second, "b", "bob"));
  subject.must<Committed>(question(second, "c", "ann"));
  subject.must<Committed>(answer(id, first, "a"));
  EntitlementQuery query;
  query.incident = second;
  CHECK(guids(subject, query) == std::vector<std::string>{"c", "b"});
  query = {};
  query.to = "ann";
  CHECK(guids(subject, query) == std::vector<std::string>{"c", "a"});
  query.state = EntitlementState::Open;
  CHECK(guids(subject, query) == std::vector<std::string>{"c"});
  query = {};
  query.state = EntitlementState::Open;
  query.after_id = 0;
  query.limit = 1;
  CHECK(guids(subject, query) == std::vector<std::string>{"b"});
  query.after_id = 2;
  CHECK(guids(subject, query) == std::vector<std::string>{"c"});
  subject.must<Done>(MarkEntitlement{"c", 5, 0});
  subject.must<Done>(MarkEntitlement{"c", 0, 6});
  CHECK(subject.reader().entitlement("c").value()->sent_at_us == 5);
  CHECK(subject.reader().entitlement("c").value()->reminded_at_us == 6);
  CHECK(refusalOf(subject, question(IncidentId{99}, "d", "ann")).code == Code::NotFound);
}

LONGHAUL_STORE_CASE("a mirror begins behind the entries that are there, moves forward only, and ends") {
  const InstanceId id = subject.instance("chat");
  const IncidentId incident = incidentOf(subject, id);
  CommitWrite entry;
  entry.entries = {{incident, "ann", "text", "before"}};
  const auto before = subject.must<Committed>(entry).entries[0];
  CommitWrite mirror = commitOf(id);
  mirror.mirror = SetMirror{incident, MirrorType::All, MirrorDirection::Both, true};
  subject.must<Committed>(mirror);
  subject.must<Committed>(entry);
  auto mirrors = subject.reader().mirrors({}).value();
  REQUIRE(mirrors.size() == 1);
  CHECK(mirrors[0].sent_entry == before.value);
  CHECK(mirrors[0].auto_close);
  CHECK(mirrors[0].instance_name == "chat");
  subject.must<Done>(AdvanceMirror{incident, id, before.value + 1});
  subject.must<Done>(AdvanceMirror{incident, id, before.value});
  mirror.mirror->type = MirrorType::Chat;
  mirror.mirror->direction = MirrorDirection::FromDemisto;
  subject.must<Committed>(mirror);
  subject.reopen();
  mirrors = subject.reader().mirrors({incident, id}).value();
  REQUIRE(mirrors.size() == 1);
  CHECK(mirrors[0].sent_entry == before.value + 1);
  CHECK(mirrors[0].type == MirrorType::Chat);
  CHECK(mirrors[0].direction == MirrorDirection::FromDemisto);
  CHECK(subject.reader().mirrors({IncidentId{99}, {}})->empty());
  mirror.generation = Generation{5};
  CHECK(refusalOf(subject, mirror).code == Code::Fenced);
  mirror.generation = Generation{1};
  mirror.mirror->type = MirrorType::None;
  subject.must<Committed>(mirror);
  CHECK(subject.reader().mirrors({})->empty());
  subject.must<Done>(AdvanceMirror{incident, id, 1});  // it ended meanwhile
  mirror.mirror->type = MirrorType::All;
  subject.must<Committed>(mirror);
  subject.must<Done>(RemoveInstance{id});
  CHECK(subject.reader().mirrors({})->empty());
}

LONGHAUL_STORE_CASE("an investigation's users are its owner and the users who wrote") {
  for (const char* name : {"ann", "bob", "cid"}) {
    User user;
    user.username = name;
    subject.must<UserPut>(PutUser{user, PutUser::Mode::New, 1});
  }
  CommitWrite commit;
  commit.incidents = {test::incidentNamed("a")};
  commit.incidents[0].owner = "bob";
  commit.entries = {{std::size_t{0}, "ann", "text", "x", {"ann", "", ""}}, {std::size_t{0}, "who", "text", "y"}};
  const auto made = subject.must<Committed>(commit);
  const auto users = subject.reader().investigationUsers(made.incidents[0]);
  REQUIRE(users->size() == 2);
  CHECK((*users)[0].username == "ann");
  CHECK((*users)[1].username == "bob");
  CHECK(subject.reader().investigationUsers(IncidentId{99}).error().code == Code::NotFound);
}

LONGHAUL_STORE_CASE("an indicator is one for its value and type, and a second one changes it") {
  CommitWrite commit = commitOf(subject.instance("feed"));
  commit.idempotency_key = "k";
  commit.request_hash = "h";
  commit.indicators = {{"1.2.3.4", "IP", 3, R"({"f":{"a":1,"b":2}})"},
                       {"1.2.3.4", "Text", 0, "{}"},
                       {"1.2.3.4", "IP", {}, R"({"f":{"b":3}})"}};
  const auto made = subject.must<Committed>(commit);
  CHECK(made.indicators == std::vector{IndicatorId{1}, IndicatorId{2}, IndicatorId{1}});
  CHECK(subject.must<Committed>(commit).indicators == made.indicators);
  subject.reopen();
  IndicatorQuery query;
  query.value = "1.2.3.4";
  const auto page = subject.reader().indicators(query);
  REQUIRE(page->rows.size() == 2);
  CHECK(page->rows[0].type == "IP");
  CHECK(page->rows[0].score == 3);
  CHECK(page->rows[0].body == R"({"f":{"a":1,"b":3}})");
  CHECK(page->total == 2);
  commit = commitOf(InstanceId{1});
  commit.indicators = {{"", "IP"}};
  CHECK(refusalOf(subject, commit).code == Code::Invalid);
}

LONGHAUL_STORE_CASE("indicators are paged newest first, by type, by time, and by prefix in the order of values") {
  const InstanceId id = subject.instance("feed");
  for (int i = 1; i <= 6; ++i) {
    CommitWrite commit = commitOf(id);
    commit.at_us = i * 10;
    commit.indicators = {{i % 2 == 0 ? "b" + std::to_string(i) : "a" + std::to_string(9 - i), i < 3 ? "IP" : "Domain"}};
    subject.must<Committed>(commit);
  }
  IndicatorQuery query;
  query.limit = 2;
  auto page = subject.reader().indicators(query);
  CHECK(values(page) == std::vector<std::string>{"b6", "a4"});
  CHECK(page->more);
  CHECK(page->total == 6);
  query.after = page->rows.back().id.value;
  CHECK(values(subject.reader().indicators(query)) == std::vector<std::string>{"b4", "a6"});
  query = {};
  query.type = "IP";
  page = subject.reader().indicators(query);
  CHECK(values(page) == std::vector<std::string>{"b2", "a8"});
  CHECK(page->total == 2);
  query = {};
  query.from_us = 20;
  query.to_us = 45;
  CHECK(values(subject.reader().indicators(query)) == std::vector<std::string>{"b4", "a6", "b2"});
  query.from_us = 1000;
  query.to_us.reset();
  CHECK(values(subject.reader().indicators(query)).empty());
  query = {};
  query.value_prefix = "a";
  query.limit = 2;
  page = subject.reader().indicators(query);
  CHECK(values(page) == std::vector<std::string>{"a4", "a6"});
  CHECK(page->total == 3);
  query.after = page->rows.back().id.value;
  CHECK(values(subject.reader().indicators(query)) == std::vector<std::string>{"a8"});
  query.after.reset();
  query.type = "Domain";
  CHECK(values(subject.reader().indicators(query)) == std::vector<std::string>{"a4", "a6"});
}
