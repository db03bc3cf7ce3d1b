#include "host/http/configured_gate.h"

#include <catch2/catch.hpp>
#include <deque>

namespace longhaul::host::http {
namespace {

using services::HttpField;

// Configurations by name; what they open is the test's to give, when it wants to.
class Doors {
 public:
  std::map<std::string, std::string, std::less<>> configs;
  struct Asked {
    std::string instance, config;
    std::function<void(ConfiguredGate::Read)> done;
  };
  std::deque<Asked> asked;
  TimerQueue timers{TimePoint{}};
  ConfiguredGate gate{timers,
                      {.config =
                           [this](std::string_view instance) {
                             const auto found = configs.find(instance);
                             return found == configs.end() ? nullptr : &found->second;
                           },
                       .read =
                           [this](const std::string& instance, const std::string& config,
                                  std::function<void(ConfiguredGate::Read)> done) {
                             asked.push_back({instance, config, std::move(done)});
                           }}};

  void give(Result<RouteAccess> access, bool may_change = false) {
    REQUIRE_FALSE(asked.empty());
    const Asked first = std::move(asked.front());
    asked.pop_front();
    first.done({.access = std::move(access), .may_change = may_change});
  }
  int statusOf(const std::string& authorization, std::string_view client = "192.0.2.1") {
    std::vector<HttpField> fields{{"host", "x"}};
    if (!authorization.empty()) fields.push_back({"authorization", authorization});
    return gate.admit("edl", client, fields).status;
  }
  void pass(Duration span) { timers.advanceTo(timers.now() + span); }
};

TEST_CASE("An instance that is not there has no route, and nothing is read for it") {
  Doors doors;
  const Admission admission = doors.gate.admit("nobody", "unix", {});
  CHECK(admission.status == 404);
  CHECK(admission.detail == noRoute("nobody").detail);
  CHECK(doors.asked.empty());
}

TEST_CASE("Until the secret is read a request is told to come again, and afterwards it is let in") {
  Doors doors;
  doors.configs["edl"] = "one";
  const Admission early = doors.gate.admit("edl", "unix", {});
  CHECK(early.status == 503);
  CHECK(early.retry_after_s == 1);
  doors.give(tokenRoute("t"));
  CHECK(doors.statusOf("Bearer t") == 0);
  CHECK(doors.statusOf("Bearer u") == 401);
  CHECK(doors.asked.empty());
}

TEST_CASE("What changes is read before a request wants it, and what was let in is until then") {
  Doors doors;
  doors.configs["edl"] = "one";
  doors.gate.changed("edl");
  doors.give(tokenRoute("t"));
  doors.configs["edl"] = "two";
  doors.gate.changed("edl");
  CHECK(doors.statusOf("Bearer t") == 0);
  CHECK(doors.asked.size() == 1);
  doors.configs["edl"] = "three";  // while "two" is read
  doors.gate.changed("edl");
  CHECK(doors.asked.size() == 1);
  doors.give(tokenRoute("u"));
  CHECK(doors.statusOf("Bearer t") == 401);
  REQUIRE(doors.asked.size() == 1);
  CHECK(doors.asked.front().config == "three");
  doors.give(closedRoute());
  CHECK(doors.statusOf("Bearer u") == 404);
}

TEST_CASE("A secret of a file is read again while requests come, and one that is stored is not") {
  const bool may_change = GENERATE(true, false);
  Doors doors;
  doors.configs["edl"] = "one";
  doors.gate.changed("edl");
  doors.give(tokenRoute("old"), may_change);
  doors.pass(kSecretReread - std::chrono::milliseconds{1});
  CHECK(doors.statusOf("Bearer old") == 0);
  CHECK(doors.asked.empty());
  doors.pass(std::chrono::milliseconds{1});
  CHECK(doors.statusOf("Bearer old") == 0);
  CHECK(doors.asked.size() == (may_change ? 1 : 0));
  if (!may_change) return;
  doors.give(tokenRoute("new"), true);
  CHECK(doors.statusOf("Bearer old") == 401);
  CHECK(doors.statusOf("Bearer new") == 0);
}

TEST_CASE("A secret that cannot be read lets nobody in, and says why to the operator alone") {
  Doors doors;
  doors.configs["edl"] = "one";
  doors.gate.changed("edl");
  doors.give(Error{Code::NotFound, "the reference ${file:/x}: no such file"}, true);
  const Admission admission = doors.gate.admit("edl", "unix", {{"authorization", "Bearer t"}});
  CHECK(admission.status == 503);
  CHECK(admission.detail.find("/x") == std::string::npos);
  CHECK(doors.gate.report("edl").trouble == "the reference ${file:/x}: no such file");
  doors.pass(kSecretReread);
  (void)doors.statusOf("");
  doors.give(tokenRoute("t"), true);
  CHECK(doors.statusOf("Bearer t") == 0);
  CHECK(doors.gate.report("edl").trouble.empty());
}

TEST_CASE("Who guesses is slowed, also when the guess is right, and nobody else is") {
  Doors doors;
  doors.configs["edl"] = "one";
  doors.gate.changed("edl");
  doors.give(tokenRoute("t"));
  for (int i = 0; i < kGuessesBurst; ++i)
    CHECK(doors.statusOf("Bearer wrong") == 401);
  CHECK(doors.statusOf("Bearer wrong") == 429);
  CHECK(doors.statusOf("Bearer t") == 429);
  CHECK(doors.statusOf("") == 401);  // that it wants credentials is no secret
  CHECK(doors.statusOf("Bearer t", "192.0.2.2") == 0);
  CHECK(doors.gate.admit("edl", "192.0.2.1", {{"authorization", "Bearer t"}}).retry_after_s == 6);
  doors.pass(kGuessEvery);
  CHECK(doors.statusOf("Bearer wrong") == 401);
  CHECK(doors.statusOf("Bearer t") == 429);
  doors.pass(kGuessEvery);
  CHECK(doors.statusOf("Bearer t") == 0);
  const auto report = doors.gate.report("edl");
  CHECK(report.refused_count == kGuessesBurst + 1);
  CHECK(report.refused_client == "192.0.2.1");
}

TEST_CASE("Guesses of one IPv6 network count together, and an IPv4 address is itself in any writing") {
  CHECK(clientNetwork("2001:db8:1:2:3::4") == "2001:db8:1:2::/64");
  CHECK(clientNetwork("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(clientNetwork("192.0.2.7") == "192.0.2.7");
  CHECK(clientNetwork("unix") == "unix");
}

TEST_CASE("More guessers than are remembered push out those that guessed least, not the worst one") {
  Doors doors;
  doors.configs["edl"] = "one";
  doors.gate.changed("edl");
  doors.give(tokenRoute("t"));
  for (int i = 0; i < kGuessesBurst; ++i)
    (void)doors.statusOf("Bearer wrong");
  for (std::size_t i = 0; i < kGuessersMax + 10; ++i)
    CHECK(doors.statusOf("Bearer wrong", "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)) == 401);
  CHECK(doors.statusOf("Bearer t") == 429);
}

TEST_CASE("An instance that went takes what is known of its route with it") {
  Doors doors;
  doors.configs["edl"] = "one";
  doors.gate.changed("edl");
  doors.configs.clear();
  doors.gate.changed("edl");
  doors.give(openRoute());
  CHECK(doors.statusOf("") == 404);
  CHECK(doors.gate.report("edl").kind == RouteAccessKind::Closed);
}

}  // namespace
}  // namespace longhaul::host::http
