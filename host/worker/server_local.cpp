// The slots that need no round trip: log, stop, facts, context and last run from the worker's copies.

#include <cerrno>
#include <cstring>

#include "host/worker/argument_check.h"
#include "host/worker/last_error.h"
#include "host/worker/server_table.h"

namespace longhaul::host::worker {
namespace {

using Server = const longhaul_server_t*;

longhaul_status_t notInWorker() {
  setLastError("the call was made in a forked child or after destroy: only the worker's own process is served");
  return LONGHAUL_NOT_IN_WORKER;
}

longhaul_status_t give(longhaul_sink_t* sink, std::string_view text) {
  if (sink != nullptr) sink->put(sink->self, longhaul_text_t{text.data(), text.size()});
  return LONGHAUL_OK;
}

longhaul_status_t lastError(Server, longhaul_sink_t* sink) {
  return give(sink, lastErrorText());
}

longhaul_status_t log(Server server, protocol::LogLevel level, longhaul_text_t text) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  if (text.data == nullptr) text = {"", 0};
  const longhaul_status_t status = session.log(level, {text.data, text.size});
  if (status == LONGHAUL_INVALID) setLastError("the line was not UTF-8; it was written with U+FFFD");
  if (status == LONGHAUL_BUSY) setLastError("the log ring is full; the line was dropped and counted");
  return status;
}

longhaul_status_t debug(Server server, longhaul_text_t text) {
  return log(server, protocol::LogLevel::Debug, text);
}

longhaul_status_t info(Server server, longhaul_text_t text) {
  return log(server, protocol::LogLevel::Info, text);
}

longhaul_status_t error(Server server, longhaul_text_t text) {
  return log(server, protocol::LogLevel::Error, text);
}

longhaul_status_t progress(Server server) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  session.ring.progress();
  return LONGHAUL_OK;
}

longhaul_status_t waitForStop(Server server, std::uint32_t timeout_ms) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  if (session.stop.waitFor(timeout_ms)) return LONGHAUL_OK;
  setLastError("waitForStop: not asked to stop yet");
  return LONGHAUL_TIMEOUT;
}

longhaul_status_t stopDescriptor(Server server, std::int32_t* out_fd) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"stopDescriptor"};
  check.notNull("out_fd", out_fd);
  if (check.status() != LONGHAUL_OK) return check.status();
  const int fd = session.stop.descriptor();
  if (fd < 0) {
    setLastError(std::string{"stopDescriptor: eventfd: "} + ::strerrordesc_np(errno));
    return LONGHAUL_INTERNAL;
  }
  *out_fd = fd;
  return LONGHAUL_OK;
}

longhaul_status_t ready(Server server) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  // Without signalsReady it is said when the loop is entered, not before.
  if (session.facts.signals_ready) session.sayReady();
  return LONGHAUL_OK;
}

longhaul_status_t extendTimeout(Server server, std::uint32_t timeout_ms) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  std::string payload;
  protocol::encode(protocol::Extend{timeout_ms}, payload);
  session.control.send(protocol::Kind::Extend, payload);
  return LONGHAUL_OK;
}

// The facts are one text each.
template <std::string Facts::*Member>
longhaul_status_t fact(Server server, longhaul_sink_t* sink) {
  Session& session = ServerTable::sessionOf(server);
  return session.isOpen() ? give(sink, session.facts.*Member) : notInWorker();
}

template <class Map>
std::string namesOf(const Map& map) {
  std::string names;
  for (const auto& each : map)
    names += (names.empty() ? "" : ", ") + each.first;
  return names.empty() ? "none" : names;
}

longhaul_status_t parameter(Server server, longhaul_text_t name, longhaul_sink_t* sink) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"parameter"};
  const std::string_view wanted = check.required("name", name, LONGHAUL_MESSAGE_BYTES_MAX);
  if (check.status() != LONGHAUL_OK) return check.status();
  const auto found = session.facts.parameters.find(wanted);
  if (found != session.facts.parameters.end()) return give(sink, found->second);
  setLastError("parameter: \"" + std::string{wanted} +
               "\" has no value; those that have one: " + namesOf(session.facts.parameters));
  return LONGHAUL_NOT_FOUND;
}

longhaul_status_t listener(Server server, longhaul_text_t name, std::int32_t* out_fd) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"listener"};
  const std::string_view wanted = check.required("name", name, LONGHAUL_MESSAGE_BYTES_MAX);
  check.notNull("out_fd", out_fd);
  if (check.status() != LONGHAUL_OK) return check.status();
  const auto found = session.facts.listeners.find(wanted);
  if (found == session.facts.listeners.end()) {
    setLastError("listener: there is no \"" + std::string{wanted} +
                 "\"; the manifest's listeners: " + namesOf(session.facts.listeners));
    return LONGHAUL_NOT_FOUND;
  }
  *out_fd = found->second;
  return LONGHAUL_OK;
}

longhaul_status_t getIntegrationContext(Server server, longhaul_sink_t* sink) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  return give(sink, session.context.read()->text);
}

longhaul_status_t getIntegrationContextVersioned(Server server, longhaul_sink_t* sink, std::int64_t* out_version) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"getIntegrationContextVersioned"};
  check.notNull("out_version", out_version);
  if (check.status() != LONGHAUL_OK) return check.status();
  const auto snapshot = session.context.read();
  *out_version = snapshot->version;
  return give(sink, snapshot->text);
}

longhaul_status_t getLastRun(Server server, longhaul_sink_t* sink) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  return give(sink, *session.last_run.read());
}

const void* getExtension(Server, longhaul_text_t id) {
  const std::string_view wanted{id.data != nullptr ? id.data : "", id.data != nullptr ? id.size : 0};
  return wanted == LONGHAUL_INDICATORS_ID ? &kIndicatorsTable : nullptr;
}

}  // namespace

ServerTable::ServerTable(Session& owner) : table{}, session(&owner) {
  table.struct_size = sizeof table;
  table.abi_version = LONGHAUL_ABI_VERSION;
  fillLocalSlots(table);
  fillCallSlots(table);
}

void fillLocalSlots(longhaul_server_t& table) {
  table.lastError = lastError;
  table.debug = debug;
  table.info = info;
  table.error = error;
  table.progress = progress;
  table.waitForStop = waitForStop;
  table.stopDescriptor = stopDescriptor;
  table.ready = ready;
  table.extendTimeout = extendTimeout;
  table.params = fact<&Facts::params>;
  table.parameter = parameter;
  table.integrationInstance = fact<&Facts::instance>;
  table.demistoVersion = fact<&Facts::version>;
  table.demistoUrls = fact<&Facts::urls>;
  table.getLicenseID = fact<&Facts::license_id>;
  table.listener = listener;
  table.getIntegrationContext = getIntegrationContext;
  table.getIntegrationContextVersioned = getIntegrationContextVersioned;
  table.getLastRun = getLastRun;
  table.getExtension = getExtension;
}

}  // namespace longhaul::host::worker
