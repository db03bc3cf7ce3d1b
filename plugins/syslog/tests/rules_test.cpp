// Which line becomes which incident, and what is said about rules that cannot be read.
#include "rules.h"

#include <catch2/catch.hpp>
#include <string>

#include "incident.h"
#include "longhaul/sdk/detail/json_object.hpp"
#include "settings.h"
#include "settings_error.h"

using namespace syslog_plugin;

namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

Settings settingsOf(const Values& values) {
  return readSettings([&](std::string_view name) -> std::optional<std::string> {
    for (const auto& [key, value] : values) {
      if (key == name) return value;
    }
    return std::nullopt;
  });
}

std::string errorOf(const Values& values) {
  try {
    settingsOf(values);
  } catch (const SettingsError& error) {
    return error.what();
  }
  return "no error";
}

Line lineOf(std::string_view raw) {
  Line line;
  line.raw = raw;
  line.message = parseMessage(raw);
  line.source = "192.0.2.7";
  line.transport = "tcp";
  line.received_us = 1'767'225'600'000'000;  // 2026-01-01
  return line;
}

// The incident's name, or "-" where there is none.
std::string nameOf(const Settings& settings, std::string_view raw) {
  const Line line = lineOf(raw);
  Captures captures{};
  const Rule* rule = settings.rules.find(line, captures);
  return rule == nullptr ? "-" : rule->title.render(line, captures, kNameBytesMax);
}

std::string member(const std::string& object, std::string_view key) {
  std::vector<longhaul::detail::JsonMember> members;
  REQUIRE(longhaul::detail::splitJsonObject(object, members));
  for (const auto& one : members) {
    std::string text;
    if (one.key == key) return longhaul::detail::decodeJsonString(one.value, text) ? text : std::string(one.value);
  }
  return "absent";
}

std::string incidentOf(const Settings& settings, const Line& line) {
  Captures captures{};
  const Rule* rule = settings.rules.find(line, captures);
  REQUIRE(rule != nullptr);
  std::string out;
  appendIncident(out, line, *rule, captures, settings.zone);
  REQUIRE(longhaul::detail::checkJson(out));
  return out;
}

}  // namespace

TEST_CASE("without rules the simple parameters decide") {
  struct Case {
    Values values;
    std::string line;
    std::string name;
  };
  const std::string err = "<11>Jan  1 00:00:00 h app: text 42";
  const std::string info = "<14>Jan  1 00:00:00 h app: text 42";
  const auto one = GENERATE_COPY(values<Case>({
      {{}, err, "h app: text 42"},
      {{}, info, "-"},
      {{}, "no PRI at all", "-"},
      {{{"minSeverity", "notice"}}, "no PRI at all", "192.0.2.7 syslog: no PRI at all"},
      {{{"minSeverity", "debug"}}, info, "h app: text 42"},
      {{{"minSeverity", "crit"}}, err, "-"},
      {{{"facilities", "auth, user"}}, err, "h app: text 42"},
      {{{"facilities", R"(["auth","user"])"}}, err, "h app: text 42"},
      {{{"facilities", "[]"}}, err, "h app: text 42"},
      {{{"facilities", "auth"}}, err, "-"},
      {{{"match", "text [0-9]+"}}, err, "h app: text 42"},
      {{{"match", "^text$"}}, err, "-"},
      {{{"match", "(?i)TEXT"}}, err, "h app: text 42"},
      {{{"match", R"(\w+ (\d+))"}, {"nameTemplate", "{1} of {severity} in {{{facility}}}"}},
       err,
       "42 of err in {user}"},
      {{{"nameTemplate", "{procid|none}/{msgid}/{source}"}}, err, "none/-/192.0.2.7"},
  }));
  INFO(one.line << " " << (one.values.empty() ? "" : one.values[0].second));
  CHECK(nameOf(settingsOf(one.values), one.line) == one.name);
}

TEST_CASE("the first rule that fits decides") {
  const Settings settings = settingsOf({{"incidentType", "Default"}, {"rules", R"(
# comments and blank lines are nothing

ignore Cron
  app: CRON, ana*
incident Failed login
  facility: auth, authpriv
  severity: notice
  match: Failed password for (\w+) from ([0-9.]+)
  name: {1} from {2}
  type: Access
  level: 4
  label team: security
  label who: {1}
incident Chatter
  severity: notice..info
  host: edge-*
  name: chatter: {message}
incident
  severity: err
)"}});
  CHECK(nameOf(settings, "<3>Jan  1 00:00:00 h CRON[1]: x") == "-");
  CHECK(nameOf(settings, "<3>Jan  1 00:00:00 h anacron: x") == "-");
  const std::string failed = "<37>Jan  1 00:00:00 edge-1 sshd[1]: Failed password for bob from 10.0.0.1 port 22";
  CHECK(nameOf(settings, failed) == "bob from 10.0.0.1");
  CHECK(nameOf(settings, "<38>Jan  1 00:00:00 edge-1 sshd[1]: Failed password for bob from 10.0.0.1") ==
        "chatter: Failed password for bob from 10.0.0.1");
  CHECK(nameOf(settings, "<15>Jan  1 00:00:00 edge-1 a: debug") == "-");
  CHECK(nameOf(settings, "<12>Jan  1 00:00:00 edge-1 a: warning") == "-");
  CHECK(nameOf(settings, "<13>Jan  1 00:00:00 core-1 a: x") == "-");
  CHECK(nameOf(settings, "<11>Jan  1 00:00:00 core-1 a: x") == "core-1 a: x");

  const std::string incident = incidentOf(settings, lineOf(failed));
  CHECK(member(incident, "type") == "Access");
  CHECK(member(incident, "severity") == "4");
  const std::string labels = member(incident, "labels");
  CHECK(labels.find(R"({"type":"team","value":"security"})") != std::string::npos);
  CHECK(labels.find(R"({"type":"who","value":"bob"})") != std::string::npos);
  CHECK(labels.find(R"({"type":"rule","value":"Failed login"})") != std::string::npos);
  CHECK(member(incidentOf(settings, lineOf("<11>Jan  1 00:00:00 core-1 a: x")), "type") == "Default");
}

TEST_CASE("an incident holds the line and its fields") {
  const Settings settings = settingsOf({{"minSeverity", "debug"}, {"timeZone", "UTC"}});
  SECTION("RFC 5424") {
    const std::string raw =
        "<34>1 2026-01-01T01:00:00+01:00 host su 77 ID47 [a@1 k=\"v\" ip=\"1\" ip=\"2\"] caf\xE9\x01!";
    const std::string incident = incidentOf(settings, lineOf(raw));
    CHECK(member(incident, "name") == "host su: caf\xEF\xBF\xBD !");
    CHECK(member(incident, "type") == "Syslog");
    CHECK(member(incident, "severity") == "4");
    CHECK(member(incident, "occurred") == "2026-01-01T00:00:00Z");
    CHECK(member(incident, "details") == "caf\xEF\xBF\xBD\x01!");
    const std::string labels = member(incident, "labels");
    for (const char* label : {R"({"type":"facility","value":"auth"})", R"({"type":"severity","value":"crit"})",
                              R"({"type":"hostname","value":"host"})", R"({"type":"app","value":"su"})",
                              R"({"type":"procid","value":"77"})", R"({"type":"msgid","value":"ID47"})",
                              R"({"type":"source","value":"192.0.2.7"})"}) {
      INFO(labels);
      CHECK(labels.find(label) != std::string::npos);
    }
    const std::string fields = member(incident, "rawJSON");
    CHECK(longhaul::detail::checkJson(fields));
    CHECK(member(fields, "format") == "RFC 5424");
    CHECK(member(fields, "priority") == "34");
    CHECK(member(fields, "timestamp") == "2026-01-01T00:00:00Z");
    CHECK(member(fields, "structuredData") == R"({"a@1":{"k":"v","ip":["1","2"]}})");
    CHECK(member(fields, "raw").find("<34>1 2026-01-01T01:00:00+01:00 host su 77 ID47 [a@1 k=\"v\"") == 0);
  }
  SECTION("a line in no form, cut") {
    Line line = lineOf("hello");
    line.truncated = true;
    const std::string incident = incidentOf(settings, line);
    CHECK(member(incident, "severity") == "0");
    CHECK(member(incident, "occurred") == "2026-01-01T00:00:00Z");
    CHECK(member(incident, "labels").find(R"({"type":"truncated","value":"true"})") != std::string::npos);
    CHECK(member(member(incident, "rawJSON"), "truncated") == "true");
    CHECK(member(member(incident, "rawJSON"), "priority") == "absent");
  }
  SECTION("a name has at most 200 bytes") {
    const std::string raw = "<13>Jan  1 00:00:00 h app: " + std::string(1000, 'x');
    CHECK(member(incidentOf(settings, lineOf(raw)), "name").size() == kNameBytesMax);
  }
  SECTION("a name that would be empty is the rule's") {
    const Settings bare = settingsOf({{"minSeverity", "debug"}, {"nameTemplate", "{message|}"}});
    CHECK(member(incidentOf(bare, lineOf("<13>")), "name") == "default");
  }
}

TEST_CASE("an expression cannot hang or overflow on a stranger's text") {
  // Each of these takes a backtracking matcher longer than anyone waits, or the stack of a recursive one.
  const std::string a(1u << 20, 'a');
  Captures captures{};
  for (const char* text : {"(a|aa)+$", "(a+a+)+y", ".*.*.*=.*", "(a*)*b", "((a|a)*)*c", "(.*)(.*)(.*)(.*)d"}) {
    INFO(text);
    const Pattern pattern(text);
    const bool found = pattern.find(a, nullptr);
    CHECK(pattern.find(a, &captures) == found);
    CHECK(found == (text == std::string("(a|aa)+$")));
  }
  // Only the beginning is searched, and a NUL ends nothing.
  const Pattern last("d$");
  CHECK(last.find(std::string_view("a\0b\0d", 5), nullptr));
  CHECK(last.find(std::string(Pattern::kSearchedBytesMax - 1, 'a') + "d", nullptr));
  CHECK_FALSE(last.find(std::string(Pattern::kSearchedBytesMax, 'a') + "d", nullptr));
}

TEST_CASE("what cannot be read is refused with place and remedy") {
  struct Case {
    Values values;
    std::string error;
  };
  const auto one = GENERATE(values<Case>({
      {{{"protocol", "upd"}}, "protocol is \"upd\"; did you mean \"udp\"?"},
      {{{"minSeverity", "eror"}}, "minSeverity: \"eror\" is no syslog severity; did you mean \"err\"?"},
      {{{"facilities", "auht"}}, "facilities: \"auht\" is no syslog facility; did you mean \"auth\"?"},
      {{{"facilities", "[1]"}}, "facilities is [1]; write a list of names"},
      {{{"match", "("}}, "match: the expression \"(\" is not valid: Unmatched ( or \\("},
      {{{"match", "(?:x)"}},
       "match: the expression \"(?:x)\" has \"(?\", which POSIX expressions do not know; write a plain group ( ), and "
       "(?i) only in front"},
      {{{"match", "[x"}}, "match: the expression \"[x\" has a \"[\" without its \"]\""},
      {{{"match", R"(\p)"}}, R"(match: the expression "\p" has "\p"; known are \d \D \w \W \s \S \b \B)"},
      {{{"nameTemplate", "{hots}"}},
       "nameTemplate: \"{hots}\" names no field, nor a group of the expression ({1} to {9}); it is one of hostname, "
       "app, "
       "procid, msgid, facility, severity, message, source"},
      {{{"nameTemplate", "{app"}},
       "nameTemplate: \"{app\" has a \"{\" without its other half; a brace itself is written {{"},
      {{{"nameTemplate", "{1}"}},
       "nameTemplate uses a group such as {1}, but match is empty; set match, or take {1} out"},
      {{{"timeZone", "Mars"}}, "timeZone is \"Mars\"; write local, UTC or a distance from UTC such as +02:00"},
      {{{"lineBytesMax", "1"}}, "lineBytesMax is \"1\"; write a whole number from 480 to 262144"},
      {{{"idempotencyKeys", "yes"}}, "idempotencyKeys is \"yes\"; write true or false"},
      {{{"rules", "incident\n"}, {"match", "x"}},
       "match has no effect beside rules, which decide alone: move it into a rule, or empty one of them"},
      {{{"rules", "# nothing"}},
       "rules: no rule in it; begin one with \"incident NAME\", or leave the parameter empty"},
      {{{"rules", "severity: err"}},
       "rules, line 1: \"severity:\" stands before the first rule; begin one with \"incident NAME\""},
      {{{"rules", "incident A\n\nincident B\n  severity: eror"}},
       "rules, line 4, rule 2 (B): \"eror\" is no syslog severity; did you mean \"err\"?"},
      {{{"rules", "incident A\n  mach: x"}},
       "rules, line 2, rule 1 (A): unknown key \"mach\"; did you mean \"match\"?"},
      {{{"rules", "incident A\n  match x"}},
       "rules, line 2, rule 1 (A): \"match x\" is neither \"incident NAME\" nor \"ignore NAME\" nor \"key: value\""},
      {{{"rules", "incident A\n  match: x\n  match: y"}},
       "rules, line 3, rule 1 (A): \"match:\" stands twice in this rule; keep one, or make two rules"},
      {{{"rules", "incident A\n  match:"}},
       "rules, line 2, rule 1 (A): \"match:\" has no value; give one, or take the line out"},
      {{{"rules", "incident A\n  level: 5"}},
       "rules, line 2, rule 1 (A): level \"5\" is no severity of an incident; write 0 (unknown), 0.5 (informational), "
       "1 "
       "(low), 2 (medium), 3 (high) or 4 (critical)"},
      {{{"rules", "ignore A\n  type: x"}},
       "rules, line 2, rule 1 (A): \"type:\" says how an incident looks, but this rule ignores its lines; take it out, "
       "or begin the rule with \"incident\""},
      {{{"rules", "incident A\n  name: {1}"}},
       "rules, rule 1 (A): it uses a group such as {1} but has no expression; add \"match:\", or take {1} out"},
      {{{"rules", "incident A\n  match: (a)\\1"}},
       "rules, line 2, rule 1 (A): the expression \"(a)\\1\" has the back-reference \"\\1\", which could take minutes "
       "on a "
       "stranger's text; write the words out"},
      {{{"rules", "incident A\n  match: [\\d]"}},
       "rules, line 2, rule 1 (A): the expression \"[\\d]\" has \"\\d\" inside []; there a backslash stands for "
       "itself: "
       "write a range as [0-9] or a class as [[:digit:]], [[:space:]], [[:alnum:]_]"},
  }));
  CHECK(errorOf(one.values) == one.error);
}
