// Prints the generated parts of docs/LIFECYCLE.md from the code and from the table that the tests walk
// (tests/tidy/printed_doc.h).
#include <string>

#include "host/lifecycle/watchdog.h"
#include "tests/tidy/printed_doc.h"
#include "tests/unit/lifecycle/machine_rows.h"
#include "tests/unit/lifecycle/machine_script.h"

using namespace longhaul::host::lifecycle;
using namespace longhaul::host::lifecycle::script;

namespace {

std::string cells() {
  std::string out = "| event |";
  std::string line = "| --- |";
  for (std::size_t p = 0; p < kPhaseCount; ++p) {
    out += fmt::format(" {} |", phaseName(static_cast<Phase>(p)));
    line += " --- |";
  }
  out += "\n" + line + "\n";
  for (std::size_t e = 0; e < kEventKindCount; ++e) {
    const auto event = static_cast<EventKind>(e);
    out += fmt::format("| {} |", eventKindName(event));
    for (std::size_t p = 0; p < kPhaseCount; ++p) {
      out += fmt::format(" {} |", InstanceMachine::cellText(event, static_cast<Phase>(p)));
    }
    out += "\n";
  }
  return out;
}

std::string watchdog() {
  std::string out = "| look | 0 missed | 1 missed | 2 missed |\n| --- | --- | --- | --- |\n";
  for (std::size_t kind = 0; kind < kLookKindCount; ++kind) {
    out += fmt::format("| {} |", lookKindName(static_cast<LookKind>(kind)));
    for (std::size_t missed = 0; missed < kWatchdogStates; ++missed) {
      out += fmt::format(" {} |", watchdogCell(static_cast<LookKind>(kind), missed).text);
    }
    out += "\n";
  }
  return out;
}

std::string rows() {
  std::string out;
  for (std::size_t p = 0; p < kPhaseCount; ++p) {
    const auto phase = static_cast<Phase>(p);
    out += fmt::format("### {}\n\n| situation | event | actions → phase |\n| --- | --- | --- |\n", phaseName(phase));
    std::string last;
    for (const Row& row : kRows) {
      if (row.phase != phase) continue;
      const std::string word(row.word);
      const auto colon = word.find(':');
      std::string event(eventKindName(Play::kindOf(word)));
      if (colon != std::string::npos) event += " (" + word.substr(colon + 1) + ")";
      std::string expect(row.expect);
      expect.replace(expect.find("-> "), 3, "→ ");
      out += fmt::format("| {} | {} | {} |\n", last == row.situation ? "" : row.situation, event, expect);
      last = row.situation;
    }
    out += "\n";
  }
  out.pop_back();
  return out;
}

std::string schedule() {
  return "```\n" + printSchedule({}) + "```\n";
}

std::string classes() {
  std::string out;
  for (std::size_t i = 0; i < kExitClassCount; ++i) {
    out += fmt::format("{}`{}`", i == 0 ? "" : ", ", exitClassName(static_cast<ExitClass>(i)));
  }
  return out + ".\n";
}

std::string states() {
  std::string out;
  for (std::size_t i = 0; i < kPublicStateCount; ++i) {
    out += fmt::format("{}`{}`", i == 0 ? "" : ", ", publicStateName(static_cast<PublicState>(i)));
  }
  return out + ".\n";
}

}  // namespace

int main(int argc, char** argv) {
  return longhaul::host::test::printDoc(argc, argv, "lifecycle_doc",
                                        {{"states", states()},
                                         {"exit classes", classes()},
                                         {"schedule", schedule()},
                                         {"watchdog", watchdog()},
                                         {"cells", cells()},
                                         {"rows", rows()}});
}
