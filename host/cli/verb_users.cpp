// users, user add|set|remove: who there is, and by which names others know them.
#include <fmt/format.h>

#include <algorithm>

#include "host/cli/paging.h"
#include "host/cli/printable.h"
#include "host/cli/results.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

std::string identitiesText(const Json& user) {
  std::string text;
  for (const Json& each : memberAt(user, "identities"))
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", textAt(each, "provider"), textAt(each, "value"));
  return text;
}

Exit showOne(Session& session, const std::string& name) {
  const auto user = session.api.get(Target{"/users"}.step(name));
  if (!user) return session.fail(user.error());
  if (!session.output.forPeople()) {
    session.output.value(*user, name);
    return Exit::Done;
  }
  const auto line = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) session.output.line(fmt::format("{:>10}: {}", label, printable(text)));
  };
  session.output.line(printable(textAt(*user, "username")));
  line("Role", textAt(*user, "role"));
  line("Name", textAt(*user, "name"));
  line("E-mail", textAt(*user, "email"));
  line("Phone", textAt(*user, "phone"));
  line("Identities", identitiesText(*user));
  line("Created", localTime(timeAt(*user, "createdAt")));
  return Exit::Done;
}

Exit users(Session& session, const Arguments& arguments) {
  if (const auto name = arguments.text("USER")) return showOne(session, *name);
  return showPages(session, arguments, Target{"/users"}, "users", [&](const Json& rows) {
    Table table{{{"USERNAME"},
                 {"ROLE"},
                 {"NAME"},
                 {"EMAIL"},
                 {.title = "PHONE", .wide_only = true},
                 {.title = "IDENTITIES", .may_cut = true}}};
    std::vector<std::string> names;
    for (const Json& user : rows) {
      names.push_back(textAt(user, "username"));
      table.add({names.back(), textAt(user, "role"), textAt(user, "name"), textAt(user, "email"), textAt(user, "phone"),
                 identitiesText(user)});
    }
    if (rows.empty() && session.output.forPeople())
      session.output.note("no users yet; longhaul user add NAME makes one");
    session.output.page(table, rows, names);
  });
}

// "unix:anna"; nothing: it is none.
std::optional<Json> parseIdentity(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return std::nullopt;
  return Json{{"provider", text.substr(0, colon)}, {"value", text.substr(colon + 1)}};
}

// The facts that the options say; identities are added to or taken from `identities`.
std::optional<Exit> readFacts(Session& session, const Arguments& arguments, Json& body, Json identities) {
  for (const char* fact : {"name", "email", "phone", "role"}) {
    if (const auto given = arguments.text(fact)) body[fact] = *given;
  }
  for (const bool adds : {true, false}) {
    const char* option = adds ? "identity" : "no-identity";
    for (const std::string& text : arguments.all(option)) {
      const auto identity = parseIdentity(text);
      if (!identity) {
        return session.usage(fmt::format("--{} has \"{}\", wanted PROVIDER:VALUE like unix:anna", option, text));
      }
      const auto found = std::find(identities.begin(), identities.end(), *identity);
      if (adds && found == identities.end()) identities.push_back(*identity);
      if (!adds && found != identities.end()) identities.erase(found);
    }
  }
  if (arguments.has("identity") || arguments.has("no-identity")) body["identities"] = std::move(identities);
  return std::nullopt;
}

Exit said(Session& session, const Json& user, const std::string& sentence) {
  const std::string name = textAt(user, "username");
  if (session.output.forPeople()) session.output.line(printable(fmt::format("user {} {}", name, sentence)));
  session.output.value(user, name);
  return Exit::Done;
}

Exit add(Session& session, const Arguments& arguments) {
  Json body{{"username", *arguments.text("USER")}};
  if (const auto wrong = readFacts(session, arguments, body, Json::array())) return *wrong;
  const auto answer = session.api.send("POST", Target{"/users"}, body);
  if (!answer) return session.fail(answer.error());
  return said(session, *answer, fmt::format("is made, with the role {}", textAt(*answer, "role")));
}

Exit set(Session& session, const Arguments& arguments) {
  const Target target = Target{"/users"}.step(*arguments.text("USER"));
  Json identities = Json::array();
  if (arguments.has("identity") || arguments.has("no-identity")) {
    const auto before = session.api.get(target);
    if (!before) return session.fail(before.error());
    identities = memberAt(*before, "identities");
  }
  Json body = Json::object();
  if (const auto wrong = readFacts(session, arguments, body, std::move(identities))) return *wrong;
  if (body.empty()) return session.usage("nothing to set was said", "longhaul user set --help lists what can be set");
  const auto answer = session.api.send("PATCH", target, body);
  if (!answer) return session.fail(answer.error());
  return said(session, *answer, flagAt(*answer, "changed") ? "is changed" : "was so already");
}

Exit remove(Session& session, const Arguments& arguments) {
  Results results{session, "remove"};
  for (const std::string& name : arguments.all("USER")) {
    Target target = Target{"/users"}.step(name);
    if (arguments.has("yes")) target.query("yes", "true");
    const auto answer = session.api.send("DELETE", target, {});
    if (answer) {
      results.done(name, "is removed", *answer);
    } else {
      results.failed(name, answer.error());
    }
  }
  return results.finish();
}

}  // namespace

std::vector<Verb> userVerbs() {
  const auto text = [](std::string_view flags, std::string_view value, std::string_view help, bool repeats = false) {
    return OptionSpec{.flags = flags, .kind = ValueKind::Text, .value = value, .help = help, .repeats = repeats};
  };
  const OptionSpec role{.flags = "--role",
                        .kind = ValueKind::Text,
                        .value = "ROLE",
                        .help = "read, operate or admin",
                        .choices = {"read", "operate", "admin"}};
  const std::vector<OptionSpec> facts{
      role, text("--name", "TEXT", "the whole name"), text("--email", "ADDRESS", "the address chats know them by"),
      text("--phone", "TEXT", "a number"),
      text("--identity", "PROVIDER:VALUE", "another name: unix:LOGIN, email:ADDRESS, PLUGIN:ID; may be repeated",
           true)};
  std::vector<OptionSpec> changes = facts;
  changes.push_back(text("--no-identity", "PROVIDER:VALUE", "takes one away; may be repeated", true));
  constexpr std::string_view kDetails =
      "An identity unix:LOGIN gives that login of this machine the user's role on the daemon's socket; one of a chat\n"
      "plugin's id lets the user answer questions and open incidents from there.";
  return {{.name = "users",
           .group = Group::Use,
           .summary = "lists users; with USER shows one",
           .operands = {{.name = "USER", .required = false}},
           .options = pageOptions(),
           .details = {},
           .run = users},
          {.name = "user add",
           .group = Group::Use,
           .summary = "makes a user",
           .operands = {{.name = "USER"}},
           .options = facts,
           .details = kDetails,
           .run = add},
          {.name = "user set",
           .group = Group::Use,
           .summary = "changes a user; what is not said stays",
           .operands = {{.name = "USER"}},
           .options = changes,
           .details = kDetails,
           .run = set},
          {.name = "user remove",
           .group = Group::Use,
           .summary = "removes users; what they wrote stays",
           .operands = {{.name = "USER", .many = true}},
           .options = {{.flags = "--yes", .help = "does it"}},
           .details = {},
           .run = remove}};
}

}  // namespace longhaul::host::cli
