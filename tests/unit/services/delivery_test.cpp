// The outbox of mirrored incidents and the questions, on the fake store, with commands that answer as the test says and
// a clock that stands.
#include "host/services/questions.h"

#include <set>

#include "tests/unit/services/rig.h"

using namespace longhaul::host;
using namespace longhaul::host::test;
using namespace longhaul::host::services;

namespace {

std::int64_t wall_us = kRigNowUs;
std::int64_t wallClock() {
  return wall_us;
}

struct ChatRig : Rig {
  ChatRig() {
    wall_us = kRigNowUs;
    executor.observe([this](const store::Write& write, const store::WriteValue& value) {
      if (mirrors) mirrors->stored(write, value);
    });
    restart();
  }
  void restart() {
    calls.calls.clear();  // as if the host had died
    mirrors = std::make_unique<MirrorDelivery>(around());
    questions = std::make_unique<Questions>(around());
    mirrors->start();
    questions->start();
  }
  DeliveryAround around() {
    return {executor, queries,   calls,
            timers,   wallClock, [this](const std::string&, const std::string& text) { warnings.push_back(text); }};
  }
  void until(const std::function<bool()>& done) { REQUIRE(loop.runUntil(done, std::chrono::seconds{10})); }
  // Everything that is under way has come to rest.
  void settle() {
    for (int i = 0; i < 4; ++i) {
      bool written = false;
      bool read = false;
      executor.submit(store::RemoveUser{UserId{999}}, [&](const store::WriteResult&) { written = true; });
      until([&] { return written; });
      queries.submit([](store::StoreReader& reader) { return reader.incidentCount(); },
                     [&](const Result<std::int64_t>&) { read = true; });
      until([&] { return read; });
    }
  }
  void pass(Duration time) { timers.advanceTo(timers.now() + time); }
  void write(store::CommitWrite write) {
    bool done = false;
    write.at_us = wall_us;
    executor.submit(std::move(write), [&](const store::WriteResult& result) {
      CHECK(result.has_value());
      done = true;
    });
    until([&] { return done; });
  }
  void say(IncidentId incident, const std::string& text, bool by_chat = false, const std::string& user = {}) {
    store::CommitWrite entry;
    if (by_chat) {
      entry.instance = edge;
      entry.generation = Generation{1};
    }
    entry.entries = {{incident, "someone", "text", text, {user, "", ""}, {}}};
    write(std::move(entry));
  }
  void mirror(IncidentId incident, store::MirrorType type, store::MirrorDirection direction, bool auto_close = false) {
    store::CommitWrite begin;
    begin.instance = edge;
    begin.generation = Generation{1};
    begin.mirror = store::SetMirror{incident, type, direction, auto_close};
    write(std::move(begin));
  }
  CommandAsked nextCall(const Result<CommandResult>& result = CommandResult{true, "ok"}) {
    until([&] { return !calls.calls.empty(); });
    CHECK(calls.calls.size() == 1);
    return calls.answer(result);
  }
  std::string nextText(const Result<CommandResult>& result = CommandResult{true, "ok"}) {
    return nextCall(result).arguments["originalMessage"];
  }

  TimerQueue timers{TimePoint{}};
  std::unique_ptr<MirrorDelivery> mirrors;
  std::unique_ptr<Questions> questions;
};

using enum store::MirrorType;
using enum store::MirrorDirection;

}  // namespace

TEST_CASE("entries of a mirrored incident go to the chat in order, and never back to where they came from") {
  ChatRig chat;
  const IncidentId id = chat.incident("a");
  chat.say(id, "before");
  chat.mirror(id, All, Both);
  chat.say(id, "one", false, "ann");
  chat.say(id, "from the chat", true, "bob");
  chat.say(id, "two");
  const auto first = chat.nextCall();
  CHECK(first.instance == "edge");
  CHECK(first.command == "send-notification");
  CHECK(first.live_only);
  CHECK(first.context["incidentId"] == "1");
  CHECK(first.arguments["messageType"] == "mirrorEntry");
  CHECK(first.arguments["originalMessage"] == "one");
  CHECK(first.arguments["message"] == "ann: one");
  CHECK(first.arguments["channel"] == "incident-1");
  CHECK(first.arguments["entry"] == "2@1");
  CHECK(first.arguments["entryObject"]["user"] == "ann");
  CHECK(chat.nextText() == "two");
  chat.settle();
  CHECK(chat.calls.calls.empty());
  CHECK(chat.memory.mirrors({})->front().sent_entry == 4);
}

TEST_CASE("an entry is handed over until it is taken, those behind it wait, and a restart goes on where it stopped") {
  ChatRig chat;
  const IncidentId id = chat.incident("a");
  chat.mirror(id, All, FromDemisto);
  chat.say(id, "one");
  chat.say(id, "two");
  const Error died{Code::Closed, "the worker ended"};
  CHECK(chat.nextText(died) == "one");
  chat.settle();
  CHECK(chat.calls.calls.empty());  // not before its time
  chat.pass(kDeliveryRetryFirst);
  CHECK(chat.nextText(died) == "one");
  chat.pass(kDeliveryRetryFirst);
  chat.settle();
  CHECK(chat.calls.calls.empty());  // twice as long now
  chat.pass(kDeliveryRetryFirst);
  CHECK(chat.nextText() == "one");
  chat.until([&] { return !chat.calls.calls.empty(); });
  chat.restart();
  CHECK(chat.nextText() == "two");
  chat.settle();
  chat.restart();
  chat.settle();
  CHECK(chat.calls.calls.empty());
  CHECK(chat.warnings.size() == 1);
}

TEST_CASE("an entry that the plugin refuses again and again is left out, and said so") {
  ChatRig chat;
  const IncidentId id = chat.incident("a");
  chat.mirror(id, All, Both);
  chat.say(id, "bad");
  chat.say(id, "good");
  for (int i = 0; i < kDeliveryRefusalsMax; ++i) {
    CHECK(chat.nextText(Error{Code::Invalid, "no"}) == "bad");
    chat.pass(kDeliveryRetryMax);
  }
  CHECK(chat.nextText() == "good");
  CHECK_THAT(chat.warnings.back(), Catch::Contains("entry 1@1 is left out"));
}

TEST_CASE("type and direction say what goes out") {
  ChatRig chat;
  const IncidentId id = chat.incident("a");
  chat.mirror(id, store::MirrorType::Chat, Both);
  store::CommitWrite other;
  other.instance =
      std::get<store::InstancePut>(chat.must(store::PutInstance{"feed", "feed", "{}", "{}", {}, "", true, 1}))
          .record.id;
  chat.must(store::Fence{other.instance, {"d", 1, "{}"}, 0, {}, 1});
  other.generation = Generation{1};
  other.entries = {{id, "feed", "text", "by a machine"}};
  chat.write(other);
  chat.say(id, "by an operator");
  CHECK(chat.nextText() == "by an operator");
  chat.mirror(id, All, ToDemisto);
  chat.say(id, "stays here");
  chat.settle();
  CHECK(chat.calls.calls.empty());
  chat.mirror(id, All, Both);
  chat.write(other);
  CHECK(chat.nextText() == "by a machine");
  chat.mirror(id, None, Both);
  chat.say(id, "after the end");
  chat.settle();
  CHECK(chat.calls.calls.empty());
}

TEST_CASE("a closed incident closes its channel behind the last entry, once") {
  ChatRig chat;
  const IncidentId id = chat.incident("a");
  chat.mirror(id, All, Both, true);
  store::CommitWrite close;
  close.statuses = {{id, "closed", "", 1}};
  close.entries = {{id, "ann", "text", "closed it"}};
  chat.write(close);
  CHECK(chat.nextText() == "closed it");
  const auto ended = chat.nextCall(Error{Code::Timeout, "late"});
  CHECK(ended.command == "close-channel");
  CHECK(ended.arguments["channel"] == "incident-1");
  chat.pass(kDeliveryRetryFirst);
  CHECK(chat.nextCall().command == "close-channel");
  chat.settle();
  CHECK(chat.memory.mirrors({})->empty());
  chat.restart();
  chat.settle();
  CHECK(chat.calls.calls.empty());
}

namespace {

store::Entitlement ask(ChatRig& chat, QuestionAsked asked) {
  std::optional<store::Entitlement> kept;
  asked.instance = chat.edge;
  chat.questions->ask(std::move(asked), [&](Result<store::Entitlement> result) {
    REQUIRE(result.has_value());
    kept = *std::move(result);
  });
  chat.until([&] { return kept.has_value(); });
  return *kept;
}

store::Entitlement stored(ChatRig& chat, const store::Entitlement& question) {
  return chat.memory.entitlement(question.guid)->value();
}

}  // namespace

TEST_CASE("a question is kept with its entry and sent to the user's name in that chat until the chat took it") {
  ChatRig chat;
  const auto asked = ask(chat, {.incident = chat.incident("a"),
                                .task_id = "3",
                                .to = "ANN@example.org",
                                .message = "block it?",
                                .options = {"yes", "no"},
                                .asked_by = "bob"});
  CHECK(asked.to == "ann");
  CHECK(chat.memory.entries(IncidentId{1}, 0, 10)->rows[0].text == "Asked ann: block it? (yes, no)");
  chat.nextCall(Error{Code::Closed, "not running"});
  chat.settle();
  CHECK(stored(chat, asked).sent_at_us == 0);
  chat.restart();
  const auto sent = chat.nextCall();
  CHECK(sent.command == "send-notification");
  CHECK(sent.arguments["to"] == "U1");
  const Json message = Json::parse(sent.arguments["message"].get<std::string>());
  CHECK(message["message"] == "block it?");
  CHECK(message["entitlement"] == asked.guid + "@1|3");
  CHECK(message["expiry"] == "");
  CHECK(message["options"] == Json::parse(R"(["yes","no"])"));
  chat.settle();
  CHECK(stored(chat, asked).sent_at_us == kRigNowUs);
  chat.restart();
  chat.settle();
  CHECK(chat.calls.calls.empty());
}

TEST_CASE("a user is reminded once, and when the time is out the default is the answer, once") {
  ChatRig chat;
  const auto asked = ask(chat, {.incident = chat.incident("a"),
                                .to = "ann",
                                .message = "block it?",
                                .default_response = "no",
                                .asked_by = "bob",
                                .expires_at_us = kRigNowUs + 60'000'000,
                                .remind_at_us = kRigNowUs + 30'000'000});
  CHECK_THAT(chat.nextCall().arguments["message"].get<std::string>(), Catch::Contains("1970-01-01T00:17:40Z"));
  chat.settle();
  wall_us += 30'000'000;
  chat.pass(std::chrono::seconds{31});
  CHECK_THAT(chat.nextCall().arguments["message"].get<std::string>(), Catch::Contains("Reminder: block it?"));
  chat.settle();
  CHECK(stored(chat, asked).reminded_at_us == wall_us);
  wall_us += 30'000'000;
  chat.pass(std::chrono::seconds{31});
  chat.settle();
  const auto expired = stored(chat, asked);
  CHECK(expired.state == store::EntitlementState::Expired);
  CHECK(expired.answer == "no");
  CHECK(chat.memory.entries(IncidentId{1}, 0, 10)->rows.back().text == "No answer of ann in time: taken as no");
  chat.restart();
  chat.pass(std::chrono::hours{1});
  chat.settle();
  CHECK(chat.memory.entries(IncidentId{1}, 0, 10)->rows.size() == 2);
  CHECK(chat.calls.calls.empty());
}

TEST_CASE("a question that the chat never took is closed as one that was not asked, and says meanwhile why it waits") {
  ChatRig chat;
  const auto asked = ask(chat, {.incident = chat.incident("a"),
                                .to = "ann",
                                .message = "block it?",
                                .default_response = "no",
                                .asked_by = "bob",
                                .expires_at_us = kRigNowUs + 60'000'000});
  chat.nextCall(Error{Code::Closed, "the chat is down"});
  chat.settle();
  CHECK(chat.questions->faultOf(asked.guid) == "the chat is down");
  wall_us += 60'000'000;
  chat.pass(std::chrono::seconds{61});
  chat.settle();
  CHECK(stored(chat, asked).state == store::EntitlementState::Expired);
  CHECK(chat.memory.entries(IncidentId{1}, 0, 10)->rows.back().text ==
        "The question never came to ann: the chat did not take it: taken as no");
  CHECK(chat.questions->faultOf(asked.guid).empty());
}

TEST_CASE("an answer ends reminder and time-out") {
  ChatRig chat;
  const auto asked = ask(chat, {.incident = chat.incident("a"),
                                .to = "ann",
                                .message = "block it?",
                                .expires_at_us = kRigNowUs + 60'000'000,
                                .remind_at_us = kRigNowUs + 30'000'000});
  chat.nextCall();
  chat.settle();
  store::CommitWrite answer;
  answer.entries = {{IncidentId{1}, "ann", "text", "yes"}};
  answer.answer = store::AnswerEntitlement{asked.guid, IncidentId{1}, "", {"ann", "", ""}, "", "yes", false};
  chat.write(answer);
  wall_us += 60'000'000;
  chat.pass(std::chrono::seconds{61});
  chat.settle();
  CHECK(chat.calls.calls.empty());
  CHECK(stored(chat, asked).answer == "yes");
}

TEST_CASE("who is no user, what is no incident and no instance cannot be asked") {
  ChatRig chat;
  const IncidentId id = chat.incident("a");
  const auto refused = [&](QuestionAsked asked) {
    std::optional<Code> code;
    chat.questions->ask(std::move(asked),
                        [&](const Result<store::Entitlement>& result) { code = result.error().code; });
    chat.until([&] { return code.has_value(); });
    return *code;
  };
  CHECK(refused({.incident = id, .to = "zed", .instance = chat.edge}) == Code::NotFound);
  CHECK(refused({.incident = IncidentId{9}, .to = "ann", .instance = chat.edge}) == Code::NotFound);
  CHECK(refused({.incident = id, .to = "ann", .instance = InstanceId{9}}) == Code::NotFound);
  // Nor what nobody could answer in time, and no reminder comes behind the end.
  CHECK(refused({.incident = id, .to = "ann", .instance = chat.edge, .expires_at_us = kRigNowUs}) == Code::Invalid);
  CHECK(refused({.incident = id,
                 .to = "ann",
                 .instance = chat.edge,
                 .expires_at_us = kRigNowUs + 5,
                 .remind_at_us = kRigNowUs + 5}) == Code::Invalid);
  chat.settle();
  CHECK(chat.memory.entitlements({})->rows.empty());
}

TEST_CASE("mirrors and questions are taken up though the store could not be read at first, and the log says so") {
  ChatRig chat;
  const IncidentId id = chat.incident("a");
  chat.mirror(id, All, Both);
  chat.settle();
  chat.mirrors.reset();  // nobody looks while these are written
  chat.questions.reset();
  chat.say(id, "one");
  store::CommitWrite asks;
  asks.question = store::Entitlement{.guid = "g1", .incident = id, .instance = chat.edge, .to = "ann", .message = "?"};
  chat.write(asks);
  chat.memory.failReads(4, Error{Code::Internal, "the disk said EIO"});
  chat.restart();
  chat.until([&] { return chat.warnings.size() == 2; });
  CHECK_THAT(chat.warnings[0], Catch::Contains("the disk said EIO"));
  CHECK_THAT(chat.warnings[1], Catch::Contains("the disk said EIO"));
  for (int i = 0; i < 2; ++i) {
    chat.settle();
    CHECK(chat.calls.calls.empty());
    chat.pass(kDeliveryRetryMax);
  }
  chat.until([&] { return chat.calls.calls.size() == 2; });
  std::set<std::string> types;
  for (const auto& [call, done] : chat.calls.calls)
    types.insert(call.arguments["messageType"]);
  CHECK(types == std::set<std::string>{"externalAskSubmit", "mirrorEntry"});
  CHECK(chat.warnings.size() == 2);  // once each, however often it was tried
}
