#include "host/services/chat_table.h"

#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <string_view>

#include "host/base/text.h"

namespace longhaul::host::services {
namespace {

// Widths of the columns in characters; the last, a link, has none.
constexpr std::array<std::size_t, 6> kIncidentWidths{10, 20, 11, 11, 11, 19};
constexpr std::array<std::size_t, 3> kTaskWidths{40, 30, 19};

// A cell of `width` characters: readers split lines at "|" and rows at line breaks, and the fence is made of backticks.
std::string cell(std::string_view text, std::size_t width) {
  std::string shown;
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size() && count < width; ++count) {
    std::size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80)
      ++end;
    const char first = text[at];
    if (first == '|') {
      shown += '/';
    } else if (first == '`') {
      shown += '\'';
    } else if (static_cast<unsigned char>(first) < 0x20) {
      shown += ' ';
    } else {
      shown += text.substr(at, end - at);
    }
    at = end;
  }
  return shown.append(width - count, ' ');
}

template <std::size_t Columns>
std::string row(const std::array<std::size_t, Columns>& widths, const std::array<std::string, Columns>& cells,
                std::string_view link) {
  std::string line;
  for (std::size_t i = 0; i < Columns; ++i)
    line += cell(cells[i], widths[i]) + " | ";
  line += link;
  return line += '\n';
}

template <std::size_t Columns>
std::string separator(const std::array<std::size_t, Columns>& widths) {
  std::string line;
  for (std::size_t i = 0; i < Columns; ++i)
    line += std::string(widths[i] + (i == 0 ? 1 : 2), '=') + '|';
  return line + "=====\n";
}

}  // namespace

std::string chatTime(std::int64_t wall_us) {
  if (wall_us == 0) return "0001-01-01 00:00:00";
  std::string text = formatTimeUs(wall_us).substr(0, 19);
  text[10] = ' ';
  return text;
}

std::string warRoomLink(IncidentId incident) {
  return fmt::format("/#/WarRoom/{}", incident.value);
}

std::string incidentTable(const std::vector<store::Incident>& incidents) {
  std::string table = "```" + row<6>(kIncidentWidths, {"ID", "Name", "Status", "Type", "Owner", "Created"}, "Link") +
                      separator(kIncidentWidths);
  for (const store::Incident& incident : incidents) {
    table += row<6>(
        kIncidentWidths,
        {std::to_string(incident.id.value), incident.name, incident.status == "closed" ? "Closed" : "Active",
         incident.type.empty() ? "Unclassified" : incident.type, incident.owner, chatTime(incident.created_at_us)},
        warRoomLink(incident.id));
  }
  return table + "```";
}

std::string taskTable(const std::vector<Task>& tasks) {
  std::string table = "```" + row<3>(kTaskWidths, {"Task", "Incident", "Due"}, "Link") + separator(kTaskWidths);
  for (const Task& task : tasks) {
    const store::Entitlement& question = task.question;
    table += row<3>(kTaskWidths,
                    {question.message, fmt::format("{} - {}", question.incident.value, task.incident_name),
                     chatTime(question.expires_at_us)},
                    fmt::format("/#/WorkPlan/{}", question.incident.value));
  }
  return table + "```";
}

}  // namespace longhaul::host::services
