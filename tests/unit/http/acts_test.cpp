// Acts and who does them: the audit that knows of each, and tokens. With everything behind the routes (api_host.h).
#include "tests/unit/http/api_host.h"

namespace longhaul::host::http {
namespace {

using test::Host;

TEST_CASE("Each act is in the audit with its outcome before it is answered, also one that is denied") {
  Host host;
  host.makeEdge();
  host.json("POST", "/api/v1/instances/edge/disable");
  host.json("POST", "/api/v1/instances/nobody/enable", "", 404);
  host.ask("POST", "/api/v1/reload?yes=true", "", Peer{.uid = 4711, .role = Role::Read});
  const Json acts = host.json("GET", "/api/v1/audit")["acts"];
  REQUIRE(acts.size() == 4);
  CHECK(acts[0]["act"] == "reload");
  CHECK(acts[0]["actor"] == "uid 4711");
  CHECK(acts[0]["role"] == "read");
  CHECK(acts[0]["detail"]["yes"] == "true");
  CHECK(acts[0]["outcome"].get<std::string>().find("NOT_GRANTED: ") == 0);
  CHECK(acts[1]["act"] == "instances.enable");
  CHECK(acts[1]["outcome"].get<std::string>().find("NOT_FOUND: ") == 0);
  CHECK(acts[2]["target"] == "edge");
  CHECK(acts[2]["outcome"] == "done");
  CHECK(acts[3]["act"] == "apply");
  CHECK(host.json("GET", "/api/v1/audit?target=edge&order=oldest")["acts"].size() == 1);
}

TEST_CASE("What an act is on has one name in the audit, whether it was done or refused") {
  Host host;
  const auto target = [&] { return host.json("GET", "/api/v1/audit?limit=1")["acts"][0]["target"]; };
  const Peer reader{.uid = 4711, .role = Role::Read};
  CHECK(host.ask("POST", "/api/v1/users", R"({"username": "anna"})", reader).status == 403);
  CHECK(target() == "anna");
  CHECK(host.ask("POST", "/api/v1/tokens", R"({"name": "grafana", "role": "read"})", reader).status == 403);
  CHECK(target() == "grafana");
  host.json("POST", "/api/v1/tokens", R"({"name": "grafana", "role": "read"})", 201);
  CHECK(target() == "grafana");
  host.json("DELETE", "/api/v1/tokens/grafana");
  CHECK(target() == "grafana");
  host.json("POST", "/api/v1/users", R"({"username": "anna", "role": "king"})", 400);
  CHECK(target() == "anna");
  host.json("POST", "/api/v1/users", R"({"username": 7})", 400);
  CHECK(target() == "");
  CHECK(host.ask("POST", "/api/v1/secrets/encrypt", R"({"instance": "edge", "parameter": "key"})", reader).status ==
        403);
  CHECK(target() == "edge/key");
  CHECK(host.ask("POST", "/api/v1/backup", R"({"path": "/srv/copy.db"})", reader).status == 403);
  CHECK(target() == "/srv/copy.db");
}

TEST_CASE("What the audit cannot keep is not done, and what it keeps begun is done") {
  Host host;
  host.makeEdge();
  host.json("POST", "/api/v1/instances/edge/enable");
  host.store.failBatches(1, Error{Code::StoreFull, "the disk is full"});
  const Json refused = host.json("POST", "/api/v1/instances/edge/disable", "", 507);
  CHECK_THAT(refused["detail"].get<std::string>(), Catch::Contains("nothing was done"));
  CHECK(host.json("GET", "/api/v1/instances/edge")["enabled"] == true);
  // Nothing is done while the record is on its way.
  std::optional<Response> answer;
  host.api.handle({.method = "POST", .target = "/api/v1/instances/edge/disable"}, {0, Role::Admin},
                  [&](const Response& response) { answer = response; });
  CHECK(host.supervisor.find("edge")->enabled);
  REQUIRE(host.loop.runUntil([&] { return answer.has_value(); }, Host::kLimit));
  CHECK(answer->status == 200);
  // A query that is wrong is an act that was refused.
  host.json("POST", "/api/v1/reload?yess=true", "", 400);
  const Json acts = host.json("GET", "/api/v1/audit")["acts"];
  CHECK(acts[0]["act"] == "reload");
  CHECK(acts[0]["outcome"].get<std::string>().find("INVALID: ") == 0);
  CHECK(acts[1]["act"] == "instances.disable");
  CHECK(acts[1]["outcome"] == "done");
}

TEST_CASE("An act that a daemon before this one began has an outcome that says so") {
  test::MemoryStore store;
  EventLoop loop;
  store::StoreExecutor executor{store, [&](std::function<void()> work) { loop.post(std::move(work)); }};
  admin::EventStream events{0, [&](std::function<void()> work) { loop.post(std::move(work)); }};
  const admin::Caller anna{"anna", Role::Admin};
  admin::AuditLog first{executor, loop.timers(), events, {}};
  std::int64_t record = 0;
  first.begin(anna, {.act = "reload"}, [&](const Result<std::int64_t>& begun) { record = begun.value(); });
  REQUIRE(loop.runUntil([&] { return record != 0; }, Host::kLimit));
  CHECK(store.audit({})->rows[0].outcome == store::kActBegun);
  admin::AuditLog second{executor, loop.timers(), events, {.rows = 1}};
  bool over = false;
  second.begin(anna, {.act = "reload"}, [&](const Result<std::int64_t>&) { over = true; });
  REQUIRE(loop.runUntil([&] { return over; }, Host::kLimit));
  CHECK_THAT(store.audit({})->rows[1].outcome, Catch::StartsWith("unknown: "));
}

TEST_CASE("The audit keeps its newest records, and none that is too old, whoever goes on acting") {
  test::MemoryStore store;
  EventLoop loop;
  store::StoreExecutor executor{store, [&](std::function<void()> work) { loop.post(std::move(work)); }};
  admin::EventStream events{0, [&](std::function<void()> work) { loop.post(std::move(work)); }};
  const std::vector<store::Write> old{store::AddAudit{{.at_us = 1, .actor = "old"}}};
  store.apply(old);
  admin::AuditLog log{executor, loop.timers(), events, {.rows = 10}};
  std::size_t done = 0;
  constexpr std::size_t kActs = 3 * admin::kAuditPruneRows;
  for (std::size_t i = 0; i < kActs; ++i)
    log.over({"anna", Role::Read}, {.act = "reload", .outcome = "NOT_GRANTED"}, [&] { ++done; });
  REQUIRE(loop.runUntil([&] { return done == kActs && store.audit({.limit = kPageRowsMax})->rows.size() < kActs; },
                        Host::kLimit));
  const auto page = store.audit({.actor = "old"});
  CHECK(page->rows.empty());
  CHECK(store.audit({.limit = 1})->rows[0].id == static_cast<std::int64_t>(kActs) + 1);
}

TEST_CASE("A token is shown once, listed without itself, and revoked by its name") {
  Host host;
  const Json made = host.json("POST", "/api/v1/tokens", R"({"name": "grafana", "role": "read", "lifeMs": 60000})", 201);
  const std::string secret = made["token"];
  CHECK(secret.size() == 67);
  CHECK(made.contains("expiresAt"));
  CHECK(host.json("POST", "/api/v1/tokens", R"({"name": "grafana", "role": "read"})", 409)["code"] == "CONFLICT");
  CHECK(host.json("POST", "/api/v1/tokens", R"({"name": "x"})", 400)["field"] == "/role");
  CHECK(host.ask("GET", "/api/v1/tokens").body.find(secret) == std::string::npos);
  CHECK(host.ask("GET", "/api/v1/audit").body.find(secret) == std::string::npos);
  host.json("DELETE", "/api/v1/tokens/grafana");
  CHECK(host.json("GET", "/api/v1/tokens")["tokens"][0].contains("revokedAt"));
  CHECK(host.json("DELETE", "/api/v1/tokens/grafana", "", 404)["code"] == "NOT_FOUND");
}

TEST_CASE("Who shows a token has its role and name, whoever the peer is; one that is wrong is refused") {
  Host host;
  const auto ask = [&](const std::string& method, const std::string& target, const std::string& authorization) {
    std::optional<Response> answer;
    host.api.handle({.method = method, .target = target, .authorization = authorization}, {0, Role::Admin},
                    [&](const Response& response) { answer = response; });
    REQUIRE(host.loop.runUntil([&] { return answer.has_value(); }, Host::kLimit));
    return *answer;
  };
  const std::string looks = host.json("POST", "/api/v1/tokens", R"({"name": "looks", "role": "read"})", 201)["token"];
  const Response me = ask("GET", "/api/v1/whoami", "Bearer " + looks);
  CHECK(parseJson(me.body)->at("name") == "token looks");
  CHECK(parseJson(me.body)->at("role") == "read");
  CHECK(ask("GET", "/api/v1/tokens", "bearer " + looks).status == 403);  // root's socket makes it no more
  CHECK(ask("POST", "/api/v1/reload", "Bearer " + looks).status == 403);
  CHECK(host.json("GET", "/api/v1/audit")["acts"][0]["actor"] == "token looks");
  for (const auto& wrong : {"Bearer lh_no", "Basic YTpi", "Bearer", "Bearer  "}) {
    const Response refused = ask("GET", "/api/v1/whoami", wrong);
    CHECK(refused.status == 401);
    CHECK(parseJson(refused.body)->at("code") == "UNAUTHENTICATED");
    CHECK_THAT(serialize(refused, false, true), Catch::Contains("WWW-Authenticate: Bearer\r\n"));
  }
  CHECK(ask("POST", "/api/v1/reload", "Bearer lh_no").status == 401);
  CHECK(host.json("GET", "/api/v1/audit")["acts"][0]["outcome"].get<std::string>().find("UNAUTHENTICATED: ") == 0);
  host.json("DELETE", "/api/v1/tokens/looks");
  const Response revoked = ask("GET", "/api/v1/whoami", "Bearer " + looks);
  CHECK(revoked.status == 401);
  CHECK_THAT(revoked.body, Catch::Contains("the token looks was revoked"));
  // Another service of the same store knows them too, also when they are too old.
  const std::string brief =
      host.json("POST", "/api/v1/tokens", R"({"name": "brief", "role": "read", "lifeMs": 1000})", 201)["token"];
  admin::Bearers next{host.queries, host.executor};
  next.load();
  const auto identify = [&](const std::string& token, std::int64_t now_us) {
    return next.identify("Bearer " + token, now_us);
  };
  REQUIRE(host.loop.runUntil([&] { return std::holds_alternative<admin::Caller>(identify(brief, 0)); }, Host::kLimit));
  CHECK(std::get<admin::Failure>(identify(brief, wallNowUs() + 2'000'000)).detail.find("expired") != std::string::npos);
  CHECK(std::get<admin::Failure>(identify(looks, 0)).detail == "the token looks was revoked");
}

}  // namespace
}  // namespace longhaul::host::http
