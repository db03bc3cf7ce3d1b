// Contexts, incidents and entries: what an operator reads and writes in the store. A page of rows becomes its text
// where it is read, on the reader thread: a thousand rows would hold the loop for milliseconds.

#include <fmt/format.h>

#include "host/admin/admin_service.h"
#include "host/admin/etag.h"
#include "host/admin/instance_json.h"
#include "host/admin/late.h"
#include "host/admin/record_json.h"
#include "host/base/text.h"
#include "host/services/areas.h"

namespace longhaul::host::admin {
namespace {

Failure wrongCursor(const std::string& cursor) {
  return invalid(fmt::format("cursor: found \"{}\", wanted what \"next\" said", replaceNonUtf8(cursor)), "cursor");
}

}  // namespace

// ---------------------------------------------------------------- context

void AdminService::context(const std::string& name, const std::optional<std::string>& key, const Reply& reply) {
  const auto id = around_.supervisor.idOf(name);
  if (!id) return reply(unknownInstance(name));
  query(
      reply, [id = *id](store::StoreReader& reader) { return reader.context(id); },
      [key, reply](const store::Context& context) {
        reply(key ? contextValueText(context, *key) : Answer{contextText(context)});
      });
}

void AdminService::snapshots(const std::string& name, const Reply& reply) {
  const auto id = around_.supervisor.idOf(name);
  if (!id) return reply(unknownInstance(name));
  query(
      reply, [id = *id](store::StoreReader& reader) { return reader.contextSnapshots(id); },
      [reply](const std::vector<store::ContextSnapshot>& snapshots) {
        Json rows = Json::array();
        for (const store::ContextSnapshot& each : snapshots)
          rows.push_back(toJson(each));
        reply(dumpJson({{"snapshots", std::move(rows)}}));
      });
}

void AdminService::snapshot(const std::string& name, std::string_view id, const Reply& reply) {
  const auto instance = around_.supervisor.idOf(name);
  if (!instance) return reply(unknownInstance(name));
  const auto number = parseId(id);
  if (!number) return reply(unknownSnapshot(id));
  query(
      reply,
      [instance = *instance, number = *number](store::StoreReader& reader) {
        return reader.contextSnapshot(instance, number);
      },
      [reply](const store::ContextSnapshot& snapshot) { reply(snapshotText(snapshot)); });
}

void AdminService::replaceContext(const std::string& name, std::string_view body, const std::string& if_match,
                                  const Reply& reply) {
  auto write = readReplace(body);
  const auto id = around_.supervisor.idOf(name);
  if (if_match.empty() || !id || std::holds_alternative<Failure>(write)) return writeContext(name, write, reply);
  // The tag is of a version, and the version is what the store compares.
  auto replace = std::get<store::ReplaceContext>(std::get<store::ContextWrite>(write));
  query(
      reply, [id = *id](store::StoreReader& reader) { return reader.context(id); },
      [this, name, if_match, replace = std::move(replace), reply](const store::Context& context) {
        const bool is_other = replace.expected_version && *replace.expected_version != context.version;
        if (is_other || !hasTag(if_match, etagOf(contextText(context)), false)) {
          return reply(changedMeanwhile("the context"));
        }
        auto checked = replace;
        checked.expected_version = context.version;
        writeContext(name, store::ContextWrite{std::move(checked)}, [reply](Answer answer) {
          auto* failure = std::get_if<Failure>(&answer);
          const bool was_changed = failure != nullptr && failure->code == codeName(Code::Conflict);
          reply(was_changed ? Answer{changedMeanwhile("the context")} : std::move(answer));
        });
      });
}
void AdminService::patchContext(const std::string& name, std::string_view body, const Reply& reply) {
  writeContext(name, readPatch(body), reply);
}

void AdminService::writeContext(const std::string& name, std::variant<store::ContextWrite, Failure> write,
                                const Reply& reply) {
  const auto id = around_.supervisor.idOf(name);
  if (!id) return reply(unknownInstance(name));
  if (auto* failure = std::get_if<Failure>(&write)) return reply(std::move(*failure));
  around_.supervisor.writeContext(*id, std::move(std::get<store::ContextWrite>(write)),
                                  guarded([reply](const Result<supervisor::Supervisor::ContextWritten>& written) {
                                    if (!written) return reply(toFailure(written.error()));
                                    reply(dumpJson({{"version", written->version}, {"applied", written->applied}}));
                                  }));
}

// ---------------------------------------------------------------- incidents

void AdminService::incidents(const IncidentsAsked& asked, const Reply& reply) {
  store::IncidentQuery wanted;
  wanted.limit = asked.limit;
  if (!asked.instance.empty()) {
    wanted.instance = around_.supervisor.idOf(asked.instance);
    if (!wanted.instance) return reply(unknownInstance(asked.instance));
  }
  if (!asked.status.empty()) wanted.status = asked.status;
  if (!asked.type.empty()) wanted.type = asked.type;
  const auto cursor = asked.cursor.empty() ? std::optional<std::int64_t>{} : parseInt(asked.cursor);
  if (!asked.cursor.empty() && (!cursor || *cursor < 0)) return reply(wrongCursor(asked.cursor));
  if (asked.oldest_first) {
    wanted.after_id = cursor.value_or(0);
  } else {
    wanted.before_id = cursor;
  }
  query(
      reply,
      [wanted, cursor, oldest_first = asked.oldest_first](store::StoreReader& reader) -> Result<std::string> {
        const auto page = reader.incidents(wanted);
        if (!page) return page.error();
        Json rows = Json::array();
        for (const store::Incident& incident : page->rows)
          rows.push_back(toJson(incident, false));
        Json json{{"incidents", std::move(rows)}, {"more", page->more}};
        if (!page->rows.empty() && (page->more || oldest_first)) {
          json["next"] = std::to_string(page->rows.back().id.value);
        } else if (oldest_first && cursor) {
          json["next"] = std::to_string(*cursor);
        }
        return dumpJson(json);
      },
      reply);
}

void AdminService::incident(std::string_view id, const Reply& reply) {
  const auto number = parseId(id);
  if (!number) return reply(unknownIncident(id));
  query(
      reply, [number = *number](store::StoreReader& reader) { return reader.incident(IncidentId{number}); },
      [reply](const store::Incident& incident) { reply(dumpJson(toJson(incident, true))); });
}

void AdminService::health(const std::string& name, std::size_t limit, const Reply& reply) {
  const auto id = around_.supervisor.idOf(name);
  if (!id) return reply(unknownInstance(name));
  query(
      reply, [id = *id, limit](store::StoreReader& reader) { return reader.healthHistory(id, limit); },
      [reply](const std::vector<store::Health>& history) {
        Json rows = Json::array();
        for (const store::Health& each : history)
          rows.push_back(toJson(each));
        reply(dumpJson({{"health", std::move(rows)}}));
      });
}

void AdminService::incidentCounts(const Reply& reply) {
  query(
      reply, [now_us = wallNowUs()](store::StoreReader& reader) { return reader.incidentCounts(now_us); },
      [reply](const store::IncidentCounts& counts) { reply(dumpJson(toJson(counts))); });
}

void AdminService::commit(store::CommitWrite write, std::function<void(const store::Committed&)> then,
                          const Reply& reply) {
  const bool queued = around_.executor.submit(
      std::move(write), guarded([reply, then = std::move(then)](const store::WriteResult& result) {
        if (!result) return reply(toFailure(result.error()));
        then(std::get<store::Committed>(*result));
      }));
  if (!queued) reply(toFailure({Code::Busy, "the store's queue is full; try again"}));
}

void AdminService::createIncident(std::string_view body, const Reply& reply) {
  // One object and nothing behind it, before it is put into the list that the reader of incidents takes.
  if (const auto object = splitObject(body); !object) return reply(toFailure(object.error()));
  Json warnings = Json::array();
  store::CommitWrite write;
  write.at_us = wallNowUs();
  auto incidents = services::readIncidents(fmt::format("[{}]", body), write.at_us, [&](const std::string& text) {
    constexpr std::string_view kCall = "createIncidents: ";
    warnings.push_back(text.starts_with(kCall) ? text.substr(kCall.size()) : text);
  });
  if (!incidents) {
    Failure failure = toFailure(incidents.error());
    constexpr std::string_view kWhich = "incident 1: ";
    if (failure.detail.starts_with(kWhich)) failure.detail.erase(0, kWhich.size());
    return reply(std::move(failure));
  }
  write.incidents = std::move(incidents).value();
  const std::string name = write.incidents.front().name;
  commit(
      std::move(write),
      [reply, name, warnings = std::move(warnings)](const store::Committed& committed) {
        reply(dumpJson(
            {{"id", std::to_string(committed.incidents.front().value)}, {"name", name}, {"warnings", warnings}}));
      },
      reply);
}

void AdminService::entries(std::string_view id, std::size_t limit, const std::string& cursor, const Reply& reply) {
  const auto number = parseId(id);
  if (!number) return reply(unknownIncident(id));
  const auto after = cursor.empty() ? std::optional<std::int64_t>{0} : parseInt(cursor);
  if (!after || *after < 0) return reply(wrongCursor(cursor));
  query(
      reply,
      [number = *number, after = *after, limit, cursor](store::StoreReader& reader) -> Result<std::string> {
        if (auto incident = reader.incident(IncidentId{number}); !incident) return incident.error();
        const auto page = reader.entries(IncidentId{number}, after, limit);
        if (!page) return page.error();
        Json rows = Json::array();
        for (const store::Entry& entry : page->rows)
          rows.push_back(toJson(entry));
        Json json{{"entries", std::move(rows)}, {"more", page->more}};
        if (!page->rows.empty()) {
          json["next"] = std::to_string(page->rows.back().id.value);
        } else if (!cursor.empty()) {
          json["next"] = cursor;
        }
        return dumpJson(json);
      },
      reply);
}

void AdminService::addEntry(std::string_view id, std::string_view body, const std::string& author, const Reply& reply) {
  const auto number = parseId(id);
  if (!number) return reply(unknownIncident(id));
  auto asked = readNewEntry(body);
  if (auto* failure = std::get_if<Failure>(&asked)) return reply(std::move(*failure));
  auto& entry = std::get<NewEntryAsked>(asked);
  store::CommitWrite write;
  write.at_us = wallNowUs();
  write.entries.push_back({.incident = IncidentId{*number},
                           .author = author,
                           .content_type = std::move(entry.content_type),
                           .text = std::move(entry.text),
                           .user = {.username = author}});
  commit(
      std::move(write),
      [reply](const store::Committed& committed) {
        const IncidentId incident = committed.entry_incidents.front();
        reply(dumpJson({{"id", fmt::format("{}@{}", committed.entries.front().value, incident.value)},
                        {"incident", std::to_string(incident.value)}}));
      },
      reply);
}

}  // namespace longhaul::host::admin
