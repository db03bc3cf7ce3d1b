// What became of several acts: a line each for people, a value each for programs, and one exit code for all.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "host/cli/session.h"
#include "host/cli/waiting.h"

namespace longhaul::host::cli {

class Results {
 public:
  Results(Session& session, std::string_view verb) : session_(session), verb_(verb) {}

  // Done, with a sentence for people ("is disabled").
  void done(const std::string& name, const std::string& sentence, Json details);
  void failed(const std::string& name, const Error& error) { failed(name, error, exitOf(error.code)); }
  // Where what failed was not the asking: its code says what was found, and the exit code is the verb's own.
  void failed(const std::string& name, const Error& error, Exit exit);
  // Waits, and says what came of it. `changed` false: it was so already.
  void await(const WaitFor& what, bool changed, std::chrono::steady_clock::time_point deadline,
             std::chrono::milliseconds timeout);

  // Each act's value so far: {"name", "verb", "ok", …}.
  const Json& values() const { return values_; }
  // Prints the values in the formats for programs. The code is the one of the failures if they agree, else 1.
  Exit finish();
  Exit exit() const { return exit_; }

 private:
  void note(Exit exit);

  Session& session_;
  std::string verb_;
  Json values_ = Json::array();
  std::vector<std::string> names_;
  Exit exit_ = Exit::Done;
};

}  // namespace longhaul::host::cli
