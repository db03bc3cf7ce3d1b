// Which way the entries of a mirrored incident go.

#include <fmt/format.h>

#include "host/services/areas.h"
#include "host/store/write_checks.h"

namespace longhaul::host::services {

std::string_view mirrorTypeName(store::MirrorType type) {
  switch (type) {
    case store::MirrorType::None:
      return "none";
    case store::MirrorType::All:
      return "all";
    case store::MirrorType::Chat:
      return "chat";
  }
  return "none";
}

std::string_view mirrorDirectionName(store::MirrorDirection direction) {
  switch (direction) {
    case store::MirrorDirection::Both:
      return "both";
    case store::MirrorDirection::FromDemisto:
      return "FromDemisto";
    case store::MirrorDirection::ToDemisto:
      return "ToDemisto";
  }
  return "both";
}

Result<store::SetMirror> readMirror(const protocol::MirrorInvestigation& call) {
  const auto incident = readIncidentId(call.incident_id);
  if (!incident) return incident.error();
  const std::size_t colon = call.mirror_type.find(':');
  const std::string type = store::foldEmail(call.mirror_type.substr(0, colon));
  const std::string direction =
      colon == std::string_view::npos ? "both" : store::foldEmail(call.mirror_type.substr(colon + 1));
  store::SetMirror mirror{*incident, {}, {}, call.auto_close != 0};
  bool known = false;
  for (const auto each : {store::MirrorType::None, store::MirrorType::All, store::MirrorType::Chat}) {
    if (type == mirrorTypeName(each)) {
      mirror.type = each;
      known = true;
    }
  }
  bool directed = false;
  for (const auto each :
       {store::MirrorDirection::Both, store::MirrorDirection::FromDemisto, store::MirrorDirection::ToDemisto}) {
    if (direction == store::foldEmail(mirrorDirectionName(each))) {
      mirror.direction = each;
      directed = true;
    }
  }
  if (known && directed) return mirror;
  return Error{Code::Invalid,
               fmt::format("mirror type: found \"{}\", wanted all, chat or none, then :both, :FromDemisto or "
                           ":ToDemisto",
                           call.mirror_type.substr(0, 40))};
}

}  // namespace longhaul::host::services
