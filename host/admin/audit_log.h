// The acts of operators on their way into the store: an act is answered when its record is durable. Loop only; borrows
// the store's executor and the stream of events.
#pragma once

#include <functional>
#include <string>

#include "host/admin/event_stream.h"
#include "host/base/role.h"
#include "host/store/store_executor.h"

namespace longhaul::host::admin {

// Who asks, as far as it is known.
struct Caller {
  std::string name;  // a user's name, else the login or "uid 1000"
  Role role = Role::Read;
};

struct Audited {
  std::string act;     // "instances.disable"
  std::string target;  // "edge-syslog"; empty: none
  Json detail = Json::object();
  std::string outcome;  // "done", or what the failure said
};

class AuditLog {
 public:
  AuditLog(store::StoreExecutor& executor, EventStream& events) : executor_(executor), events_(events) {}

  // `done` runs on the loop when the record is durable, or could not be written.
  void add(const Caller& caller, Audited audited, std::function<void(Result<void>)> done);

 private:
  store::StoreExecutor& executor_;
  EventStream& events_;
};

}  // namespace longhaul::host::admin
