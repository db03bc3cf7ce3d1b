// The JSON form of instances (docs/API.md). A secret is never in it: parameters of which the manifest does not say that
// they are none show references and nothing else. Pure; any thread.
#pragma once

#include <string_view>

#include "host/base/json.h"
#include "host/catalog/manifest.h"
#include "host/sandbox/layers.h"
#include "host/store/values.h"
#include "host/supervisor/instance_view.h"

namespace longhaul::host::admin {

// [{"layer", "status", "detail"?}]
Json toJson(const std::vector<sandbox::LayerState>& layers);

Json toJson(const store::Health& health);

// As rows of lists have it: without configuration and grants.
Json toJson(const supervisor::InstanceView& view);
// With them. `manifest`: of the instance's plugin; null: unknown, then every text may be a secret.
Json toFullJson(const supervisor::InstanceView& view, const catalog::Manifest* manifest);

// The record's configuration as it may be shown.
Json shownConfig(std::string_view config, const catalog::Manifest* manifest);

}  // namespace longhaul::host::admin
