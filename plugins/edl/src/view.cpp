#include "view.h"

#include <algorithm>
#include <cstdint>
#include <unordered_set>

#include "longhaul/sdk/json.hpp"
#include "text.h"

namespace edl_plugin {
namespace {

std::optional<std::size_t> numberOf(std::string_view text, std::size_t min) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::size_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::size_t>(c - '0');
  }
  return number < min ? std::nullopt : std::optional(number);
}

// "/any/name.csv" says which format; a path without one does not.
bool readPath(std::string_view path, View& view) {
  if (path.empty() || path == "/") return true;
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos) return false;
  const std::string extension = lowered(path.substr(dot + 1));
  const auto format = formatNamed(extension == "txt" ? "text" : extension);
  if (format) view.format = *format;
  return format.has_value();
}

bool isWanted(const Item& item, const View& view) {
  if (view.types.empty()) return true;
  return std::find(view.types.begin(), view.types.end(), lowered(item.type)) != view.types.end();
}

void appendCsv(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out.append(text);
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

void append(std::string& out, const Item& item, const std::string& value, const View& view, bool is_first) {
  switch (view.format) {
    case Format::kText:
      out.append(value).push_back('\n');
      return;
    case Format::kCsv:
      for (const std::string& cell : {value, item.type, std::to_string(item.score), item.created, item.modified}) {
        appendCsv(out, cell);
        out.push_back(',');
      }
      out.back() = '\n';
      return;
    case Format::kJson:
      out.append(is_first ? "\n" : ",\n").append("{\"value\":").append(longhaul::quoteJson(value));
      out.append(",\"type\":").append(longhaul::quoteJson(item.type));
      out.append(",\"score\":").append(std::to_string(item.score));
      if (!item.created.empty()) out.append(",\"created\":").append(longhaul::quoteJson(item.created));
      if (!item.modified.empty()) out.append(",\"modified\":").append(longhaul::quoteJson(item.modified));
      out.push_back('}');
      return;
  }
}

// "user:pw@host:8080/x" → "host/x", and a bare host gets its slash: without it PAN-OS takes "host" for "host.evil.com".
std::string panosUrl(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  const std::size_t end = std::min(url.find_first_of("/?#"), url.size());
  std::string_view host = url.substr(0, end);
  const std::string_view rest = url.substr(end);
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  const std::size_t colon = host.rfind(':');
  const bool is_v6 = !host.empty() && host[0] == '[';
  if (colon != std::string_view::npos && (!is_v6 || host.find(']') < colon)) host = host.substr(0, colon);
  std::string line = lowered(host);
  if (line.empty()) return line;
  if (rest.empty() || rest[0] != '/') line.push_back('/');
  return line.append(rest);
}

}  // namespace

std::string View::key() const {
  std::string key = std::to_string(static_cast<int>(format)) + ' ' + std::to_string(static_cast<int>(device)) + ' ' +
                    std::to_string(offset) + ' ' + std::to_string(limit);
  for (const std::string& type : types)
    key.append(1, ' ').append(type);
  return key;
}

std::optional<Format> formatNamed(std::string_view name) {
  if (name == "text") return Format::kText;
  if (name == "csv") return Format::kCsv;
  if (name == "json") return Format::kJson;
  return std::nullopt;
}

std::optional<Device> deviceNamed(std::string_view name) {
  if (name == "plain") return Device::kPlain;
  if (name == "panos") return Device::kPanos;
  if (name == "fortinet") return Device::kFortinet;
  return std::nullopt;
}

const char* contentTypeOf(Format format) {
  switch (format) {
    case Format::kText:
      return "text/plain; charset=utf-8";
    case Format::kCsv:
      return "text/csv; charset=utf-8";
    case Format::kJson:
      return "application/json";
  }
  return "text/plain";
}

Wanted readView(std::string_view path, const Parameters& query, const View& otherwise) {
  Wanted wanted{otherwise, {}, true};
  View& view = wanted.view;
  if (!readPath(path, view)) {
    wanted.found = false;
    wanted.error = "there is no such list; ask for / or for a name that ends in .txt, .csv or .json";
    return wanted;
  }
  for (const auto& [name, value] : query) {
    if (name == "v") {
      const auto format = formatNamed(lowered(value));
      if (!format) wanted.error = "v is \"" + value + "\"; write text, csv or json";
      view.format = format.value_or(view.format);
    } else if (name == "device") {
      const auto device = deviceNamed(lowered(value));
      if (!device) wanted.error = "device is \"" + value + "\"; write plain, panos or fortinet";
      view.device = device.value_or(view.device);
    } else if (name == "n") {
      const auto number = numberOf(value, 1);
      if (!number) wanted.error = "n is \"" + value + "\"; write how many entries are wanted, 1 at least";
      view.limit = std::min(view.limit, number.value_or(view.limit));
    } else if (name == "s") {
      const auto number = numberOf(value, 0);
      if (!number) wanted.error = "s is \"" + value + "\"; write how many entries are to be passed over";
      view.offset = number.value_or(0);
    } else if (name == "t") {
      view.types.clear();
      for (const std::string_view type : splitList(value, ","))
        view.types.push_back(lowered(type));
      if (view.types.size() > 50) wanted.error = "t names more than 50 types";
      std::sort(view.types.begin(), view.types.end());
      view.types.erase(std::unique(view.types.begin(), view.types.end()), view.types.end());
    }
  }
  if (view.device == Device::kFortinet) view.limit = std::min(view.limit, kFortinetLinesMax);
  return wanted;
}

std::optional<std::string> lineOf(const Item& item, Device device) {
  const std::string_view value = trimmed(item.value);
  // A blank or a control character would make two lines, or a line and a comment, of one value.
  const auto is_bad = [](unsigned char c) { return c <= 0x20 || c == 0x7F; };
  if (value.empty() || value[0] == '#' || std::any_of(value.begin(), value.end(), is_bad)) return std::nullopt;
  const std::string type = lowered(item.type);
  std::string line(value);
  if (type == "domain" || type == "domainglob" || type == "ipv6" || type == "ipv6cidr") {
    line = lowered(value);
    if (line.size() > 1 && line.back() == '.') line.pop_back();
  }
  if (device == Device::kPanos && type == "url") line = panosUrl(value);
  if (device == Device::kPanos && line.size() > kPanosLineBytesMax) return std::nullopt;
  if (line.empty()) return std::nullopt;
  return line;
}

Rendering render(const std::vector<Item>& items, const View& view) {
  Rendering out;
  if (view.format == Format::kCsv) out.bytes = "indicator,type,score,created,modified\n";
  if (view.format == Format::kJson) out.bytes = "[";
  std::unordered_set<std::string> seen;
  for (const Item& item : items) {
    if (!isWanted(item, view)) continue;
    auto line = lineOf(item, view.device);
    if (!line) {
      ++out.left_out;
      continue;
    }
    // The same line twice helps no firewall, and counts against its limit. JSON and CSV tell types apart.
    const std::string identity = view.format == Format::kText ? *line : *line + '\n' + lowered(item.type);
    if (!seen.insert(identity).second) continue;
    const std::size_t index = out.total++;
    if (index < view.offset || out.entries >= view.limit) continue;
    append(out.bytes, item, *line, view, out.entries == 0);
    ++out.entries;
  }
  if (view.format == Format::kJson) out.bytes += "\n]\n";
  return out;
}

}  // namespace edl_plugin
