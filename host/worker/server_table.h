// The table that the plugin calls: each slot of longhaul/server.h, on top of the session. The slots are functions of C:
// they find their session behind the table that they are given.
#pragma once

#include "host/worker/session.h"
#include "longhaul/indicators.h"
#include "longhaul/server.h"
#include "longhaul/version.h"

namespace longhaul::host::worker {

struct ServerTable {
  explicit ServerTable(Session& owner);

  longhaul_server_t table;  // first: a pointer to it is a pointer to all
  Session* session;

  static Session& sessionOf(const longhaul_server_t* server) {
    return *reinterpret_cast<const ServerTable*>(server)->session;
  }
};

// The optional side longhaul.indicators/1. Its functions take the server's table, as all do.
extern const longhaul_indicators_t kIndicatorsTable;

// No slot: writes what longhaul.migrate gave in place of the context of this version. On a failure lastErrorText() has
// the sentence. CONFLICT: an operator has written it meanwhile.
longhaul_status_t writeMigrated(Session& session, std::string_view object, std::int64_t version);

// Fill their part of the table.
void fillLocalSlots(longhaul_server_t& table);  // answered in the worker
void fillCallSlots(longhaul_server_t& table);   // answered by the host

}  // namespace longhaul::host::worker
