// The fake server's rules about JSON beyond its grammar: no key twice in one object, what an incident may hold, how two
// lists are merged by id. Pure.
#ifndef LONGHAUL_SDK_TESTING_JSON_RULES_HPP
#define LONGHAUL_SDK_TESTING_JSON_RULES_HPP

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "longhaul/sdk/detail/json_object.hpp"

namespace longhaul::testing {

// No object at any level has a key twice. The text is JSON; at most 64 levels, so recursion is bounded.
inline bool keysAreSingle(std::string_view json, std::string& twice) {
  std::vector<detail::JsonMember> members;
  std::vector<std::string_view> elements;
  if (detail::splitJsonObject(json, members)) {
    std::set<std::string_view> keys;
    for (const auto& member : members) {
      if (!keys.insert(member.key).second) return twice = member.key, false;
      if (!keysAreSingle(member.value, twice)) return false;
    }
  } else if (detail::splitJsonArray(json, elements)) {
    for (const auto element : elements)
      if (!keysAreSingle(element, twice)) return false;
  }
  return true;
}

inline bool checkStrict(bool split, std::string_view json, const detail::JsonFault& fault, std::string_view what,
                        std::string& error) {
  std::string twice;
  if (json.data() == nullptr) return error = std::string(what) + " is absent", false;
  if (!split) {
    error = std::string(what) + ", byte " + std::to_string(fault.offset) + ": " + fault.what;
    return false;
  }
  if (keysAreSingle(json, twice)) return true;
  error = std::string(what) + ": key \"" + twice + "\" stands twice in one object";
  return false;
}

// Splits and says in one sentence what is wrong, if it is. `what` names the argument.
inline bool splitStrict(std::string_view json, std::vector<detail::JsonMember>& out, std::string_view what,
                        std::string& error) {
  detail::JsonFault fault;
  return checkStrict(detail::splitJsonObject(json, out, &fault), json, fault, what, error);
}
inline bool splitStrict(std::string_view json, std::vector<std::string_view>& out, std::string_view what,
                        std::string& error) {
  detail::JsonFault fault;
  return checkStrict(detail::splitJsonArray(json, out, &fault), json, fault, what, error);
}

// "2026-11-24T03:22:02Z", with a fraction and any offset.
inline bool isRfc3339(std::string_view text) {
  const auto fits = [&](std::string_view form) {
    if (text.size() < form.size()) return false;
    for (std::size_t i = 0; i < form.size(); ++i) {
      const bool digit = text[i] >= '0' && text[i] <= '9';
      if (form[i] == '0' ? !digit : text[i] != form[i]) return false;
    }
    text.remove_prefix(form.size());
    return true;
  };
  if (!fits("0000-00-00T00:00:00")) return false;
  if (fits(".0"))
    while (fits("0")) {
    }
  return (fits("Z") || fits("+00:00") || fits("-00:00")) && text.empty();
}

// What one incident may hold: texts, a severity, labels, custom fields. An unknown key is kept and named.
class IncidentRules {
 public:
  std::string name;
  std::string type;
  std::string severity = "0";
  std::vector<std::string> unknown_keys;

  bool read(std::string_view json, std::string& error) {
    std::vector<detail::JsonMember> members;
    if (!detail::splitJsonObject(json, members)) return error = "an object is wanted", false;
    for (const detail::JsonMember& member : members) {
      if (member.value == "null") continue;
      if (!readMember(member, error)) return false;
    }
    if (name.empty()) return error = "\"name\" is missing or empty", false;
    return true;
  }

 private:
  static bool isOneOf(std::string_view text, std::initializer_list<std::string_view> known) {
    return std::find(known.begin(), known.end(), text) != known.end();
  }

  bool readMember(const detail::JsonMember& member, std::string& error) {
    std::string text;
    if (isOneOf(member.key, {"name", "type", "occurred", "details", "owner", "rawJSON", "dbotMirrorId"})) {
      if (!detail::decodeJsonString(member.value, text)) return error = member.key + " has to be a string", false;
      if (member.key == "name") name = text;
      if (member.key == "type") type = text;
      if (member.key == "occurred" && !isRfc3339(text))
        return error = "occurred is \"" + text + "\", a time such as 2026-11-24T03:22:02Z is wanted", false;
    } else if (member.key == "severity") {
      severity = member.value;
      if (severity.size() > 2 && severity.substr(1) == ".0") severity.resize(1);
      if (!isOneOf(severity, {"0", "0.5", "1", "2", "3", "4"}))
        return error = "severity is " + severity + ", one of 0, 0.5, 1, 2, 3, 4 is wanted", false;
    } else if (member.key == "labels") {
      return readLabels(member.value, error);
    } else if (member.key == "CustomFields") {
      std::vector<detail::JsonMember> fields;
      if (!detail::splitJsonObject(member.value, fields)) return error = "CustomFields has to be an object", false;
    } else if (!isOneOf(member.key, {"attachment", "sourceBrand", "sourceInstance", "created", "modified",
                                     "closeReason", "dueDate", "sla", "status", "playbookId", "createInvestigation"})) {
      unknown_keys.push_back(member.key);  // the others are XSOAR's, kept without a word
    }
    return true;
  }

  static bool readLabels(std::string_view json, std::string& error) {
    std::vector<std::string_view> labels;
    std::vector<detail::JsonMember> members;
    std::string text;
    bool good = detail::splitJsonArray(json, labels);
    for (const auto label : labels) {
      bool type = false, value = false;
      good = good && detail::splitJsonObject(label, members);
      for (const auto& member : members) {
        type = type || (member.key == "type" && detail::decodeJsonString(member.value, text));
        value = value || member.key == "value";
      }
      good = good && type && value;
    }
    if (!good) error = "labels has to be an array of {\"type\": text, \"value\": …}";
    return good;
  }
};

// mergeIntegrationContext on the texts: `value` is the stored one (empty: none) and becomes the merged one.
inline bool mergeLists(std::string& value, std::string_view list, std::string_view id_field, std::string& error) {
  using Object = std::vector<detail::JsonMember>;
  const auto find = [](const Object& object, std::string_view key) {
    const auto at = std::find_if(object.begin(), object.end(), [&](const auto& member) { return member.key == key; });
    return at == object.end() ? std::string_view() : at->value;
  };
  const auto sameValue = [](std::string_view a, std::string_view b) {
    std::string left, right;
    return a == b || (detail::decodeJsonString(a, left) && detail::decodeJsonString(b, right) && left == right);
  };

  std::string stored = value.empty() ? "[]" : value;  // owns what the views below look into
  const bool is_text = stored.front() == '"';
  if (is_text) detail::decodeJsonString(value, stored);
  std::vector<std::string_view> old_elements, new_elements;
  if (!splitStrict(stored, old_elements, "the stored value, to be merged,", error)) return false;
  if (!splitStrict(list, new_elements, "the list", error)) return false;

  std::vector<std::string> merged(old_elements.begin(), old_elements.end());
  for (const std::string_view element : new_elements) {
    Object added;
    const bool is_object = detail::splitJsonObject(element, added);
    const std::string_view id = is_object ? find(added, id_field) : std::string_view();
    if (id.data() == nullptr)
      return error = "the list has to hold objects with the field \"" + std::string(id_field) + "\"", false;
    const bool remove = find(added, "remove") == "true";
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const std::string& there) {
      Object object;
      return detail::splitJsonObject(there, object) && sameValue(find(object, id_field), id);
    });
    if (same == merged.end()) {
      if (!remove) merged.emplace_back(element);
    } else if (remove) {
      merged.erase(same);
    } else {
      Object object;
      const std::string under = *same;
      detail::splitJsonObject(under, object);
      for (const auto& member : added) {
        const auto at = std::find_if(object.begin(), object.end(), [&](const auto& m) { return m.key == member.key; });
        if (at == object.end()) {
          object.push_back(member);
        } else {
          at->value = member.value;
        }
      }
      *same = detail::joinJsonObject(object);
    }
  }
  std::string out = "[";
  for (const std::string& element : merged) {
    if (out.size() > 1) out += ',';
    out += element;
  }
  out += ']';
  value = is_text ? detail::quoteJson(out) : out;
  return true;
}

}  // namespace longhaul::testing

#endif
