// The slots that the host answers: check, encode, exchange on a leased socket, apply what the reply says to the copies,
// hand the result to the sink. One thread from begin to end.

#include <cstddef>

#include "host/base/result.h"
#include "host/worker/argument_check.h"
#include "host/worker/last_error.h"
#include "host/worker/server_table.h"

namespace longhaul::host::worker {
namespace {

using protocol::Method;
using Server = const longhaul_server_t*;

// The numbers on the wire are the places in the table.
template <Method kMethod, std::size_t kOffset>
constexpr bool kIsSlot = (kOffset - 2 * sizeof(std::uint32_t)) / sizeof(void (*)()) ==
                         static_cast<std::size_t>(kMethod);
#define LONGHAUL_SAME_SLOT(name) static_assert(kIsSlot<Method::name, offsetof(longhaul_server_t, name)>)
LONGHAUL_SAME_SLOT(createIncidents);
LONGHAUL_SAME_SLOT(addEntry);
LONGHAUL_SAME_SLOT(updateModuleHealth);
LONGHAUL_SAME_SLOT(setIntegrationContext);
LONGHAUL_SAME_SLOT(patchIntegrationContext);
LONGHAUL_SAME_SLOT(mergeIntegrationContext);
LONGHAUL_SAME_SLOT(setLastRun);
LONGHAUL_SAME_SLOT(commit);
LONGHAUL_SAME_SLOT(findUser);
LONGHAUL_SAME_SLOT(handleEntitlementForUser);
LONGHAUL_SAME_SLOT(mirrorInvestigation);
LONGHAUL_SAME_SLOT(directMessage);
#undef LONGHAUL_SAME_SLOT

// The codes of the host and the limits that it promises to plugins are the header's.
#define LONGHAUL_SAME_CODE(code, status) static_assert(static_cast<std::int32_t>(Code::code) == LONGHAUL_##status)
LONGHAUL_SAME_CODE(Invalid, INVALID);
LONGHAUL_SAME_CODE(NotFound, NOT_FOUND);
LONGHAUL_SAME_CODE(TooLarge, TOO_LARGE);
LONGHAUL_SAME_CODE(NotGranted, NOT_GRANTED);
LONGHAUL_SAME_CODE(Conflict, CONFLICT);
LONGHAUL_SAME_CODE(Mismatch, MISMATCH);
LONGHAUL_SAME_CODE(Busy, BUSY);
LONGHAUL_SAME_CODE(StoreFull, STORE_FULL);
LONGHAUL_SAME_CODE(Timeout, TIMEOUT);
LONGHAUL_SAME_CODE(Fenced, FENCED);
LONGHAUL_SAME_CODE(NotInWorker, NOT_IN_WORKER);
LONGHAUL_SAME_CODE(Closed, CLOSED);
LONGHAUL_SAME_CODE(Absent, ABSENT);
LONGHAUL_SAME_CODE(Internal, INTERNAL);
LONGHAUL_SAME_CODE(AlreadyAnswered, ALREADY_ANSWERED);
#undef LONGHAUL_SAME_CODE
static_assert(kJsonDepthMax == LONGHAUL_JSON_DEPTH_MAX && kMessageBytesMax == LONGHAUL_MESSAGE_BYTES_MAX &&
              kEntryBytesMax == LONGHAUL_ENTRY_BYTES_MAX && kIncidentsPerCallMax == LONGHAUL_INCIDENTS_PER_CALL_MAX &&
              kContextValueBytesMax == LONGHAUL_CONTEXT_VALUE_BYTES_MAX &&
              kContextBytesMax == LONGHAUL_CONTEXT_BYTES_MAX && kLastRunBytesMax == LONGHAUL_LAST_RUN_BYTES_MAX &&
              kIdempotencyKeyBytesMax == LONGHAUL_IDEMPOTENCY_KEY_BYTES_MAX &&
              kLogLineBytesMax == LONGHAUL_LOG_LINE_BYTES_MAX &&
              kHealthTextBytesMax == LONGHAUL_HEALTH_TEXT_BYTES_MAX &&
              kErrorTextBytesMax == LONGHAUL_ERROR_TEXT_BYTES_MAX && kManifestBytesMax == LONGHAUL_MANIFEST_BYTES_MAX);

constexpr std::size_t kAnySize = LONGHAUL_MESSAGE_BYTES_MAX;

longhaul_status_t failed(longhaul_status_t status, std::string_view text) {
  setLastError(text);
  return status;
}

// A reply with status < 0 carries the error's text and nothing else.
longhaul_status_t takeReply(Session& session, const protocol::Message& message, longhaul_sink_t* sink,
                            std::int64_t* out_version) {
  if (message.frame.status < 0) return failed(message.frame.status, message.payload);
  protocol::Reply reply;
  if (!protocol::decode(message.payload, reply)) {
    session.fail(protocol::Stage::Protocol, LONGHAUL_INTERNAL, "a reply that cannot be decoded");
  }
  session.applyReply(reply);
  if (out_version != nullptr) {
    *out_version = reply.context_version != 0 ? reply.context_version : session.context.version();
  }
  if (sink != nullptr) sink->put(sink->self, longhaul_text_t{reply.result.data(), reply.result.size()});
  return message.frame.status;
}

template <class Arguments>
longhaul_status_t call(Session& session, Method method, const Arguments& arguments, longhaul_sink_t* sink,
                       std::int64_t* out_version = nullptr) {
  auto lease = session.calls.acquire();
  if (!lease) return failed(LONGHAUL_BUSY, "no call socket became free; nothing was sent");
  protocol::encode(arguments, lease->beginPayload());
  if (!lease.takeBytes()) {
    lease.giveBack();
    return failed(LONGHAUL_BUSY, "calls under way have as many bytes as may be; nothing was sent");
  }
  const auto kind = static_cast<std::uint16_t>(static_cast<int>(protocol::Kind::Call) + static_cast<int>(method));
  switch (lease->exchange(kind, session.last_request_id.fetch_add(1, std::memory_order_relaxed) + 1)) {
    case CallSocket::Outcome::Replied: {
      lease.replied();  // before the sink, which the plugin may leave in other ways than by its end
      const longhaul_status_t status = takeReply(session, lease->reply(), sink, out_version);
      lease.giveBack();
      return status;
    }
    case CallSocket::Outcome::NotSent:
      return failed(LONGHAUL_TIMEOUT, "the host did not take the call; the outcome is unknown");
    case CallSocket::Outcome::NoReply:
      lease.giveUp();
      return failed(LONGHAUL_TIMEOUT, "the host did not answer; the outcome is unknown");
    case CallSocket::Outcome::Violation:
      session.fail(protocol::Stage::Protocol, LONGHAUL_INTERNAL, lease->violation());
    case CallSocket::Outcome::Closed:
      break;
  }
  return failed(LONGHAUL_CLOSED, "the host is gone; the outcome is unknown");
}

longhaul_status_t notInWorker() {
  return failed(LONGHAUL_NOT_IN_WORKER,
                "the call was made in a forked child or after destroy: only the worker's own process is served");
}

// The end of a structure's part that every version has.
#define LONGHAUL_UP_TO(type, member) (offsetof(type, member) + sizeof(type::member))

longhaul_status_t createIncidents(Server server, const longhaul_create_incidents_t* args, longhaul_sink_t* created) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"createIncidents"};
  const auto given = check.structure(args, LONGHAUL_UP_TO(longhaul_create_incidents_t, incidents));
  const protocol::CreateIncidents message{
      .incidents = check.required("incidents", given.incidents, kAnySize),
      .last_run = check.optional("last_run", given.last_run, kLastRunBytesMax),
      .patch_context = check.optional("patch_context", given.patch_context, session.facts.context_bytes_max),
      .idempotency_key = check.idempotencyKey(given.idempotency_key),
      .user_id = check.optional("user_id", given.user_id, kAnySize)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::createIncidents, message, created);
}

longhaul_status_t addEntry(Server server, const longhaul_add_entry_t* args, longhaul_sink_t* entry_id) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"addEntry"};
  const auto given = check.structure(args, LONGHAUL_UP_TO(longhaul_add_entry_t, entry));
  const protocol::AddEntry message{.incident_id = check.required("incident_id", given.incident_id, kAnySize),
                                   .entry = check.required("entry", given.entry, kEntryBytesMax),
                                   .content_type = check.optional("content_type", given.content_type, kAnySize),
                                   .username = check.optional("username", given.username, kAnySize),
                                   .email = check.optional("email", given.email, kAnySize),
                                   .footer = check.optional("footer", given.footer, kEntryBytesMax),
                                   .idempotency_key = check.idempotencyKey(given.idempotency_key)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::addEntry, message, entry_id);
}

longhaul_status_t updateModuleHealth(Server server, longhaul_text_t data, std::int32_t is_error) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"updateModuleHealth"};
  if (is_error < LONGHAUL_HEALTH_NEUTRAL || is_error > LONGHAUL_HEALTH_PASSING_ERROR) {
    is_error = LONGHAUL_HEALTH_ERROR;  // a plugin of 0.1 may say anything but 0 for it
  }
  const protocol::UpdateModuleHealth message{.is_error = is_error,
                                             .data = check.required("data", data, kHealthTextBytesMax)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::updateModuleHealth, message, nullptr);
}

longhaul_status_t setContext(Server server, const char* name, longhaul_text_t object, std::int64_t version,
                             std::int64_t* out_version) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{name};
  const protocol::SetIntegrationContext message{
      .version = version, .object = check.required("object", object, session.facts.context_bytes_max)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::setIntegrationContext, message, nullptr, out_version);
}

longhaul_status_t setIntegrationContext(Server server, longhaul_text_t object) {
  return setContext(server, "setIntegrationContext", object, -1, nullptr);
}

longhaul_status_t setIntegrationContextVersioned(Server server, longhaul_text_t object, std::int64_t version,
                                                 std::int64_t* out_version) {
  return setContext(server, "setIntegrationContextVersioned", object, version, out_version);
}

longhaul_status_t patchIntegrationContext(Server server, longhaul_text_t object) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"patchIntegrationContext"};
  const protocol::PatchIntegrationContext message{
      .object = check.required("object", object, session.facts.context_bytes_max)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::patchIntegrationContext, message, nullptr);
}

longhaul_status_t mergeIntegrationContext(Server server, longhaul_text_t key, longhaul_text_t list,
                                          longhaul_text_t id_field) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"mergeIntegrationContext"};
  const protocol::MergeIntegrationContext message{
      .key = check.required("key", key, kContextKeyBytesMax),
      .list = check.required("list", list, session.facts.context_bytes_max),
      .id_field = check.required("id_field", id_field, kContextKeyBytesMax)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::mergeIntegrationContext, message, nullptr);
}

longhaul_status_t setLastRun(Server server, longhaul_text_t object) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"setLastRun"};
  const protocol::SetLastRun message{.object = check.required("object", object, kLastRunBytesMax)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::setLastRun, message, nullptr);
}

longhaul_status_t commit(Server server, const longhaul_commit_t* args, longhaul_sink_t* result) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"commit"};
  const auto given = check.structure(args, LONGHAUL_UP_TO(longhaul_commit_t, create_incidents));
  const protocol::Commit message{
      .create_incidents = check.optional("create_incidents", given.create_incidents, kAnySize),
      .add_entries = check.optional("add_entries", given.add_entries, kAnySize),
      .patch_context = check.optional("patch_context", given.patch_context, session.facts.context_bytes_max),
      .last_run = check.optional("last_run", given.last_run, kLastRunBytesMax),
      .idempotency_key = check.idempotencyKey(given.idempotency_key)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::commit, message, result);
}

longhaul_status_t findUser(Server server, longhaul_text_t username, longhaul_text_t email, longhaul_sink_t* user) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"findUser"};
  const protocol::FindUser message{.username = check.optional("username", username, kAnySize).value_or(""),
                                   .email = check.optional("email", email, kAnySize).value_or("")};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::findUser, message, user);
}

longhaul_status_t handleEntitlementForUser(Server server, const longhaul_handle_entitlement_t* args,
                                           longhaul_sink_t* entry_id) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"handleEntitlementForUser"};
  const auto given = check.structure(args, LONGHAUL_UP_TO(longhaul_handle_entitlement_t, content));
  const protocol::HandleEntitlement message{.incident_id = check.required("incident_id", given.incident_id, kAnySize),
                                            .guid = check.required("guid", given.guid, kAnySize),
                                            .email = check.optional("email", given.email, kAnySize).value_or(""),
                                            .content = check.required("content", given.content, kEntryBytesMax),
                                            .task_id = check.optional("task_id", given.task_id, kAnySize)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::handleEntitlementForUser, message, entry_id);
}

longhaul_status_t mirrorInvestigation(Server server, const longhaul_mirror_investigation_t* args,
                                      longhaul_sink_t* users) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"mirrorInvestigation"};
  const auto given = check.structure(args, LONGHAUL_UP_TO(longhaul_mirror_investigation_t, mirror_type));
  const protocol::MirrorInvestigation message{
      .auto_close = given.auto_close != 0 ? 1u : 0u,
      .incident_id = check.required("incident_id", given.incident_id, kAnySize),
      .mirror_type = check.required("mirror_type", given.mirror_type, kAnySize)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::mirrorInvestigation, message, users);
}

longhaul_status_t directMessage(Server server, const longhaul_direct_message_t* args, longhaul_sink_t* text) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"directMessage"};
  const auto given = check.structure(args, LONGHAUL_UP_TO(longhaul_direct_message_t, message));
  const protocol::DirectMessage message{.anyone_can_open_incidents = given.anyone_can_open_incidents != 0 ? 1u : 0u,
                                        .message = check.required("message", given.message, kEntryBytesMax),
                                        .username = check.optional("username", given.username, kAnySize),
                                        .email = check.optional("email", given.email, kAnySize),
                                        .idempotency_key = check.idempotencyKey(given.idempotency_key)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::directMessage, message, text);
}

#undef LONGHAUL_UP_TO

longhaul_status_t createIndicators(Server server, longhaul_text_t indicators, longhaul_sink_t* created) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"createIndicators"};
  const protocol::CreateIndicators message{.indicators = check.required("indicators", indicators, kAnySize)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::createIndicators, message, created);
}

longhaul_status_t searchIndicators(Server server, longhaul_text_t query, longhaul_sink_t* found) {
  Session& session = ServerTable::sessionOf(server);
  if (!session.isOpen()) return notInWorker();
  ArgumentCheck check{"searchIndicators"};
  const protocol::SearchIndicators message{.query = check.required("query", query, kAnySize)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::searchIndicators, message, found);
}

}  // namespace

longhaul_status_t writeMigrated(Session& session, std::string_view object, std::int64_t version) {
  ArgumentCheck check{"migrate"};
  const protocol::SetIntegrationContext message{
      .version = version,
      .object =
          check.required("context", longhaul_text_t{object.data(), object.size()}, session.facts.context_bytes_max)};
  if (check.status() != LONGHAUL_OK) return check.status();
  return call(session, Method::migrateContext, message, nullptr);
}

const longhaul_indicators_t kIndicatorsTable{.struct_size = sizeof(longhaul_indicators_t),
                                             .reserved = 0,
                                             .createIndicators = createIndicators,
                                             .searchIndicators = searchIndicators};

void fillCallSlots(longhaul_server_t& table) {
  table.createIncidents = createIncidents;
  table.addEntry = addEntry;
  table.updateModuleHealth = updateModuleHealth;
  table.setIntegrationContext = setIntegrationContext;
  table.setIntegrationContextVersioned = setIntegrationContextVersioned;
  table.patchIntegrationContext = patchIntegrationContext;
  table.mergeIntegrationContext = mergeIntegrationContext;
  table.setLastRun = setLastRun;
  table.commit = commit;
  table.findUser = findUser;
  table.handleEntitlementForUser = handleEntitlementForUser;
  table.mirrorInvestigation = mirrorInvestigation;
  table.directMessage = directMessage;
}

}  // namespace longhaul::host::worker
