// Makes events of what the supervisor, the store, the catalog and the plans report: it keeps what an instance last
// looked like and says only what changed of it. What a plugin asked for without a grant is also kept in the audit, once
// a kind. Loop only; borrows all it is given.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "host/admin/audit_log.h"
#include "host/admin/event_stream.h"
#include "host/admin/plan_runner.h"
#include "host/catalog/plugin_file.h"
#include "host/store/values.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::admin {

class News {
 public:
  News(EventStream& events, AuditLog& audit, const supervisor::Supervisor& supervisor)
      : events_(events), audit_(audit), supervisor_(supervisor) {}

  // Something of this instance changed, or it is gone.
  void changed(InstanceId id);
  // A write is durable.
  void written(const store::Write& write, const store::WriteValue& value);
  void pluginActive(const catalog::PluginFile& file);
  // Also kept in the audit: releases act in nobody's name.
  void released(const supervisor::ReleaseNews& news);
  void pluginRefused(const std::string& path, const std::string& reason);
  void planned(const PlanOutcome& outcome);

 private:
  struct Seen {
    std::string name;
    std::string state;
    std::string reason;
    std::int64_t generation = 0;
    std::int32_t pid = 0;
    std::string health_state;
    std::string health_text;
    std::set<std::string> denied;
  };
  std::string nameOf(InstanceId id) const;
  // Nothing: it is gone. By its name: a list of all for each change would be a thousand views for each of a thousand.
  std::optional<supervisor::InstanceView> viewOf(InstanceId id);

  void deniedAnew(const supervisor::InstanceView& view, const supervisor::DeniedView& denied);

  EventStream& events_;
  AuditLog& audit_;
  const supervisor::Supervisor& supervisor_;
  std::map<InstanceId, Seen> seen_;
  std::map<InstanceId, std::string> names_;  // of all; anew when one is not in it
};

}  // namespace longhaul::host::admin
