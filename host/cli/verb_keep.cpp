// audit, token create|list|revoke, whoami: what was done by whom, and who may.
#include <fmt/format.h>

#include "host/cli/paging.h"
#include "host/cli/printable.h"
#include "host/cli/results.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

Exit audit(Session& session, const Arguments& arguments) {
  Target target{"/audit"};
  for (const char* filter : {"actor", "target"}) {
    if (const auto given = arguments.text(filter)) target.query(filter, *given);
  }
  if (arguments.has("oldest")) target.query("order", "oldest");
  return showPages(session, arguments, target, "acts", [&](const Json& rows) {
    Table table{{{.title = "ID", .wide_only = true, .right = true},
                 {"WHEN"},
                 {"WHO"},
                 {"ROLE"},
                 {"ACT"},
                 {"TARGET"},
                 {.title = "DETAIL", .wide_only = true},
                 {.title = "OUTCOME", .may_cut = true}}};
    std::vector<std::string> ids;
    for (const Json& act : rows) {
      const std::string outcome = textAt(act, "outcome");
      const Json& detail = memberAt(act, "detail");
      ids.push_back(textAt(act, "id"));
      table.add({ids.back(), localTime(timeAt(act, "at")), textAt(act, "actor"), textAt(act, "role"),
                 textAt(act, "act"), textAt(act, "target"), detail.empty() ? "" : dumpJson(detail),
                 Cell{outcome, outcome == "done" ? Tone::Plain : Tone::Bad}});
    }
    if (rows.empty() && session.output.forPeople()) session.output.note("no acts");
    session.output.page(table, rows, ids);
  });
}

Exit createToken(Session& session, const Arguments& arguments) {
  Json body{{"name", *arguments.text("NAME")}, {"role", arguments.text("role").value_or("read")}};
  if (const auto life = arguments.span("expires")) body["lifeMs"] = life->count();
  const auto answer = session.api.send("POST", Target{"/tokens"}, body);
  if (!answer) return session.fail(answer.error());
  const std::string token = textAt(*answer, "token");
  if (session.output.forPeople()) {
    session.output.line(token);
    session.output.flush();
    session.output.note("this is the only time that it is shown; the store has its hash alone");
  }
  session.output.value(*answer, token);
  return Exit::Done;
}

std::string stateOf(const Json& token, std::int64_t now_us) {
  if (timeAt(token, "revokedAt") != 0) return "revoked";
  const std::int64_t expires = timeAt(token, "expiresAt");
  return expires != 0 && expires <= now_us ? "expired" : "valid";
}

Exit listTokens(Session& session, const Arguments&) {
  const auto answer = session.api.get(Target{"/tokens"});
  if (!answer) return session.fail(answer.error());
  const Json& rows = memberAt(*answer, "tokens");
  Table table{{{"NAME"}, {"ROLE"}, {"STATE"}, {"CREATED"}, {"BY"}, {"EXPIRES"}}};
  std::vector<std::string> names;
  for (const Json& token : rows) {
    names.push_back(textAt(token, "name"));
    const std::string state = stateOf(token, session.nowUs());
    const std::int64_t expires = timeAt(token, "expiresAt");
    table.add({names.back(), textAt(token, "role"), Cell{state, state == "valid" ? Tone::Good : Tone::Dim},
               localTime(timeAt(token, "createdAt")), textAt(token, "createdBy"),
               expires == 0 ? "never" : localTime(expires)});
  }
  if (rows.empty() && session.output.forPeople())
    session.output.note("no tokens; longhaul token create NAME makes one");
  session.output.list(table, rows, names);
  return Exit::Done;
}

Exit revokeToken(Session& session, const Arguments& arguments) {
  Results results{session, "revoke"};
  for (const std::string& name : arguments.all("NAME")) {
    const auto answer = session.api.send("DELETE", Target{"/tokens"}.step(name), {});
    if (answer) {
      results.done(name, "is revoked", *answer);
    } else {
      results.failed(name, answer.error());
    }
  }
  return results.finish();
}

Exit backUp(Session& session, const Arguments& arguments) {
  std::error_code failed;
  const auto path = std::filesystem::absolute(*arguments.text("FILE"), failed);
  if (failed) return session.usage(fmt::format("FILE has \"{}\": {}", *arguments.text("FILE"), failed.message()));
  // As long as a large store takes: it is copied by SQLite at the speed of the disk.
  constexpr std::chrono::milliseconds kBackupTimeout = std::chrono::hours{1};
  const auto answer = session.api.call(
      {.method = "POST", .target = Target{"/backup"}.text(), .body = dumpJson({{"path", path.native()}})},
      kBackupTimeout);
  if (!answer) return session.fail(answer.error());
  if (!answer->ok()) return session.fail(problemOf(*answer));
  if (session.output.forPeople()) {
    session.output.line(fmt::format("the store is copied to {} ({} bytes)", printable(textAt(answer->body, "path")),
                                    numberAt(answer->body, "bytes")));
  } else {
    session.output.value(answer->body, path.native());
  }
  return Exit::Done;
}

Exit whoAmI(Session& session, const Arguments&) {
  const auto answer = session.api.get(Target{"/whoami"});
  if (!answer) return session.fail(answer.error());
  const std::string name = textAt(*answer, "name");
  if (session.output.forPeople()) {
    session.output.line(printable(fmt::format("{}, with the role {}", name, textAt(*answer, "role"))));
  }
  session.output.value(*answer, name);
  return Exit::Done;
}

}  // namespace

std::vector<Verb> keepVerbs() {
  std::vector<OptionSpec> audit_options{
      {.flags = "--actor", .kind = ValueKind::Text, .value = "NAME", .help = "only acts of this one"},
      {.flags = "--target", .kind = ValueKind::Text, .value = "NAME", .help = "only acts on this one"},
      {.flags = "--oldest", .help = "the oldest first"}};
  audit_options.insert(audit_options.end(), pageOptions().begin(), pageOptions().end());
  return {
      {.name = "audit",
       .group = Group::Keep,
       .summary = "lists what operators did, with who, when and the outcome",
       .operands = {},
       .options = std::move(audit_options),
       .details = "Also what was refused. An act is in the audit before it is answered. Wants the role admin.",
       .run = audit},
      {.name = "token create",
       .group = Group::Keep,
       .summary = "makes a token of the API and shows it, this once",
       .operands = {{.name = "NAME"}},
       .options =
           {{.flags = "--role",
             .kind = ValueKind::Text,
             .value = "ROLE",
             .help = "read (the default), operate or admin",
             .choices = {"read", "operate", "admin"}},
            {.flags = "--expires", .kind = ValueKind::Span, .value = "TIME", .help = "its life, like 30d (for ever)"}},
       .details = "For programs that come by TCP (http.listen): Authorization: Bearer TOKEN. Browsers have `longhaul "
                  "dashboard`.",
       .run = createToken},
      {.name = "token list",
       .group = Group::Keep,
       .summary = "lists tokens, never themselves",
       .operands = {},
       .options = {},
       .details = {},
       .run = listTokens},
      {.name = "token revoke",
       .group = Group::Keep,
       .summary = "ends tokens",
       .operands = {{.name = "NAME", .many = true}},
       .options = {},
       .details = {},
       .run = revokeToken},
      {.name = "backup",
       .group = Group::Keep,
       .summary = "copies the daemon's store to a file, while it runs",
       .operands = {{.name = "FILE"}},
       .options = {},
       .details =
           "The daemon writes it, as its own user; a file or link that is there already stays, and none is written\n"
           "into the state folder itself. Secrets in it are encrypted: keep the key file too, apart from it. To "
           "restore, stop the daemon, put the copy in place of\n"
           "STATE/db/longhaul.db and remove longhaul.db-wal and longhaul.db-shm beside it.",
       .run = backUp},
      {.name = "whoami",
       .group = Group::Keep,
       .summary = "says who the daemon takes one for, and with which role",
       .operands = {},
       .options = {},
       .details = {},
       .run = whoAmI}};
}

}  // namespace longhaul::host::cli
