// secret list, set, encrypt, rotate. A secret comes by stdin alone: on a command line it would stand in the history and
// in the list of processes.
#include <fmt/format.h>

#include "host/base/counted.h"
#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/cli/acting.h"
#include "host/cli/printable.h"
#include "host/cli/reading.h"
#include "host/cli/results.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

// stdin without its last line end; an Error with the way to do it otherwise.
Result<std::string> readSecret(Session& session, std::string_view verb, const Arguments& arguments) {
  if (arguments.text("SECRET") != "-") {
    return withHint(
        {Code::Invalid, fmt::format("longhaul {} takes the secret on stdin: write - in its place", verb)},
        fmt::format("longhaul {} {} {} - < FILE", verb, *arguments.text("NAME"), *arguments.text("PARAMETER")));
  }
  auto secret = readInput(session, "-", kSecretBytesMax + 2);
  if (!secret) return secret;
  if (secret->ends_with('\n')) secret->pop_back();
  if (secret->ends_with('\r')) secret->pop_back();
  if (secret->empty()) return Error{Code::Invalid, "found nothing on stdin, wanted the secret"};
  if (!isUtf8(*secret)) return Error{Code::Invalid, "the secret is not UTF-8; encode it, as in base64"};
  return secret;
}

// Of what the daemon did to this instance.
Exit follow(Session& session, const Arguments& arguments, const std::string& name, const Json& answer) {
  const std::chrono::milliseconds timeout = arguments.span("timeout").value_or(kWaitTimeout);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Results results{session, "secret set"};
  for (const Json& touched : memberAt(answer, "results")) {
    const std::string wait = textAt(touched, "wait");
    if (const Json& error = memberAt(touched, "error"); error.is_object()) {
      results.failed(name, {Code::Internal, fmt::format("{}: {}", name, textAt(error, "detail"))});
    } else if (wait.empty() || arguments.has("no-wait")) {
      results.done(name, "has it", {{"changed", true}});
    } else {
      results.await({name, wait, textAt(touched, "since")}, true, deadline, timeout);
    }
  }
  if (memberAt(answer, "results").empty()) results.done(name, "had the same secret already", {{"changed", false}});
  return results.finish();
}

Exit set(Session& session, const Arguments& arguments) {
  const std::string name = *arguments.text("NAME");
  const bool unset = arguments.has("unset");
  if (unset == arguments.has("SECRET")) {
    return session.usage("longhaul secret set wants - for the secret on stdin, or --unset");
  }
  Json body{{"value", nullptr}};
  if (!unset) {
    auto secret = readSecret(session, "secret set", arguments);
    if (!secret) {
      session.output.error(secret.error());
      return arguments.text("SECRET") == "-" ? exitOf(secret.error().code) : Exit::Usage;
    }
    body["value"] = std::move(*secret);
  }
  const auto answer = session.api.send(
      "PUT", Target{"/instances"}.step(name).literal("/secrets").step(*arguments.text("PARAMETER")), body);
  if (!answer) return session.fail(answer.error());
  return follow(session, arguments, name, *answer);
}

Exit encrypt(Session& session, const Arguments& arguments) {
  auto secret = readSecret(session, "secret encrypt", arguments);
  if (!secret) {
    session.output.error(secret.error());
    return arguments.text("SECRET") == "-" ? exitOf(secret.error().code) : Exit::Usage;
  }
  const auto answer = session.api.send("POST", Target{"/secrets/encrypt"},
                                       {{"instance", *arguments.text("NAME")},
                                        {"parameter", *arguments.text("PARAMETER")},
                                        {"value", std::move(*secret)}});
  if (!answer) return session.fail(answer.error());
  if (session.output.forPeople()) {
    session.output.line(printable(textAt(*answer, "reference")));
    session.output.note(fmt::format("write it as {} of {}; it opens nowhere else", textAt(*answer, "parameter"),
                                    textAt(*answer, "instance")));
  } else {
    session.output.value(*answer, textAt(*answer, "reference"));
  }
  return Exit::Done;
}

Exit list(Session& session, const Arguments& arguments) {
  Target target{"/secrets"};
  if (const auto name = arguments.text("NAME")) target.query("instance", *name);
  const auto answer = session.api.get(target);
  if (!answer) return session.fail(answer.error());
  const Json& rows = memberAt(*answer, "secrets");
  const Json& keys = memberAt(*answer, "keyIds");
  const std::string newest = keys.is_array() && !keys.empty() ? keys.back().get<std::string>() : "";
  Table table{{{"INSTANCE"}, {"PARAMETER"}, {"FROM"}, {.title = "FILE", .may_cut = true}}};
  std::vector<std::string> names;
  for (const Json& row : rows) {
    const std::string kind = textAt(row, "kind");
    std::string from = flagAt(row, "set") ? kind.empty() ? "plain" : textAt(row, "reference") : "not set";
    if (kind == "encrypted") {
      const std::string key = textAt(row, "keyId");
      from = fmt::format("encrypted, key {}{}", key, key == newest ? "" : " (an older one)");
    }
    const Tone tone = flagAt(row, "set") ? Tone::Plain : Tone::Dim;
    table.add({textAt(row, "instance"), textAt(row, "parameter"), Cell{from, tone}, textAt(row, "source")});
    names.push_back(fmt::format("{}/{}", textAt(row, "instance"), textAt(row, "parameter")));
  }
  session.output.list(table, rows, names);
  if (session.output.forPeople()) {
    if (rows.empty()) session.output.note("no instance has a secret parameter");
    if (const std::string trouble = textAt(*answer, "trouble"); !trouble.empty()) session.output.note(trouble);
    session.output.note(fmt::format("keys in {}: keep a copy of it apart from the backup", textAt(*answer, "keyFile")));
  }
  return Exit::Done;
}

Exit rotate(Session& session, const Arguments&) {
  const auto answer = session.api.send("POST", Target{"/secrets/rotate"}, Json::object());
  if (!answer) return session.fail(answer.error());
  const Json& failed = memberAt(*answer, "failed");
  if (session.output.forPeople()) {
    session.output.line(fmt::format(
        "{} seals from now on; {} encrypted anew, {} kept", printable(textAt(*answer, "keyId")),
        counted(numberAt(*answer, "instancesCount"), "instance"), counted(memberAt(*answer, "keyIds").size(), "key")));
    session.output.note("copy the key file again: an older copy does not open what is sealed now");
  } else {
    session.output.value(*answer, textAt(*answer, "keyId"));
  }
  for (const Json& file : memberAt(*answer, "filesToWrite")) {
    session.output.note(
        fmt::format("{} names a secret of {} under an older key, which stays; write it anew with "
                    "\"longhaul secret encrypt\"",
                    textAt(file, "source"), textAt(file, "instance")));
  }
  for (const Json& key : memberAt(*answer, "printedKeys")) {
    session.output.note(
        fmt::format("the key {} stays until {}: references that \"longhaul secret encrypt\" printed want it",
                    textAt(key, "keyId"), localTime(timeAt(key, "until"))));
  }
  for (const Json& each : failed) {
    session.output.error({Code::Internal, fmt::format("{}: {}", textAt(each, "instance"), textAt(each, "detail"))});
  }
  return failed.empty() ? Exit::Done : Exit::Error;
}

}  // namespace

std::vector<Verb> secretVerbs() {
  const std::vector<OperandSpec> operands{{.name = "NAME"}, {.name = "PARAMETER"}, {.name = "SECRET"}};
  Verb set_verb{.name = "secret set",
                .group = Group::Use,
                .summary = "gives an instance a secret, which comes on stdin: -",
                .operands = {{.name = "NAME"}, {.name = "PARAMETER"}, {.name = "SECRET", .required = false}},
                .options = waitOptions(),
                .details =
                    "It is encrypted before it is stored, and is never shown again. Of an instance that a file "
                    "manages \"secret encrypt\" prints what to write into that file.",
                .run = set};
  set_verb.options.insert(set_verb.options.begin(), {.flags = "--unset", .help = "takes the secret out instead"});
  return {{.name = "secret list",
           .group = Group::Use,
           .summary = "lists the secret parameters and where each has its value from",
           .operands = {{.name = "NAME", .required = false}},
           .options = {},
           .details = {},
           .run = list},
          std::move(set_verb),
          {.name = "secret encrypt",
           .group = Group::Use,
           .summary = "prints a secret, which comes on stdin (-), as a reference for an instance's file",
           .operands = operands,
           .options = {},
           .details = "The reference opens for this instance and this parameter alone, on this host.",
           .run = encrypt},
          {.name = "secret rotate",
           .group = Group::Use,
           .summary = "makes a new key and encrypts the stored secrets with it; nothing is started anew",
           .operands = {},
           .options = {},
           .details = {},
           .run = rotate}};
}

}  // namespace longhaul::host::cli
