// A ServerApi on the fake store, with one instance "edge" of the plugin "chat" and a few users. Test thread, which runs
// the loop.
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "host/base/event_loop.h"
#include "host/base/json.h"
#include "host/protocol/messages.h"
#include "host/services/server_api.h"
#include "tests/support/memory_store.h"

namespace longhaul::host::test {

// Runs nothing: keeps what was asked, and answers when the test says so.
class FakeCalls final : public services::InstanceCalls {
 public:
  void run(services::CommandAsked asked, Done done) override { calls.emplace_back(std::move(asked), std::move(done)); }
  // The oldest call that was not answered.
  services::CommandAsked answer(Result<services::CommandResult> result) {
    REQUIRE_FALSE(calls.empty());
    auto [asked, done] = std::move(calls.front());
    calls.pop_front();
    done(std::move(result));
    return asked;
  }
  std::deque<std::pair<services::CommandAsked, Done>> calls;
};

constexpr std::int64_t kRigNowUs = 1'000'000'000;  // 1970-01-01T00:16:40Z
inline std::int64_t rigClock() {
  return kRigNowUs;
}

class Rig {
 public:
  Rig()
      : executor(memory, [this](std::function<void()> work) { loop.post(std::move(work)); }),
        queries(memory, [this](std::function<void()> work) { loop.post(std::move(work)); }),
        api(executor, queries, &calls, rigClock) {
    edge =
        std::get<store::InstancePut>(must(store::PutInstance{"edge", "chat", "{}", "{}", {}, "", true, 1})).record.id;
    must(store::Fence{edge, {"d", 1, "{}"}, 0, {}, 1});
    addUser("ann", Role::Operate, "ann@example.org", "U1");
    addUser("bob", Role::Read, "bob@example.org", "U2");
  }

  store::WriteValue must(store::Write write) {
    auto results = memory.apply(std::span{&write, 1});
    if (!results.front()) FAIL(results.front().error().message);
    return *std::move(results.front());
  }

  void addUser(const std::string& name, Role role, const std::string& email, const std::string& chat_id) {
    store::User user;
    user.username = name;
    user.name = name;
    user.role = role;
    user.email = email;
    user.identities = {{"chat", chat_id}};
    must(store::PutUser{user, store::PutUser::Mode::New, 1});
  }

  IncidentId incident(const std::string& name, const std::string& owner = {}) {
    store::CommitWrite write;
    write.at_us = 1;
    write.incidents = {{name, "", 1, 1, "{}", owner}};
    return std::get<store::Committed>(must(write)).incidents.front();
  }

  template <class Message>
  services::Outcome call(protocol::Method method, const Message& message) {
    std::string payload;
    protocol::encode(message, payload);
    std::optional<services::Outcome> outcome;
    const services::Caller caller{.instance = edge,
                                  .generation = Generation{1},
                                  .name = "edge",
                                  .plugin = "chat",
                                  .granted_calls = granted ? &*granted : nullptr};
    REQUIRE(api.call(
        caller, method, payload, [this](const std::string& text) { warnings.push_back(text); },
        [&](services::Outcome answered) {
          CHECK_FALSE(outcome);
          outcome = std::move(answered);
        }));
    // Commands that the host runs meanwhile succeed with this text.
    const bool done = loop.runUntil(
        [&] {
          if (!calls.calls.empty()) ran.push_back(calls.answer(services::CommandResult{true, command_text}));
          return outcome.has_value();
        },
        std::chrono::seconds{10});
    REQUIRE(done);
    return *std::move(outcome);
  }
  // The result of a call that must succeed.
  template <class Message>
  std::string result(protocol::Method method, const Message& message, std::int32_t status = 0) {
    const auto outcome = call(method, message);
    INFO(outcome.payload);
    REQUIRE(outcome.status == status);
    protocol::Reply reply;
    REQUIRE(protocol::decode(outcome.payload, reply));
    return std::string{reply.result};
  }
  template <class Message>
  std::pair<Code, std::string> refusal(protocol::Method method, const Message& message) {
    const auto outcome = call(method, message);
    REQUIRE(outcome.status < 0);
    return {static_cast<Code>(outcome.status), outcome.payload};
  }

  EventLoop loop;
  MemoryStore memory;
  store::StoreExecutor executor;
  store::StoreQueries queries;
  FakeCalls calls;
  services::ServerApi api;
  InstanceId edge;
  std::optional<std::vector<std::string>> granted;
  std::vector<std::string> warnings;
  std::vector<services::CommandAsked> ran;
  std::string command_text;
};

}  // namespace longhaul::host::test
