// Users with their identities, owners and authors, the audit, and tokens.
#include "host/base/limits.h"
#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using longhaul::host::test::commitOf;

namespace {

User ann() {
  User user;
  user.username = "ann";
  user.name = "Ann Lee";
  user.email = "Ann@Example.org";
  user.role = Role::Operate;
  user.identities = {{"unix", "annl"}, {"chat", "U1"}, {"email", "Ann@example.ORG"}, {"email", "AL@example.org"}};
  return user;
}

Code codeOf(test::StoreUnderTest& subject, Write write) {
  const auto result = subject.write(std::move(write));
  REQUIRE_FALSE(result.has_value());
  return result.error().code;
}

std::string foundBy(test::StoreUnderTest& subject, const UserRef& ref) {
  const auto found = subject.reader().user(ref);
  REQUIRE(found.has_value());
  return *found ? (*found)->username : "";
}

std::vector<std::int64_t> idsOf(const std::vector<AuditRecord>& rows) {
  std::vector<std::int64_t> ids;
  for (const auto& row : rows)
    ids.push_back(row.id);
  return ids;
}

}  // namespace

LONGHAUL_STORE_CASE("a user is found by name, address without case, and identity of the chat that asks") {
  const auto put = subject.must<UserPut>(PutUser{ann(), PutUser::Mode::New, 7});
  CHECK(put.created);
  CHECK(put.user.id);
  CHECK(put.user.created_at_us == 7);
  CHECK(put.user.identities == std::vector<Identity>{{"chat", "U1"}, {"email", "al@example.org"}, {"unix", "annl"}});
  subject.reopen();
  CHECK(foundBy(subject, {"ann", "", ""}) == "ann");
  CHECK(foundBy(subject, {"Ann", "", ""}) == "ann");
  CHECK(foundBy(subject, {"an", "", ""}).empty());
  CHECK(foundBy(subject, {"", "ANN@example.org", ""}) == "ann");
  CHECK(foundBy(subject, {"", "al@Example.org", ""}) == "ann");
  CHECK(foundBy(subject, {"", "ann", ""}) == "ann");
  CHECK(foundBy(subject, {"U1", "", "chat"}) == "ann");
  CHECK(foundBy(subject, {"u1", "", "chat"}).empty());
  CHECK(foundBy(subject, {"U1", "", "other"}).empty());
  CHECK(foundBy(subject, {"U1", "", ""}).empty());
  CHECK(foundBy(subject, {"%", "%", "chat"}).empty());
  CHECK(foundBy(subject, {}).empty());
  CHECK(*subject.reader().userById(put.user.id).value() == put.user);
  CHECK(subject.reader().userByIdentity({"unix", "annl"}).value()->username == "ann");
  CHECK_FALSE(subject.reader().userByIdentity({"unix", "ann"}).value());
}

LONGHAUL_STORE_CASE("a user is changed as a whole but keeps the username, and the same again changes nothing") {
  const auto put = subject.must<UserPut>(PutUser{ann(), PutUser::Mode::Any, 7});
  CHECK_FALSE(subject.must<UserPut>(PutUser{ann(), PutUser::Mode::Existing, 8}).changed);
  User other = put.user;
  other.username = "ANN";
  other.name = "Ann Leigh";
  other.identities = {{"chat", "U2"}};
  const auto changed = subject.must<UserPut>(PutUser{other, PutUser::Mode::Any, 9});
  CHECK(changed.user.id == put.user.id);
  CHECK(changed.user.username == "ann");
  CHECK_FALSE(changed.created);
  CHECK(changed.user.created_at_us == 7);
  CHECK(foundBy(subject, {"U1", "", "chat"}).empty());
  CHECK(foundBy(subject, {"U2", "", "chat"}) == "ann");
  // Owners, questions and the contexts of chats have it.
  other.username = "anna";
  const auto renamed = subject.write(PutUser{other, PutUser::Mode::Any, 9});
  REQUIRE_FALSE(renamed.has_value());
  CHECK(renamed.error().code == Code::Invalid);
  CHECK_THAT(renamed.error().message, Catch::Contains("a username stays"));
}

LONGHAUL_STORE_CASE("usernames are one without case, and no other user's identity is one") {
  subject.must<UserPut>(PutUser{ann(), PutUser::Mode::New, 1});
  User other;
  other.username = "Ann";
  const auto same = subject.write(PutUser{other, PutUser::Mode::New, 1});
  REQUIRE_FALSE(same.has_value());
  CHECK(same.error().code == Code::Conflict);
  CHECK_THAT(same.error().message, Catch::Contains("\"ann\""));
  other.username = "bob";
  for (const auto& taken : {Identity{"chat", "Ann"}, Identity{"unix", "ann"}, Identity{"email", "ANN"}}) {
    other.identities = {taken};
    const auto refused = subject.write(PutUser{other, PutUser::Mode::Any, 1});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Code::Conflict);
    CHECK_THAT(refused.error().message, Catch::Contains("it is the name of user \"ann\""));
  }
  // One's own name is no other's.
  other.identities = {{"chat", "Bob"}, {"unix", "bob"}};
  subject.must<UserPut>(PutUser{other, PutUser::Mode::Any, 1});
  User third;
  third.username = "u1";
  const auto refused = subject.write(PutUser{third, PutUser::Mode::New, 1});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Conflict);
  CHECK_THAT(refused.error().message, Catch::Contains("chat \"U1\" is user \"ann\""));
}

LONGHAUL_STORE_CASE(
    "what nobody sees is in no name, address and identity of a user, but in what people read where scripts want it") {
  const auto refused = [&](auto change) {
    User user = ann();
    change(user);
    const auto result = subject.write(PutUser{user, PutUser::Mode::Any, 1});
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Code::Invalid);
    CHECK_THAT(result.error().message, Catch::Contains("which nobody sees"));
  };
  refused([](User& user) { user.username = "ann\u202e"; });
  refused([](User& user) { user.username = "a\x1b[2Jnn"; });
  refused([](User& user) { user.username = "ann\u200d"; });
  refused([](User& user) { user.username = "an\u00a0n"; });
  refused([](User& user) { user.name = "Ann\nLee"; });
  refused([](User& user) { user.name = "Ann \u2066Lee"; });
  refused([](User& user) { user.email = "ann\u200b@example.org"; });
  refused([](User& user) { user.phone = "1\x07"; });
  refused([](User& user) { user.identities = {{"chat", "U\x01"}}; });
  refused([](User& user) { user.identities = {{"ch\u00adat", "U1"}}; });
  User user = ann();
  user.name = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645";  // Persian is not written without U+200C
  subject.must<UserPut>(PutUser{user, PutUser::Mode::Any, 1});
  refused([](User& other) { other.identities.push_back({"chat", "U\u2028"}); });
}

LONGHAUL_STORE_CASE("a name, an address and an identity belong to one user") {
  subject.must<UserPut>(PutUser{ann(), PutUser::Mode::New, 1});
  CHECK(codeOf(subject, PutUser{ann(), PutUser::Mode::New, 1}) == Code::Conflict);
  User bob;
  bob.username = "bob";
  CHECK(codeOf(subject, PutUser{bob, PutUser::Mode::Existing, 1}) == Code::NotFound);
  for (const auto& taken :
       {Identity{"email", "ann@example.org"}, Identity{"chat", "U1"}, Identity{"email", "AL@example.org"}}) {
    bob.identities = {taken};
    const auto refused = subject.write(PutUser{bob, PutUser::Mode::Any, 1});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Code::Conflict);
    CHECK_THAT(refused.error().message, Catch::Contains("\"ann\""));
  }
  bob.identities.clear();
  bob.email = "al@EXAMPLE.org";
  CHECK(codeOf(subject, PutUser{bob, PutUser::Mode::Any, 1}) == Code::Conflict);
  bob.email.clear();
  const auto put = subject.must<UserPut>(PutUser{bob, PutUser::Mode::Any, 1});
  CHECK(subject.reader().users("", 10)->rows.size() == 2);
  User renamed = put.user;
  renamed.username = "Ann";
  CHECK(codeOf(subject, PutUser{renamed, PutUser::Mode::Any, 1}) == Code::Conflict);
  renamed = ann();
  renamed.id = UserId{99};
  CHECK(codeOf(subject, PutUser{renamed, PutUser::Mode::Any, 1}) == Code::NotFound);
  for (const char* name : {"", "a b", "a|b", "a@b"}) {
    bob.username = name;
    CHECK(codeOf(subject, PutUser{bob, PutUser::Mode::Any, 1}) == Code::Invalid);
  }
}

LONGHAUL_STORE_CASE("users come in pages by name, and a removed one frees what it had") {
  for (const char* name : {"cid", "ann", "bob"}) {
    User user;
    user.username = name;
    user.identities = {{"chat", name}};
    subject.must<UserPut>(PutUser{user, PutUser::Mode::New, 1});
  }
  auto page = subject.reader().users("", 2);
  REQUIRE(page.has_value());
  REQUIRE(page->rows.size() == 2);
  CHECK(page->more);
  CHECK(page->rows[1].username == "bob");
  CHECK(page->rows[1].identities.size() == 1);
  page = subject.reader().users("bob", 2);
  REQUIRE(page->rows.size() == 1);
  CHECK_FALSE(page->more);
  const UserId cid = page->rows[0].id;
  subject.must<Done>(RemoveUser{cid});
  CHECK(codeOf(subject, RemoveUser{cid}) == Code::NotFound);
  User user;
  user.username = "dan";
  user.identities = {{"chat", "cid"}};
  CHECK(subject.must<UserPut>(PutUser{user, PutUser::Mode::New, 1}).user.id.value > cid.value);
}

LONGHAUL_STORE_CASE("an entry carries its tags, and its author's username where there is such a user") {
  subject.must<UserPut>(PutUser{ann(), PutUser::Mode::New, 1});
  CommitWrite commit = commitOf(subject.instance("edge"));
  commit.incidents = {test::incidentNamed("a")};
  commit.entries = {{std::size_t{0}, "U1", "text", "by identity", {"U1", "", "chat"}, {"chat", "t\"2"}},
                    {std::size_t{0}, "x", "text", "by nobody", {"x", "x@y", "chat"}, {}},
                    {std::size_t{0}, "edge", "text", "no author"}};
  const auto made = subject.must<Committed>(commit);
  subject.reopen();
  const auto entries = subject.reader().entries(made.incidents[0], 0, 10);
  REQUIRE(entries->rows.size() == 3);
  CHECK(entries->rows[0].user == "ann");
  CHECK(entries->rows[0].author == "U1");
  CHECK(entries->rows[0].tags == std::vector<std::string>{"chat", "t\"2"});
  CHECK(entries->rows[1].user.empty());
  CHECK(entries->rows[2].user.empty());
  CHECK(entries->rows[2].tags.empty());
}

LONGHAUL_STORE_CASE("incidents are listed by owner, also with a status, and change owner") {
  const InstanceId id = subject.instance("edge");
  constexpr std::int64_t kRows = 1300;  // over the end of one block
  for (std::int64_t n = 0; n < kRows;) {
    CommitWrite commit = commitOf(id);
    for (int i = 0; i < 100; ++i, ++n) {
      NewIncident incident = test::incidentNamed("a");
      if (n % 100 == 7) incident.owner = "ann";
      commit.incidents.push_back(incident);
    }
    subject.must<Committed>(commit);
  }
  CommitWrite changes = commitOf(id);
  changes.statuses = {{IncidentId{8}, "closed", "fixed", 99}, {IncidentId{1208}, "closed", "", 99}};
  changes.owners = {{IncidentId{1}, "ann"}, {IncidentId{108}, ""}};
  subject.must<Committed>(changes);
  const auto listed = [&](std::optional<std::string> status, std::optional<std::int64_t> after) {
    IncidentQuery query;
    query.owner = "ann";
    query.status = std::move(status);
    query.after_id = after;
    query.limit = 3;
    std::vector<std::int64_t> ids;
    const auto page = subject.reader().incidents(query);
    REQUIRE(page.has_value());
    for (const auto& row : page->rows)
      ids.push_back(row.id.value);
    return ids;
  };
  CHECK(listed({}, {}) == std::vector<std::int64_t>{1208, 1108, 1008});
  CHECK(listed({}, 0) == std::vector<std::int64_t>{1, 8, 208});
  CHECK(listed("active", {}) == std::vector<std::int64_t>{1108, 1008, 908});
  CHECK(listed("closed", 0) == std::vector<std::int64_t>{8, 1208});
  const auto closed = subject.reader().incident(IncidentId{8});
  CHECK(closed->close_reason == "fixed");
  CHECK(closed->closed_at_us == 99);
  CHECK(closed->owner == "ann");
  subject.must<Done>(SetIncidentStatus{IncidentId{8}, "active"});
  CHECK(subject.reader().incident(IncidentId{8})->close_reason.empty());
  CHECK(codeOf(subject, SetIncidentOwner{IncidentId{5000}, "ann"}) == Code::NotFound);
  changes.statuses = {{IncidentId{9}, "closed"}};
  changes.owners = {{IncidentId{5000}, "ann"}};
  CHECK(codeOf(subject, changes) == Code::NotFound);
  CHECK(subject.reader().incident(IncidentId{9})->status == "active");
}

LONGHAUL_STORE_CASE("acts of operators are added, paged by cursor both ways, and found by actor and target") {
  for (int i = 1; i <= 5; ++i) {
    AuditRecord record;
    record.at_us = i;
    record.actor = i % 2 == 0 ? "ann" : "uid 0";
    record.role = "admin";
    record.act = "instance.disable";
    record.target = i < 3 ? "edge" : "core";
    record.detail = R"({"n":1})";
    record.outcome = "done";
    CHECK(subject.must<Added>(AddAudit{record}).id == i);
  }
  subject.reopen();
  AuditQuery query;
  query.limit = 2;
  auto page = subject.reader().audit(query);
  CHECK(idsOf(page->rows) == std::vector<std::int64_t>{5, 4});
  CHECK(page->more);
  CHECK(page->rows[1].actor == "ann");
  CHECK(page->rows[1].detail == R"({"n":1})");
  query.before_id = 2;
  page = subject.reader().audit(query);
  CHECK(idsOf(page->rows) == std::vector<std::int64_t>{1});
  CHECK_FALSE(page->more);
  query = {};
  query.actor = "uid 0";
  query.after_id = 1;
  CHECK(idsOf(subject.reader().audit(query)->rows) == std::vector<std::int64_t>{3, 5});
  query.target = "edge";
  CHECK(subject.reader().audit(query)->rows.empty());
  query.actor.reset();
  query.after_id = 0;
  CHECK(idsOf(subject.reader().audit(query)->rows) == std::vector<std::int64_t>{1, 2});
  AuditRecord large;
  large.detail = std::string(kAuditDetailBytesMax + 1, ' ');
  CHECK(codeOf(subject, AddAudit{large}) == Code::TooLarge);
}

LONGHAUL_STORE_CASE("an act that was begun gets its outcome once, also when nobody is left to tell it") {
  AuditRecord record;
  record.at_us = 1;
  record.act = "users.create";
  record.outcome = kActBegun;
  for (int i = 0; i < 3; ++i)
    subject.must<Added>(AddAudit{record});
  subject.must<Done>(EndAudit{.id = 1, .target = "ann", .detail = R"({"n":1})", .outcome = "done"});
  CHECK(codeOf(subject, EndAudit{.id = 1, .outcome = "again"}) == Code::NotFound);
  CHECK(codeOf(subject, EndAudit{.id = 9, .outcome = "done"}) == Code::NotFound);
  CHECK(codeOf(subject, EndAudit{.id = 2, .detail = std::string(kAuditDetailBytesMax + 1, ' ')}) == Code::TooLarge);
  subject.reopen();
  CHECK(subject.reader().audit({})->rows[0].outcome == kActBegun);
  subject.must<Done>(AbandonAudits{"nobody knows"});
  const auto page = subject.reader().audit({});
  CHECK(page->rows[0].outcome == "nobody knows");
  CHECK(page->rows[1].outcome == "nobody knows");
  CHECK(page->rows[2].outcome == "done");
  CHECK(page->rows[2].target == "ann");
  CHECK(page->rows[2].detail == R"({"n":1})");
}

LONGHAUL_STORE_CASE("the audit is pruned in steps, by age and by count, and its ids go on") {
  const auto add = [&](std::int64_t at_us) {
    AuditRecord record;
    record.at_us = at_us;
    return subject.must<Added>(AddAudit{record}).id;
  };
  for (int i = 1; i <= 10; ++i)
    add(i);
  CHECK(subject.must<Pruned>(PruneAudit{.before_us = 5, .rows_max = 100, .step_rows = 3}).rows_count == 3);
  CHECK(subject.must<Pruned>(PruneAudit{.before_us = 5, .rows_max = 100, .step_rows = 3}).rows_count == 1);
  CHECK(subject.must<Pruned>(PruneAudit{.before_us = 5, .rows_max = 100, .step_rows = 3}).rows_count == 0);
  CHECK(idsOf(subject.reader().audit({})->rows) == std::vector<std::int64_t>{10, 9, 8, 7, 6, 5});
  CHECK(subject.must<Pruned>(PruneAudit{.before_us = 0, .rows_max = 2, .step_rows = 100}).rows_count == 4);
  subject.reopen();
  CHECK(add(11) == 11);
  CHECK(subject.must<Pruned>(PruneAudit{.before_us = 100, .rows_max = 2, .step_rows = 100}).rows_count == 3);
  subject.reopen();
  CHECK(add(12) == 12);
  CHECK(idsOf(subject.reader().audit({})->rows) == std::vector<std::int64_t>{12});
  CHECK(subject.must<Pruned>(PruneAudit{.before_us = 0, .rows_max = 0, .step_rows = 1}).rows_count == 1);
  CHECK(subject.must<Pruned>(PruneAudit{.before_us = 0, .rows_max = 0, .step_rows = 1}).rows_count == 0);
}

LONGHAUL_STORE_CASE("a token is found by its hash, and its name is free again once it is revoked") {
  Token token;
  token.name = "ci";
  token.hash = "h1";
  token.role = Role::Operate;
  token.created_by = "ann";
  token.expires_at_us = 50;
  const auto added = subject.must<Added>(AddToken{token});
  token.hash = "h2";
  CHECK(codeOf(subject, AddToken{token}) == Code::Conflict);
  subject.must<Done>(RevokeToken{TokenId{added.id}, 9});
  subject.must<Done>(RevokeToken{TokenId{added.id}, 10});
  CHECK(codeOf(subject, RevokeToken{TokenId{99}, 10}) == Code::NotFound);
  subject.must<Added>(AddToken{token});
  subject.reopen();
  const auto first = subject.reader().tokenByHash("h1").value();
  REQUIRE(first);
  CHECK(first->revoked_at_us == 9);
  CHECK(first->role == Role::Operate);
  CHECK(first->expires_at_us == 50);
  CHECK(subject.reader().tokens()->size() == 2);
  CHECK_FALSE(subject.reader().tokenByHash("h").value());
  token.name = "a b";
  CHECK(codeOf(subject, AddToken{token}) == Code::Invalid);
}
