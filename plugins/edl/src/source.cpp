#include "source.h"

#include <chrono>
#include <stdexcept>

#include "longhaul/sdk/json.hpp"

namespace edl_plugin {
namespace {

using longhaul::detail::JsonMember;

constexpr std::string_view kListKey = "list";
constexpr int kTriesMax = 6;

Item itemOf(std::string_view object) {
  Item item;
  std::vector<JsonMember> members;
  if (!longhaul::detail::splitJsonObject(object, members)) return item;
  for (const JsonMember& member : members) {
    if (member.key == "value") item.value = longhaul::jsonText(member.value);
    if (member.key == "type") item.type = longhaul::jsonText(member.value);
    if (member.key == "created") item.created = longhaul::jsonText(member.value);
    if (member.key == "modified") item.modified = longhaul::jsonText(member.value);
    const bool is_score = member.key == "score" && member.value.size() == 1;
    if (is_score && member.value[0] >= '0' && member.value[0] <= '3') item.score = member.value[0] - '0';
  }
  return item;
}

std::string queryOf(const Settings& settings, const std::string& type, const std::string& cursor) {
  std::string query = "{\"size\":1000";
  if (!type.empty()) query += ",\"type\":" + longhaul::quoteJson(type);
  if (!settings.query.empty()) query += ",\"query\":" + longhaul::quoteJson(settings.query);
  if (!cursor.empty()) query += ",\"searchAfter\":" + longhaul::quoteJson(cursor);
  return query + "}";
}

longhaul::Outcome<std::string> search(const longhaul::Server& server, const std::string& query) {
  auto wait = std::chrono::milliseconds(50);
  for (int tries = 1;; ++tries) {
    auto found = server.trySearchIndicators(query);
    if (!found.mayRetry() || tries == kTriesMax || server.stopToken().waitFor(wait)) return found;
    wait *= 2;
  }
}

}  // namespace

std::string readPage(std::string_view json, int score_min, std::vector<Item>& items) {
  std::vector<JsonMember> members;
  std::vector<std::string_view> rows;
  if (!longhaul::detail::splitJsonObject(json, members)) throw std::invalid_argument("the answer is no JSON object");
  std::string cursor;
  bool found = false;
  for (const JsonMember& member : members) {
    if (member.key == "searchAfter" && member.value != "null") cursor = longhaul::jsonText(member.value);
    if (member.key != "iocs") continue;
    found = longhaul::detail::splitJsonArray(member.value, rows);
    for (const std::string_view row : rows) {
      Item item = itemOf(row);
      if (!item.value.empty() && item.score >= score_min) items.push_back(std::move(item));
    }
  }
  if (!found) throw std::invalid_argument("the answer has no iocs");
  return cursor;
}

Collected collect(const longhaul::Server& server, const Settings& settings) {
  Collected all;
  all.items = settings.own;
  for (Item& item : ownList(server.getIntegrationContext()))
    all.items.push_back(std::move(item));
  std::vector<std::string> types = settings.types;
  if (types.empty()) types.emplace_back();
  if (!settings.indicators) types.clear();
  for (const std::string& type : types) {
    std::string cursor;
    do {
      const auto page = search(server, queryOf(settings, type, cursor));
      if (!page.ok()) return {std::string(longhaul::statusName(page.status)) + ": " + page.error, {}, false};
      std::string next;
      try {
        next = readPage(page.value, settings.score_min, all.items);
      } catch (const std::invalid_argument& error) {
        return {error.what(), {}, false};
      }
      if (next == cursor && !next.empty()) return {"the host gives the same page again", {}, false};
      cursor = std::move(next);
    } while (!cursor.empty() && all.items.size() <= settings.items_max && !server.stopToken().stopRequested());
  }
  all.is_cut = all.items.size() > settings.items_max;
  if (all.is_cut) all.items.resize(settings.items_max);
  return all;
}

std::vector<Item> ownList(std::string_view context) {
  std::vector<Item> items;
  const auto list = longhaul::jsonMember(context, kListKey);
  if (!list) return items;
  for (const std::string& row : longhaul::jsonElements(*list)) {
    Item item = itemOf(row);
    if (!item.value.empty()) items.push_back(std::move(item));
  }
  return items;
}

std::string listJson(const std::vector<Item>& items) {
  std::string json = "[";
  for (const Item& item : items) {
    json += json.size() > 1 ? "," : "";
    json += "{\"value\":" + longhaul::quoteJson(item.value) + ",\"type\":" + longhaul::quoteJson(item.type);
    if (item.score != 0) json += ",\"score\":" + std::to_string(item.score);
    if (!item.created.empty()) json += ",\"created\":" + longhaul::quoteJson(item.created);
    if (!item.modified.empty()) json += ",\"modified\":" + longhaul::quoteJson(item.modified);
    json += "}";
  }
  return json + "]";
}

}  // namespace edl_plugin
