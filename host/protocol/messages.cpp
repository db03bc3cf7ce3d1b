#include "host/protocol/messages.h"

#include "host/protocol/codec.h"

namespace longhaul::host::protocol {
namespace {

// A list is a u32 count and its elements; the count is held to what its payload can contain.

void put(Writer& writer, const std::vector<ContextValue>& values) {
  writer.number(static_cast<std::uint32_t>(values.size()));
  for (const ContextValue& each : values)
    writer.text(each.key).text(each.value);
}

void take(Reader& reader, std::vector<ContextValue>& values) {
  const std::uint32_t count = reader.count(8);
  values.resize(count);
  for (ContextValue& each : values) {
    each.key = reader.text();
    each.value = reader.optionalText();
  }
}

void put(Writer& writer, const std::vector<Parameter>& values) {
  writer.number(static_cast<std::uint32_t>(values.size()));
  for (const Parameter& each : values)
    writer.text(each.name).text(each.value);
}

void take(Reader& reader, std::vector<Parameter>& values) {
  const std::uint32_t count = reader.count(8);
  values.resize(count);
  for (Parameter& each : values) {
    each.name = reader.text();
    each.value = reader.text();
  }
}

void put(Writer& writer, const std::vector<ListenerAt>& values) {
  writer.number(static_cast<std::uint32_t>(values.size()));
  for (const ListenerAt& each : values)
    writer.number(each.fd).text(each.name);
}

void take(Reader& reader, std::vector<ListenerAt>& values) {
  const std::uint32_t count = reader.count(8);
  values.resize(count);
  for (ListenerAt& each : values) {
    each.fd = reader.number<std::uint32_t>();
    each.name = reader.text();
  }
}

void put(Writer& writer, const std::vector<std::string_view>& values) {
  writer.number(static_cast<std::uint32_t>(values.size()));
  for (const std::string_view each : values)
    writer.text(each);
}

void take(Reader& reader, std::vector<std::string_view>& values) {
  const std::uint32_t count = reader.count(4);
  values.resize(count);
  for (std::string_view& each : values)
    each = reader.text();
}

}  // namespace

void encode(const Hello& message, std::string& out) {
  Writer writer{out};
  writer.number(message.protocol_version);
  writer.number(message.abi_version);
  writer.number(message.pid);
}

bool decode(std::string_view payload, Hello& message) {
  Reader reader{payload};
  message.protocol_version = reader.number<std::uint32_t>();
  message.abi_version = reader.number<std::uint32_t>();
  message.pid = reader.number<std::uint32_t>();
  return reader.finished();
}

void encode(const Loaded& message, std::string& out) {
  Writer writer{out};
  writer.number(message.abi_version);
  put(writer, message.extensions);
}

bool decode(std::string_view payload, Loaded& message) {
  Reader reader{payload};
  message.abi_version = reader.number<std::uint32_t>();
  take(reader, message.extensions);
  return reader.finished();
}

void encode(const Start& message, std::string& out) {
  Writer writer{out};
  writer.number(message.generation);
  writer.number(message.context_version);
  writer.number(message.last_run_version);
  writer.number(message.context_bytes_max);
  writer.number(message.signals_ready);
  writer.number(message.one_shot);
  writer.number(message.context_schema);
  writer.number(message.state_schema);
  writer.text(message.instance);
  writer.text(message.params);
  writer.text(message.last_run);
  writer.text(message.version);
  writer.text(message.urls);
  writer.text(message.license_id);
  put(writer, message.parameters);
  put(writer, message.context);
  put(writer, message.listeners);
}

bool decode(std::string_view payload, Start& message) {
  Reader reader{payload};
  message.generation = reader.number<std::int64_t>();
  message.context_version = reader.number<std::int64_t>();
  message.last_run_version = reader.number<std::int64_t>();
  message.context_bytes_max = reader.number<std::uint64_t>();
  message.signals_ready = reader.number<std::uint32_t>();
  message.one_shot = reader.number<std::uint32_t>();
  message.context_schema = reader.number<std::int64_t>();
  message.state_schema = reader.number<std::int64_t>();
  message.instance = reader.text();
  message.params = reader.text();
  message.last_run = reader.text();
  message.version = reader.text();
  message.urls = reader.text();
  message.license_id = reader.text();
  take(reader, message.parameters);
  take(reader, message.context);
  take(reader, message.listeners);
  return reader.finished();
}

void encode(const Stop& message, std::string& out) {
  Writer writer{out};
  writer.number(message.timeout_ms);
}

bool decode(std::string_view payload, Stop& message) {
  Reader reader{payload};
  message.timeout_ms = reader.number<std::uint32_t>();
  return reader.finished();
}

void encode(const Bye& message, std::string& out) {
  Writer writer{out};
  writer.number(message.status);
  writer.text(message.text);
}

bool decode(std::string_view payload, Bye& message) {
  Reader reader{payload};
  message.status = reader.number<std::int32_t>();
  message.text = reader.text();
  return reader.finished();
}

void encode(const Failed& message, std::string& out) {
  Writer writer{out};
  writer.number(message.stage);
  writer.number(message.status);
  writer.text(message.text);
}

bool decode(std::string_view payload, Failed& message) {
  Reader reader{payload};
  message.stage = reader.number<std::uint32_t>();
  message.status = reader.number<std::int32_t>();
  message.text = reader.text();
  return reader.finished();
}

void encode(const ContextChange& message, std::string& out) {
  Writer writer{out};
  writer.number(message.version);
  writer.number(message.whole);
  put(writer, message.changes);
}

bool decode(std::string_view payload, ContextChange& message) {
  Reader reader{payload};
  message.version = reader.number<std::int64_t>();
  message.whole = reader.number<std::uint32_t>();
  take(reader, message.changes);
  return reader.finished();
}

void encode(const ContextApplied& message, std::string& out) {
  Writer writer{out};
  writer.number(message.version);
}

bool decode(std::string_view payload, ContextApplied& message) {
  Reader reader{payload};
  message.version = reader.number<std::int64_t>();
  return reader.finished();
}

void encode(const Extend& message, std::string& out) {
  Writer writer{out};
  writer.number(message.timeout_ms);
}

bool decode(std::string_view payload, Extend& message) {
  Reader reader{payload};
  message.timeout_ms = reader.number<std::uint32_t>();
  return reader.finished();
}

void encode(const Execute& message, std::string& out) {
  Writer writer{out};
  writer.number(message.id);
  writer.number(message.is_test);
  writer.number(message.deadline_ms);
  writer.text(message.name);
  writer.text(message.arguments);
  writer.text(message.context);
}

bool decode(std::string_view payload, Execute& message) {
  Reader reader{payload};
  message.id = reader.number<std::uint64_t>();
  message.is_test = reader.number<std::uint32_t>();
  message.deadline_ms = reader.number<std::uint32_t>();
  message.name = reader.text();
  message.arguments = reader.text();
  message.context = reader.text();
  return reader.finished();
}

void encode(const CommandDone& message, std::string& out) {
  Writer writer{out};
  writer.number(message.id);
  writer.number(message.status);
  writer.number(message.said);
  writer.text(message.text);
}

bool decode(std::string_view payload, CommandDone& message) {
  Reader reader{payload};
  message.id = reader.number<std::uint64_t>();
  message.status = reader.number<std::int32_t>();
  message.said = reader.number<std::uint32_t>();
  message.text = reader.text();
  return reader.finished();
}

void encode(const CreateIncidents& message, std::string& out) {
  Writer writer{out};
  writer.text(message.incidents);
  writer.text(message.last_run);
  writer.text(message.patch_context);
  writer.text(message.idempotency_key);
  writer.text(message.user_id);
}

bool decode(std::string_view payload, CreateIncidents& message) {
  Reader reader{payload};
  message.incidents = reader.text();
  message.last_run = reader.optionalText();
  message.patch_context = reader.optionalText();
  message.idempotency_key = reader.optionalText();
  message.user_id = reader.optionalText();
  return reader.finished();
}

void encode(const AddEntry& message, std::string& out) {
  Writer writer{out};
  writer.text(message.incident_id);
  writer.text(message.entry);
  writer.text(message.content_type);
  writer.text(message.username);
  writer.text(message.email);
  writer.text(message.footer);
  writer.text(message.idempotency_key);
}

bool decode(std::string_view payload, AddEntry& message) {
  Reader reader{payload};
  message.incident_id = reader.text();
  message.entry = reader.text();
  message.content_type = reader.optionalText();
  message.username = reader.optionalText();
  message.email = reader.optionalText();
  message.footer = reader.optionalText();
  message.idempotency_key = reader.optionalText();
  return reader.finished();
}

void encode(const UpdateModuleHealth& message, std::string& out) {
  Writer writer{out};
  writer.number(message.is_error);
  writer.text(message.data);
}

bool decode(std::string_view payload, UpdateModuleHealth& message) {
  Reader reader{payload};
  message.is_error = reader.number<std::int32_t>();
  message.data = reader.text();
  return reader.finished();
}

void encode(const SetIntegrationContext& message, std::string& out) {
  Writer writer{out};
  writer.number(message.version);
  writer.text(message.object);
}

bool decode(std::string_view payload, SetIntegrationContext& message) {
  Reader reader{payload};
  message.version = reader.number<std::int64_t>();
  message.object = reader.text();
  return reader.finished();
}

void encode(const PatchIntegrationContext& message, std::string& out) {
  Writer writer{out};
  writer.text(message.object);
}

bool decode(std::string_view payload, PatchIntegrationContext& message) {
  Reader reader{payload};
  message.object = reader.text();
  return reader.finished();
}

void encode(const MergeIntegrationContext& message, std::string& out) {
  Writer writer{out};
  writer.text(message.key);
  writer.text(message.list);
  writer.text(message.id_field);
}

bool decode(std::string_view payload, MergeIntegrationContext& message) {
  Reader reader{payload};
  message.key = reader.text();
  message.list = reader.text();
  message.id_field = reader.text();
  return reader.finished();
}

void encode(const SetLastRun& message, std::string& out) {
  Writer writer{out};
  writer.text(message.object);
}

bool decode(std::string_view payload, SetLastRun& message) {
  Reader reader{payload};
  message.object = reader.text();
  return reader.finished();
}

void encode(const Commit& message, std::string& out) {
  Writer writer{out};
  writer.text(message.create_incidents);
  writer.text(message.add_entries);
  writer.text(message.patch_context);
  writer.text(message.last_run);
  writer.text(message.idempotency_key);
}

bool decode(std::string_view payload, Commit& message) {
  Reader reader{payload};
  message.create_incidents = reader.optionalText();
  message.add_entries = reader.optionalText();
  message.patch_context = reader.optionalText();
  message.last_run = reader.optionalText();
  message.idempotency_key = reader.optionalText();
  return reader.finished();
}

void encode(const FindUser& message, std::string& out) {
  Writer writer{out};
  writer.text(message.username);
  writer.text(message.email);
}

bool decode(std::string_view payload, FindUser& message) {
  Reader reader{payload};
  message.username = reader.text();
  message.email = reader.text();
  return reader.finished();
}

void encode(const HandleEntitlement& message, std::string& out) {
  Writer writer{out};
  writer.text(message.incident_id);
  writer.text(message.guid);
  writer.text(message.email);
  writer.text(message.content);
  writer.text(message.task_id);
}

bool decode(std::string_view payload, HandleEntitlement& message) {
  Reader reader{payload};
  message.incident_id = reader.text();
  message.guid = reader.text();
  message.email = reader.text();
  message.content = reader.text();
  message.task_id = reader.optionalText();
  return reader.finished();
}

void encode(const MirrorInvestigation& message, std::string& out) {
  Writer writer{out};
  writer.number(message.auto_close);
  writer.text(message.incident_id);
  writer.text(message.mirror_type);
}

bool decode(std::string_view payload, MirrorInvestigation& message) {
  Reader reader{payload};
  message.auto_close = reader.number<std::uint32_t>();
  message.incident_id = reader.text();
  message.mirror_type = reader.text();
  return reader.finished();
}

void encode(const DirectMessage& message, std::string& out) {
  Writer writer{out};
  writer.number(message.anyone_can_open_incidents);
  writer.text(message.message);
  writer.text(message.username);
  writer.text(message.email);
  writer.text(message.idempotency_key);
}

bool decode(std::string_view payload, DirectMessage& message) {
  Reader reader{payload};
  message.anyone_can_open_incidents = reader.number<std::uint32_t>();
  message.message = reader.text();
  message.username = reader.optionalText();
  message.email = reader.optionalText();
  message.idempotency_key = reader.optionalText();
  return reader.finished();
}

void encode(const CreateIndicators& message, std::string& out) {
  Writer writer{out};
  writer.text(message.indicators);
}

bool decode(std::string_view payload, CreateIndicators& message) {
  Reader reader{payload};
  message.indicators = reader.text();
  return reader.finished();
}

void encode(const SearchIndicators& message, std::string& out) {
  Writer writer{out};
  writer.text(message.query);
}

bool decode(std::string_view payload, SearchIndicators& message) {
  Reader reader{payload};
  message.query = reader.text();
  return reader.finished();
}

void encode(const Reply& message, std::string& out) {
  Writer writer{out};
  writer.number(message.context_version);
  writer.number(message.last_run_version);
  writer.number(message.whole);
  writer.text(message.result);
  writer.text(message.last_run);
  put(writer, message.changes);
}

bool decode(std::string_view payload, Reply& message) {
  Reader reader{payload};
  message.context_version = reader.number<std::int64_t>();
  message.last_run_version = reader.number<std::int64_t>();
  message.whole = reader.number<std::uint32_t>();
  message.result = reader.text();
  message.last_run = reader.optionalText();
  take(reader, message.changes);
  return reader.finished();
}

}  // namespace longhaul::host::protocol
