// What `explain` says of files: plugin files that do not count, or whose release does not run, and files of the
// instances folder. Each row of their lists, too.
#include "host/admin/explain.h"

#include <catch2/catch.hpp>
#include <string>

#include "host/catalog/file_reason.h"
#include "host/config/folder_reason.h"
#include "host/lifecycle/reason.h"

using namespace longhaul::host;
using namespace longhaul::host::admin;
using lifecycle::Reason;

TEST_CASE("a plugin file that does not count is explained with its code, the remedy and when it is looked at again") {
  for (std::size_t i = 0; i < catalog::kFileReasonCount; ++i) {
    const catalog::FileReasonRow& row = catalog::rowOf(static_cast<catalog::FileReason>(i));
    CAPTURE(row.name);
    catalog::PluginView view;
    view.path = "/p/x.so";
    view.state = catalog::PluginState::Refused;
    view.code = row.reason;
    view.reason = "what was found";
    const Explanation told = explainPlugin(view, {});
    CHECK(toJson(told)["code"] == row.name);
    CHECK(toJson(told)["next"] == toText(row.next));
    CHECK_THAT(told.text, Catch::Contains("what was found") && Catch::Contains(std::string(row.remedy)) &&
                              Catch::Contains(std::string(toText(row.next))));
  }
}

TEST_CASE("a plugin file whose release instances do not run is explained with why, and what to do") {
  catalog::PluginView view;
  view.path = "/p/x.so";
  view.state = catalog::PluginState::Active;
  for (const Reason reason : {Reason::ReleaseBad, Reason::WaitsForCanary}) {
    const lifecycle::ReasonRow& row = lifecycle::rowOf(reason);
    const Explanation told =
        explainPlugin(view, {}, ReleaseService::Standing{.state = "its state", .reason = "why not", .code = reason});
    CHECK(toJson(told)["code"] == row.name);
    CHECK(toJson(told)["reason"] == "why not");
    CHECK_THAT(told.text, Catch::StartsWith("/p/x.so is active: why not\n") && Catch::Contains("its state") &&
                              Catch::Contains(std::string(row.remedy)) && Catch::Contains(std::string(row.name)));
  }
  const Explanation runs = explainPlugin(view, {}, ReleaseService::Standing{.state = "stable"});
  CHECK_THAT(runs.text, Catch::StartsWith("/p/x.so is active\n") && Catch::Contains("stable"));
  CHECK(runs.code.empty());
}

TEST_CASE("a file of the instances folder is explained with what keeps it from being done") {
  config::Plan plan;
  plan.instances.push_back({.name = "front", .plugin = "door", .source = "/i/edge.yaml"});
  for (std::size_t i = 0; i < config::kFolderReasonCount; ++i) {
    const config::FolderReasonRow& row = config::rowOf(static_cast<config::FolderReason>(i));
    CAPTURE(row.name);
    config::Plan now = plan;
    if (row.reason == config::FolderReason::Faults) {
      now.problems.push_back({.file = "/i/edge.yaml", .place = {7, 5}, .message = "found \"x\", wanted a number"});
    }
    if (row.reason == config::FolderReason::WaitsForYes) {
      now.needs_yes = true;
      now.needs_yes_reason = "3 of 4 instances would be disabled";
    }
    const Explanation told = explainFile("/i/edge.yaml", now);
    CHECK(toJson(told)["code"] == row.name);
    CHECK(told.remedy == row.remedy);
    CHECK(told.next == row.next);
    CHECK_THAT(told.text, Catch::Contains(std::string(row.remedy)));
  }
}
