#include <cstdlib>
#include <random>

#include "host/base/limits.h"
#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;

namespace {

// Texts by which two stores are compared: everything that a caller can see.
std::string show(const Context& context) {
  std::string text = std::to_string(context.version) + "{";
  for (const auto& [key, value] : context.values)
    text += key + ":" + value + ",";
  return text + "}";
}

std::string show(const InstanceRecord& r) {
  std::string text = std::to_string(r.id.value) + " " + r.name + " " + r.plugin + " " + r.config + " " + r.source + " ";
  text += std::to_string(r.enabled) + std::to_string(r.orphaned) + " " + r.target.digest + " " + r.target.grants + " ";
  text += std::to_string(r.target.config_revision) + " g" + std::to_string(r.generation.value) + " c";
  text += std::to_string(r.context_version) + " l" + std::to_string(r.last_run_version) + " s" +
          std::to_string(r.state_schema);
  if (r.last_good) {
    text += " good " + r.last_good->digest + std::to_string(r.last_good->config_revision) + r.last_good->grants;
  }
  return text + " " + r.last_good_config;
}

template <class Id>
std::string show(const std::vector<Id>& ids) {
  std::string text = "[";
  for (const auto& id : ids)
    text += std::to_string(id.value) + ",";
  return text + "]";
}

std::string show(const User& user) {
  std::string text = std::to_string(user.id.value) + " " + user.username + " " + user.name + " " + user.email + " " +
                     user.phone + " " + std::string{roleName(user.role)} + " " + std::to_string(user.created_at_us);
  for (const auto& [provider, value] : user.identities)
    text += " " + provider + ":" + value;
  return text;
}

std::string show(const Entitlement& q) {
  std::string text = std::to_string(q.id) + " " + q.guid + " " + std::to_string(q.incident.value) + " " + q.task_id +
                     " " + std::to_string(q.instance.value) + " " + q.to + " " + q.message + " " + q.answered_by + " " +
                     q.answer + " " + std::to_string(q.entry.value);
  for (const std::int64_t time :
       {q.created_at_us, q.expires_at_us, q.remind_at_us, q.sent_at_us, q.reminded_at_us, q.answered_at_us}) {
    text += " " + std::to_string(time);
  }
  for (const auto& option : q.options)
    text += " " + option;
  return text + " " + std::to_string(static_cast<int>(q.state));
}

std::string show(const WriteResult& result) {
  if (!result) return std::string{codeName(result.error().code)} + ": " + result.error().message;
  if (const auto* put = std::get_if<InstancePut>(&*result)) {
    return show(put->record) + std::to_string(put->created) + std::to_string(put->changed);
  }
  if (const auto* fenced = std::get_if<Fenced>(&*result)) {
    return "g" + std::to_string(fenced->generation.value) + show(fenced->context) + fenced->last_run.object +
           std::to_string(fenced->last_run.version) + "s" + std::to_string(fenced->state_schema) +
           (fenced->restored
                ? "r" + std::to_string(fenced->restored->snapshot) + "k" + std::to_string(fenced->restored->kept)
                : "");
  }
  if (const auto* put = std::get_if<UserPut>(&*result)) {
    return show(put->user) + std::to_string(put->created) + std::to_string(put->changed);
  }
  if (const auto* added = std::get_if<Added>(&*result)) return "added " + std::to_string(added->id);
  const auto* done = std::get_if<Committed>(&*result);
  if (done == nullptr) return "done";
  std::string text = std::to_string(done->replayed) + show(done->incidents) + show(done->entries) +
                     show(done->entry_incidents) + show(done->indicators);
  text += std::to_string(done->context_version.value_or(-1));
  if (done->context) {
    text += done->context->whole ? "whole" : "part";
    for (const auto& [key, value] : done->context->changes)
      text += key + "=" + value.value_or("-") + ",";
  }
  if (done->last_run) text += "l" + std::to_string(done->last_run->version) + done->last_run->object;
  return text;
}

class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return random_() % end; }

  // What the writes are aimed at.
  void lives(const std::vector<InstanceRecord>& records) {
    lives_.clear();
    for (const auto& record : records)
      lives_.push_back(record.id);
  }

  Write next() {
    switch (below(20)) {
      case 0: {
        const char* names[] = {"a", "b", "c", "d", "bad name"};
        return PutInstance{
            names[below(5)], pick("p"),     pick("c"), pick("g"), below(2) == 0 ? Owner::File : Owner::Api,
            pick("s"),       below(2) == 0, now()};
      }
      case 1:
        return SetEnabled{instance(), below(2) == 0};
      case 2:
        return SetOrphaned{instance(), below(2) == 0};
      case 3:
        return below(8) == 0 ? Write{RemoveInstance{instance()}} : Write{SetLastGood{instance(), target()}};
      case 4: {
        Fence fence{instance(), target(), static_cast<std::int64_t>(below(4)), {}, now()};
        if (below(2) == 0) fence.death = Death{{}, fence.instance, generation(), now(), pick("x"), "{}"};
        return fence;
      }
      case 5:
        if (below(4) == 0) return CompleteDeath{instance(), generation(), now(), pick("c")};
        return AddDeath{{{}, instance(), generation(), now(), pick("x"), "{}"}};
      case 6:
        return below(3) == 0 ? Write{RemoveUser{user()}} : Write{person()};
      case 7: {
        AuditRecord record{0, now(), pick("u"), "read", pick("act"), pick("target"), "{}", "done"};
        if (below(10) == 0) record.detail = std::string(kAuditDetailBytesMax + 1, ' ');
        return AddAudit{record};
      }
      case 8:
        if (below(2) == 0) return RevokeToken{TokenId{static_cast<std::int64_t>(below(20))}, now()};
        return AddToken{{{}, pick("token"), "hash" + std::to_string(below(30)), Role::Operate, pick("u"), now()}};
      case 9:
        return MarkEntitlement{guid(), below(2) == 0 ? now() : 0, below(2) == 0 ? now() : 0};
      case 10:
        if (below(4) == 0) return EndMirror{incident(), instance()};
        return AdvanceMirror{incident(), instance(), static_cast<std::int64_t>(below(300))};
      case 11:
        if (below(2) == 0) return SetIncidentOwner{incident(), pick("u")};
        return SetIncidentStatus{incident(), below(2) == 0 ? "closed" : "active", pick("why"), now()};
      default:
        return commit();
    }
  }

 private:
  std::string pick(const std::string& stem) { return stem + std::to_string(below(3)); }
  std::int64_t now() { return ++now_us_; }
  // Mostly one that lives; removed instances come back under new ids.
  InstanceId instance() {
    if (lives_.empty() || below(10) == 0) return InstanceId{static_cast<std::int64_t>(1 + below(50))};
    return lives_[below(lives_.size())];
  }
  Generation generation() { return Generation{static_cast<std::int64_t>(below(6))}; }
  Target target() { return {pick("d"), static_cast<std::int64_t>(below(5)), pick("g")}; }
  IncidentId incident() { return IncidentId{static_cast<std::int64_t>(below(60))}; }
  UserId user() { return UserId{static_cast<std::int64_t>(below(12))}; }
  std::string guid() { return "guid" + std::to_string(below(60)); }
  // A few names in two cases each, which are also identities: they clash with each other all the time.
  std::string name() {
    const char* names[] = {"ann", "Ann", "bob", "BOB", "cid", "dan", "Eve", "a b"};
    return names[below(8)];
  }
  PutUser person() {
    PutUser put;
    if (below(2) == 0) put.user.id = user();
    put.user.username = name();
    put.user.phone = pick("phone");
    if (below(2) == 0) put.user.email = name() + "@example.org";
    for (std::size_t i = below(3); i > 0; --i) {
      const char* providers[] = {"chat", "unix", "email"};
      put.user.identities.push_back({providers[below(3)], below(3) == 0 ? name() + "@example.org" : name()});
    }
    const PutUser::Mode modes[] = {PutUser::Mode::Any, PutUser::Mode::New, PutUser::Mode::Existing};
    put.mode = modes[below(3)];
    put.at_us = now();
    return put;
  }
  UserRef someone() { return {name(), below(2) == 0 ? name() + "@example.org" : "", below(2) == 0 ? "chat" : ""}; }

  // What people say to each other about incidents.
  void talk(CommitWrite& write) {
    switch (below(6)) {
      case 0: {
        Entitlement question;
        question.guid = "guid" + std::to_string(++questions_);
        question.incident = incident();
        question.instance = write.instance;
        question.task_id = below(2) == 0 ? "1" : "";
        question.to = name();
        question.message = pick("m");
        question.options = {"yes", "no"};
        question.expires_at_us = now();
        write.question = question;
        break;
      }
      case 1:
        write.answer = AnswerEntitlement{guid(),         incident(),   below(3) == 0 ? "1" : "", someone(), name(),
                                         pick("answer"), below(3) == 0};
        break;
      case 2:
        write.mirror = SetMirror{incident(), static_cast<MirrorType>(below(3)), static_cast<MirrorDirection>(below(3)),
                                 below(2) == 0};
        break;
      case 3:
        for (std::size_t i = 1 + below(3); i > 0; --i) {
          NewIndicator indicator{pick("value"), pick("type"), std::nullopt, "{\"a\":" + std::to_string(below(3)) + "}"};
          if (below(2) == 0) indicator.score = static_cast<std::int64_t>(below(4));
          write.indicators.push_back(indicator);
        }
        break;
      case 4:
        write.owners = {{incident(), name()}};
        write.statuses = {{incident(), below(2) == 0 ? "closed" : "active", pick("why"), now()}};
        break;
      default:
        break;
    }
  }

  std::string value() {
    const char* values[] = {"1", "\"x\"", R"([{"id":1},{"id":2,"a":3}])", R"("[{\"id\":1}]")", "{}"};
    return values[below(5)];
  }

  CommitWrite commit() {
    CommitWrite write;
    write.instance = instance();
    // Mostly an operator, so that most writes land though generations are guessed.
    if (below(3) == 0) write.generation = generation();
    write.at_us = now();
    for (std::size_t i = below(4); i > 0; --i)
      write.incidents.push_back({pick("n"), pick("t"), 1, now(), "{}"});
    for (std::size_t i = below(3); i > 0; --i) {
      NewEntry entry{std::size_t{below(4)}, "author", "text", pick("e")};
      if (below(2) == 0) entry.incident = IncidentId{static_cast<std::int64_t>(below(200))};
      if (below(2) == 0) entry.user = someone();
      if (below(3) == 0) entry.tags = {pick("tag")};
      write.entries.push_back(entry);
    }
    switch (below(5)) {
      case 0: {
        ReplaceContext replace;
        for (std::size_t i = below(5); i > 0; --i)
          replace.values[pick("k")] = value();
        if (below(3) == 0) replace.expected_version = static_cast<std::int64_t>(below(30));
        write.context = replace;
        break;
      }
      case 1: {
        PatchContext patch;
        for (std::size_t i = below(4); i > 0; --i) {
          patch.changes[pick("k")] = below(3) == 0 ? std::nullopt : std::optional{value()};
        }
        write.context = patch;
        break;
      }
      case 2:
        write.context = MergeContext{pick("k"), R"([{"id":1,"b":2},{"id":3}])", "id"};
        break;
      default:
        break;
    }
    if (write.incidents.empty()) talk(write);  // else it might guess the id of one that it makes
    if (write.context && below(2) == 0) write.context_bytes_max = 10 + below(100);
    if (below(3) == 0) write.last_run = value();
    if (below(2) == 0) write.health = Health{now(), pick("h"), pick("x"), 1, 2};
    if (write.health && below(2) == 0) write.health = Health{now(), "healthy", "", 1, 2};
    if (below(3) == 0) {
      write.idempotency_key = "key" + std::to_string(below(40));
      write.request_hash = pick("hash");
    }
    return write;
  }

  std::mt19937_64 random_;
  std::int64_t now_us_ = 0;
  int questions_ = 0;
  std::vector<InstanceId> lives_;
};

template <class T>
T valueOf(Result<T> result) {
  REQUIRE(result.has_value());
  return *std::move(result);
}

// People, and what passed between them.
std::string showPeople(StoreReader& reader) {
  std::string text;
  for (const auto& user : valueOf(reader.users("", kPageRowsMax)).rows)
    text += show(user) + "\n";
  for (const auto& act : valueOf(reader.audit({.after_id = 0, .limit = kPageRowsMax})).rows)
    text += std::to_string(act.id) + act.actor + act.act + act.target + act.outcome + " ";
  for (const auto& token : valueOf(reader.tokens())) {
    text += std::to_string(token.id.value) + token.name + token.hash + token.created_by +
            std::to_string(token.created_at_us) + " " + std::to_string(token.revoked_at_us) + "\n";
  }
  for (const auto& question : valueOf(reader.entitlements({.after_id = 0, .limit = kPageRowsMax})).rows)
    text += show(question) + "\n";
  for (const auto& mirror : valueOf(reader.mirrors({}))) {
    text += std::to_string(mirror.incident.value) + " " + mirror.instance_name +
            std::to_string(static_cast<int>(mirror.type)) + std::to_string(static_cast<int>(mirror.direction)) +
            std::to_string(mirror.auto_close) + " " + std::to_string(mirror.sent_entry) + "\n";
  }
  IndicatorQuery all;
  all.limit = kPageRowsMax;
  for (const auto& each : valueOf(reader.indicators(all)).rows) {
    text += std::to_string(each.id.value) + each.value + each.type + std::to_string(each.score) + each.body +
            std::to_string(each.modified_at_us) + "\n";
  }
  return text;
}

std::string showAll(StoreReader& reader) {
  std::string text = showPeople(reader);
  for (const auto& record : valueOf(reader.instances())) {
    text += show(record) + "\n" + show(*reader.context(record.id)) + "\n" + reader.lastRun(record.id)->object + "\n";
    for (const auto& death : valueOf(reader.deaths(record.id, 1000)))
      text += "d" + std::to_string(death.id.value) + death.exit_class;
    for (const auto& health : valueOf(reader.healthHistory(record.id, 1000)))
      text += "h" + health.state + health.text;
    for (const auto& head : valueOf(reader.contextSnapshots(record.id))) {
      const auto snapshot = valueOf(reader.contextSnapshot(record.id, head.id));
      text += "s" + std::to_string(snapshot.id) + snapshot.digest + std::to_string(snapshot.state_schema);
      text += "k" + std::to_string(head.keys_count) + "b" + std::to_string(head.bytes);
      text += show(Context{snapshot.version, snapshot.values, {}});
    }
    text += "\n";
  }
  IncidentQuery query;
  query.limit = kPageRowsMax;
  query.after_id = 0;
  for (bool more = true; more;) {
    const auto page = valueOf(reader.incidents(query));
    more = page.more;
    for (const auto& row : page.rows) {
      text += std::to_string(row.id.value) + row.instance_name + row.name + row.type + row.owner + row.status +
              row.close_reason;
      for (const auto& user : valueOf(reader.investigationUsers(row.id)))
        text += "," + user.username;
      for (const auto& entry : valueOf(reader.entries(row.id, 0, 1000)).rows) {
        text +=
            "(" + std::to_string(entry.id.value) + entry.text + std::to_string(entry.instance.value) + entry.user + ")";
      }
      text += "\n";
      query.after_id = row.id.value;
    }
  }
  return text + std::to_string(*reader.incidentCount());
}

}  // namespace

// LONGHAUL_TEST_SEED replays a run.
TEST_CASE("SQLite and the fake answer thousands of random writes alike") {
  const char* given = std::getenv("LONGHAUL_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  INFO("LONGHAUL_TEST_SEED=" << seed);
  Writer writer(seed);
  const auto sqlite = test::makeStore("sqlite");
  const auto memory = test::makeStore("memory");
  std::size_t landed = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Write> batch;
    for (std::size_t i = 1 + writer.below(20); i > 0; --i)
      batch.push_back(writer.next());
    const auto real = sqlite->store().apply(batch);
    const auto fake = memory->store().apply(batch);
    REQUIRE(real.size() == fake.size());
    for (std::size_t i = 0; i < real.size(); ++i) {
      INFO("round " << round << ", write " << i << ", kind " << batch[i].index());
      REQUIRE(show(real[i]) == show(fake[i]));
      landed += real[i].has_value() ? 1U : 0U;
    }
    writer.lives(valueOf(memory->reader().instances()));
    if (writer.below(40) == 0) sqlite->reopen();
    if (round % 20 == 19) REQUIRE(showAll(sqlite->reader()) == showAll(memory->reader()));
  }
  // A comparison of refusals would prove little.
  CHECK(landed > 500);
}
