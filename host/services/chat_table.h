// Lists as chats show them: the fenced tables that XSOAR's chat modules take apart, to the letter. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "host/store/values.h"

namespace longhaul::host::services {

std::string incidentTable(const std::vector<store::Incident>& incidents);

struct Task {
  store::Entitlement question;
  std::string incident_name;
};
std::string taskTable(const std::vector<Task>& tasks);

// "2026-11-24 03:22:02"; 0: "0001-01-01 00:00:00", which is XSOAR's for none.
std::string chatTime(std::int64_t wall_us);
// There is no page to open yet: a path alone.
std::string warRoomLink(IncidentId incident);

}  // namespace longhaul::host::services
