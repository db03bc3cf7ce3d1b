#include "host/cli/yaml_text.h"

#include <algorithm>

#include "host/base/text.h"

namespace longhaul::host::cli {
namespace {

// Plain only where no reader of YAML 1.1 or 1.2 could see anything else in it: words of letters, digits and a few signs
// that begin with a letter and are none of the known words. All else is quoted, which is never wrong.
bool mayBePlain(const std::string& text) {
  constexpr std::size_t kPlainBytesMax = 200;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || text.size() > kPlainBytesMax || !(letter(text[0]) || text[0] == '/')) return false;
  const bool known_signs = std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || std::string_view("_-./ +()=;").find(c) != std::string_view::npos;
  });
  if (!known_signs || text.back() == ' ') return false;
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const char* word : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}) {
    if (lower == word) return false;
  }
  return true;
}

std::string scalarText(const Json& value) {
  if (value.is_string() && mayBePlain(value.get_ref<const std::string&>())) return value.get<std::string>();
  if (value.is_object()) return "{}";
  if (value.is_array()) return "[]";
  return dumpJson(value);  // a JSON scalar is a YAML scalar
}

bool isScalar(const Json& value) {
  return !value.is_structured() || value.empty();
}

std::string keyText(const std::string& key) {
  return mayBePlain(key) ? key : dumpJson(Json(key));
}

// Recursion is bounded: every value came through parseJson.
void write(const Json& value, std::size_t indent, bool begun, std::string& out) {
  const std::string blanks(indent, ' ');
  if (isScalar(value)) {
    out += scalarText(value) + '\n';
    return;
  }
  if (value.is_array()) {
    for (const Json& item : value) {
      if (!begun) out += blanks;
      begun = false;
      out += "- ";
      write(item, indent + 2, true, out);
    }
    return;
  }
  for (const auto& [key, item] : value.items()) {
    if (!begun) out += blanks;
    begun = false;
    out += keyText(key) + ':';
    if (isScalar(item)) {
      out += ' ' + scalarText(item) + '\n';
    } else {
      out += '\n';
      write(item, indent + 2, false, out);
    }
  }
}

// Objects are split as texts, so that nothing is read as a number. A list's JSON is YAML as it is.
Result<void> writeText(std::string_view json, std::size_t indent, std::string& out) {
  auto value = parseJson(json);
  if (!value) return value.error();
  if (!value->is_object() || value->empty()) {
    out += (value->is_string() ? scalarText(*value) : std::string(json)) + '\n';
    return {};
  }
  auto members = splitObject(json);
  if (!members) return members.error();
  if (indent > 0) out += '\n';
  for (const auto& [key, text] : *members) {
    out += std::string(indent, ' ') + keyText(key) + ':';
    const Json& item = value->at(key);
    if (!item.is_object() || item.empty()) out += ' ';
    if (auto written = writeText(text, indent + 2, out); !written) return written;
  }
  return {};
}

}  // namespace

Result<std::string> yamlOfJson(std::string_view json) {
  std::string out;
  if (auto written = writeText(json, 0, out); !written) return written.error();
  return out;
}

std::string yamlText(const Json& value) {
  std::string out;
  write(value, 0, true, out);
  return out;
}

}  // namespace longhaul::host::cli
