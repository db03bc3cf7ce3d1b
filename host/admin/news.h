// Makes events of what the supervisor, the store, the catalog and the plans report: it keeps what an instance last
// looked like and says only what changed of it. Loop only; borrows all it is given.
#pragma once

#include <map>
#include <string>

#include "host/admin/event_stream.h"
#include "host/admin/plan_runner.h"
#include "host/catalog/plugin_file.h"
#include "host/store/values.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::admin {

class News {
 public:
  News(EventStream& events, const supervisor::Supervisor& supervisor) : events_(events), supervisor_(supervisor) {}

  // Something of this instance changed, or it is gone.
  void changed(InstanceId id);
  // A write is durable.
  void written(const store::Write& write, const store::WriteValue& value);
  void pluginActive(const catalog::PluginFile& file);
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
  };
  std::string nameOf(InstanceId id) const;

  EventStream& events_;
  const supervisor::Supervisor& supervisor_;
  std::map<InstanceId, Seen> seen_;
};

}  // namespace longhaul::host::admin
