// Requests to incidents and answers, on the fake server.
#include "receiver.h"

#include <catch2/catch.hpp>

#include "longhaul/sdk/testing.hpp"
#include "requests.h"

using namespace webhook_plugin;
using longhaul::Status;
using longhaul::testing::Effect;
using longhaul::testing::FakeServer;

namespace {

struct Run {
  explicit Run(std::vector<Field> parameters = {{"verify", "none"}})
      : settings(settingsOf(parameters)), receiver(server.server(), settings) {}

  Json ask(const Request& request, unsigned status = 200) {
    const Answer answer = receiver.handle(request);
    CHECK(answer.status == status);
    return Json::parse(answer.body);
  }
  bool hasLogged(const std::string& part) const {
    for (const auto& line : server.logs())
      if (line.text.find(part) != std::string::npos) return true;
    return false;
  }

  FakeServer server;
  Settings settings;
  Receiver receiver;
};

Field signedWith(const std::string& secret, const std::string& body) {
  return {"x-hub-signature-256", "sha256=" + toHex(hmacSha256(secret, body))};
}

}  // namespace

TEST_CASE("a post becomes an incident, which is the answer") {
  Run run;
  const Json answer = run.ask(post(R"({"name":"Disk full","severity":"high"})"));
  REQUIRE(answer["incidents"].size() == 1);
  REQUIRE(run.server.incidents().size() == 1);
  CHECK(answer["incidents"][0]["id"] == run.server.incidents()[0].id);
  CHECK(answer["incidents"][0]["name"] == "Disk full");
  CHECK(answer["replayed"] == false);
  CHECK(run.server.incidents()[0].name == "Disk full");
}

TEST_CASE("a refusal stands in the answer, in the log and in the health") {
  Run run({{"verify", "header"}, {"secret", "s"}});
  const Json answer = run.ask(post("{}"), 401);
  CHECK(answer["detail"].get<std::string>().find("there is no field x-webhook-secret") == 0);
  CHECK(run.hasLogged("refused POST / from 192.0.2.7 with 401: there is no field x-webhook-secret"));
  run.receiver.tick();
  REQUIRE(run.server.health());
  CHECK(run.server.health()->is_warning);
  CHECK(run.server.health()->text.find("1 request was refused, the last: ") == 0);
  CHECK(run.server.incidents().empty());
  SECTION("until a request is taken again") {
    run.ask(post(R"({"name":"a"})", {{"x-webhook-secret", "s"}}));
    run.receiver.tick();
    CHECK(run.server.health()->text.empty());
    CHECK(run.server.health()->pulled.events == 1);
  }
  SECTION("and many of them are one line") {
    for (int i = 0; i < 50; ++i)
      run.ask(post("{}"), 401);
    std::size_t lines = 0;
    for (const auto& line : run.server.logs())
      lines += line.text.find("refused POST") == 0 ? 1 : 0;
    CHECK(lines <= 3);
  }
}

TEST_CASE("other methods, types and bodies are refused with the fields that belong to it") {
  Run run;
  Request get = post("");
  get.method = "GET";
  const Answer answer = run.receiver.handle(get);
  CHECK(answer.status == 405);
  CHECK(answer.fields[1] == Field{"allow", "POST, PUT"});
  run.ask(post("{}", {}, "text/xml"), 415);
  run.ask(post("{"), 400);
  CHECK(run.server.incidents().empty());
}

TEST_CASE("a delivery counts once") {
  Run run;
  const Request request = post(R"({"name":"a"})", {{"x-github-delivery", "72d3162e"}});
  const Json first = run.ask(request);
  const Json second = run.ask(request);
  CHECK(second["incidents"] == first["incidents"]);
  CHECK(second["replayed"] == true);
  CHECK(run.server.incidents().size() == 1);
  CHECK(run.ask(post(R"({"name":"b"})", {{"x-github-delivery", "72d3162e"}}), 409)["detail"].get<std::string>().find(
            "taken before, with another content") != std::string::npos);
  run.ask(post(R"({"name":"a"})"));
  run.ask(post(R"({"name":"a"})"));
  CHECK(run.server.incidents().size() == 3);
}

TEST_CASE("the mapping can name the delivery") {
  Run run({{"verify", "none"}, {"mapping", "id: {/event/id}"}});
  run.ask(post(R"({"event":{"id":7}})"));
  run.ask(post(R"({"event":{"id":7}})"));
  run.ask(post(R"({"event":{"id":8}})"));
  CHECK(run.server.incidents().size() == 2);
}

TEST_CASE("a captured request makes no second incident under another delivery id") {
  Run run({{"verify", "github"}, {"secret", "k"}});
  const std::string body = R"({"name":"a"})";
  const Json first = run.ask(post(body, {signedWith("k", body), {"x-github-delivery", "1"}}));
  const Json second = run.ask(post(body, {signedWith("k", body), {"x-github-delivery", "2"}}));
  CHECK(second["incidents"] == first["incidents"]);
  CHECK(second["replayed"] == true);
  CHECK(run.server.incidents().size() == 1);
  CHECK(run.hasLogged("came again; it counted the first time"));
  run.ask(post(body, {signedWith("wrong", body)}), 401);
}

TEST_CASE("also not after the worker was replaced") {
  FakeServer server;
  const Settings settings = settingsOf({{"verify", "github"}, {"secret", "k"}});
  const std::string body = R"({"name":"a"})";
  for (int worker = 0; worker < 3; ++worker) {
    Receiver receiver(server.server(), settings);
    CHECK(receiver.handle(post(body, {signedWith("k", body)})).status == 200);
  }
  CHECK(server.incidents().size() == 1);
}

TEST_CASE("a sender that repeats the same body and means it can be told") {
  Run run({{"verify", "hmac"}, {"secret", "k"}, {"header", "x-hub-signature-256"}, {"signedBodyOnce", "false"}});
  const std::string body = R"({"name":"a"})";
  run.ask(post(body, {signedWith("k", body)}));
  run.ask(post(body, {signedWith("k", body)}));
  CHECK(run.server.incidents().size() == 2);
}

TEST_CASE("Slack: the challenge is answered as text, events that come again count once") {
  Run run({{"verify", "slack"}, {"secret", "k"}, {"mapping", "name: {/event/text}"}});
  const auto slack = [&](const std::string& body, int back_s) {
    using std::chrono::duration_cast;
    const auto now = duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    const std::string time = std::to_string(now - back_s);
    return post(body, {{"x-slack-request-timestamp", time},
                       {"x-slack-signature", "v0=" + toHex(hmacSha256("k", "v0:" + time + ":" + body))}});
  };
  const std::string challenge = R"({"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY","type":"url_verification"})";
  const Answer answer = run.receiver.handle(slack(challenge, 0));
  CHECK(answer.status == 200);
  CHECK(answer.body == "3eZbrw1aBm2rZgRNFdxV2595E9CY");
  CHECK(answer.fields[0].second.find("text/plain") == 0);
  CHECK(run.receiver.handle(post(challenge)).status == 401);

  const std::string event = R"({"type":"event_callback","event_id":"Ev1","event":{"text":"help"}})";
  run.ask(slack(event, 60));
  CHECK(run.ask(slack(event, 0))["replayed"] == true);  // Slack signs its retry anew
  CHECK(run.server.incidents().size() == 1);
  run.ask(slack(event, 400), 401);
}

TEST_CASE("GitHub's ping makes no incident") {
  Run run({{"verify", "github"}, {"secret", "k"}});
  const std::string body = R"({"zen":"Keep it logically awesome."})";
  CHECK(run.ask(post(body, {signedWith("k", body), {"x-github-event", "ping"}}))["pong"] == true);
  CHECK(run.server.incidents().empty());
}

TEST_CASE("a host that is busy is waited for; one that stays so gets a time to come again") {
  Run run;
  run.server.failNth("createIncidents", 1, Status::kBusy);
  run.server.failNth("createIncidents", 2, Status::kStoreFull);
  run.ask(post(R"({"name":"a"})"));
  CHECK(run.server.incidents().size() == 1);

  run.server.failAlways("createIncidents", Status::kBusy, "the queue is full");
  run.server.requestStop();  // a worker that is to end does not wait
  const Answer answer = run.receiver.handle(post(R"({"name":"b"})"));
  CHECK(answer.status == 503);
  CHECK(answer.fields[1] == Field{"retry-after", "5"});
}

TEST_CASE("what the host says about the incidents is said to the sender") {
  const auto [status, answered] = GENERATE(table<Status, unsigned>(
      {{Status::kInvalid, 422}, {Status::kTooLarge, 413}, {Status::kNotGranted, 500}, {Status::kFenced, 503}}));
  Run run;
  run.server.failAlways("createIncidents", status, "the sentence");
  const Json answer = run.ask(post(R"({"name":"a"})"), answered);
  CHECK(answer["detail"].get<std::string>().empty() == false);
}

TEST_CASE("an answer that got lost makes nothing twice") {
  Run run;
  run.server.failNth("createIncidents", 1, Status::kTimeout, Effect::kDone);
  const Request request = post(R"({"name":"a"})", {{"x-github-delivery", "1"}});
  run.ask(request, 503);
  CHECK(run.ask(request)["replayed"] == true);
  CHECK(run.server.incidents().size() == 1);
}

TEST_CASE("samples are kept without secrets, and outlive the worker") {
  Run run({{"verify", "header"}, {"secret", "hush"}, {"samples", "2"}});
  for (int i = 0; i < 3; ++i)
    run.ask(post("{\"name\":\"n" + std::to_string(i) + "\"}",
                 {{"x-webhook-secret", "hush"}, {"authorization", "Bearer hush"}, {"x-other", "shown"}}));
  run.ask(post("{}", {{"x-webhook-secret", "wrong"}}), 401);
  run.receiver.tick();
  const std::string shown = run.receiver.samples(10);
  const Json json = Json::parse(shown);
  REQUIRE(json["samples"].size() == 2);
  CHECK(json["samples"][0]["body"] == R"({"name":"n2"})");
  CHECK(json["samples"][0]["fields"]["x-other"] == "shown");
  CHECK(json["samples"][0]["answer"]["incidents"][0]["name"] == "n2");
  REQUIRE(json["refused"].size() == 1);
  CHECK(json["refused"][0]["status"] == 401);
  CHECK(shown.find("hush") == std::string::npos);
  CHECK(run.server.context().find("hush") == std::string::npos);

  Receiver next(run.server.server(), run.settings);
  CHECK(Json::parse(next.samples(1))["samples"][0]["body"] == R"({"name":"n2"})");
  CHECK(Json::parse(next.samples(1))["refused"].empty());
}

TEST_CASE("a body of any size makes a small sample, and nothing is written without a new one") {
  Run run;
  run.ask(post("{\"name\":\"" + std::string(100'000, 'x') + "\"}"));
  run.receiver.tick();
  run.receiver.tick();
  CHECK(run.server.callCount("patchIntegrationContext") == 1);
  const Json json = Json::parse(run.receiver.samples(1));
  CHECK(json["samples"][0]["body"].get<std::string>().size() <= Samples::kBodyBytesMax);
  CHECK(json["samples"][0]["bodyBytes"] == 100'011);
}
