// Prints the tables of docs/EXPLAIN.md from the closed lists of reasons (tests/tidy/printed_doc.h).
#include <fmt/format.h>

#include "host/catalog/file_reason.h"
#include "host/config/folder_reason.h"
#include "host/lifecycle/reason.h"
#include "tests/tidy/printed_doc.h"

using namespace longhaul::host;

namespace {

std::string orDash(std::string_view text) {
  return std::string(text.empty() ? "—" : text);
}

std::string instances() {
  std::string out = "| code | run state | it means | what changes it | next try |\n| --- | --- | --- | --- | --- |\n";
  for (std::size_t i = 0; i < lifecycle::kReasonCount; ++i) {
    const auto& row = lifecycle::rowOf(static_cast<lifecycle::Reason>(i));
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", row.name, row.states, row.means,
                       orDash(lifecycle::remedyOf(row.reason, "NAME")), orDash(toText(row.next)));
  }
  return out;
}

std::string pluginFiles() {
  std::string out = "| code | state | it means | what changes it | next try |\n| --- | --- | --- | --- | --- |\n";
  for (std::size_t i = 0; i < catalog::kFileReasonCount; ++i) {
    const auto& row = catalog::rowOf(static_cast<catalog::FileReason>(i));
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", row.name, row.state, row.means, row.remedy, toText(row.next));
  }
  return out;
}

std::string instanceFiles() {
  std::string out = "| code | it means | what changes it | next try |\n| --- | --- | --- | --- |\n";
  for (std::size_t i = 0; i < config::kFolderReasonCount; ++i) {
    const auto& row = config::rowOf(static_cast<config::FolderReason>(i));
    out += fmt::format("| `{}` | {} | {} | {} |\n", row.name, row.means, orDash(row.remedy), orDash(row.next));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  return test::printDoc(argc, argv, "explain_doc",
                        {{"instances", instances()},
                         {"plugin files", pluginFiles()},
                         {"files of the instances folder", instanceFiles()}});
}
