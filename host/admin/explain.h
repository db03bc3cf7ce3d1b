// Why something is as it is, for people and as JSON: an instance, a file of the instances folder, a plugin file. Made
// from values that others keep. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/release_service.h"
#include "host/admin/route_view.h"
#include "host/base/json.h"
#include "host/catalog/plugin_index.h"
#include "host/config/plan.h"
#include "host/supervisor/instance_view.h"

namespace longhaul::host::admin {

struct Explanation {
  std::string target{};
  std::string kind{};  // "instance", "file", "plugin"
  std::string state{};
  std::string code{};  // of the closed lists (docs/EXPLAIN.md); empty: there is nothing to explain
  std::string reason{}, remedy{};
  std::string next{};       // when it is next tried
  std::string file_code{};  // of an instance whose plugin's file is refused
  std::string held_back{};  // why what is newer than what runs does not run
  std::vector<config::Problem> problems{};
  std::string text{};
};
Json toJson(const Explanation& explanation);

// `folder`: the last plan made from the instances folder, whose problems of this instance's file are shown.
Explanation explainInstance(const supervisor::InstanceView& view, const config::Plan& folder,
                            const std::vector<catalog::PluginView>& plugins, std::int64_t now_us,
                            const std::optional<RouteView>& route = {});
// Every instance that the plan took from this file, with the file's problems.
Explanation explainFile(const std::string& file, const config::Plan& folder);
// `standing`: of a file that counts, what its release is to its plugin.
Explanation explainPlugin(const catalog::PluginView& plugin, const std::vector<std::string>& instances,
                          const std::optional<ReleaseService::Standing>& standing = {});

// Whether `target` means this file: its whole path, or its last part.
bool meansFile(std::string_view target, std::string_view file);

}  // namespace longhaul::host::admin
