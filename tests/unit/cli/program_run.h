// Runs the command line in this process, against a test server, with streams to look at.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "host/base/text.h"
#include "host/cli/plugin_verbs.h"
#include "host/cli/session.h"
#include "host/cli/verbs.h"
#include "tests/unit/cli/test_server.h"

namespace longhaul::host::cli {

struct Ran {
  Exit exit = Exit::Done;
  std::string out;
  std::string err;
};

struct Terminal {
  bool is_terminal = false;
  std::size_t columns = 0;
  std::map<std::string, std::string> variables{};
  std::string input{};
};

inline Ran runProgram(const Program& program, const std::vector<std::string>& words, const Terminal& terminal = {}) {
  std::istringstream in(terminal.input);
  std::ostringstream out;
  std::ostringstream err;
  config::Environment environment;
  environment.uid = 1000;
  environment.temporary_dir = "/nonexistent";
  environment.variable = [&](const char* name) -> std::optional<std::string> {
    const auto found = terminal.variables.find(name);
    return found == terminal.variables.end() ? std::nullopt : std::optional(found->second);
  };
  const Surroundings surroundings{.environment = environment,
                                  .in = in,
                                  .out = out,
                                  .err = err,
                                  .out_is_terminal = terminal.is_terminal,
                                  .err_is_terminal = terminal.is_terminal,
                                  .columns = terminal.columns,
                                  .programs_dir = "/nonexistent",
                                  .now_us = [] { return *parseTimeUs("2026-11-24T10:30:00Z"); }};
  const Exit exit = run(program, words, surroundings);
  return {exit, out.str(), err.str()};
}

inline Ran runLonghaul(const TestServer& server, std::vector<std::string> words, const Terminal& terminal = {}) {
  words.insert(words.begin(), {"--address", "unix:" + server.socket().native()});
  return runProgram({"longhaul", "runs plugins", longhaulVerbs()}, words, terminal);
}

// An instance as the API has it.
inline Json instanceJson(const std::string& name, const std::string& state = "running") {
  Json instance{{"id", "3"},
                {"name", name},
                {"plugin", "syslog"},
                {"enabled", true},
                {"owner", "api"},
                {"state", state},
                {"reason", "ready"},
                {"restartsCount", 2},
                {"warnings", Json::array()},
                {"listeners", Json::array()}};
  if (state == "running") {
    instance["current"] = {{"pid", 4712},
                           {"generation", 7},
                           {"startedAt", "2026-11-24T10:00:00.000000Z"},
                           {"readyAt", "2026-11-24T10:00:00.000000Z"},
                           {"version", "0.1.0"}};
    instance["health"] = {{"state", "healthy"}, {"text", "listening"}, {"at", "2026-11-24T10:29:00.000000Z"}};
  }
  return instance;
}

inline Json problemJson(int status, const std::string& code, const std::string& detail, const std::string& hint = {}) {
  Json problem{{"type", "about:blank"}, {"title", "X"}, {"status", status}, {"code", code}, {"detail", detail}};
  if (!hint.empty()) problem["hint"] = hint;
  return problem;
}

}  // namespace longhaul::host::cli
