#include "message.h"

#include <algorithm>

#include "text.h"

namespace syslog_plugin {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::string_view kNil = "-";
// RFC 3164 says 32 characters, real program names are longer; beyond this it is prose that happens to hold a colon.
constexpr std::size_t kTagBytesMax = 128;
// Bounds what one line of a stranger costs; no real sender comes near.
constexpr std::size_t kElementsMax = 64;
constexpr std::size_t kParamsMax = 256;

// "<PRI>" at the beginning, taken off; nothing: not one of 0…191.
std::optional<int> takePriority(std::string_view& text) {
  if (text.size() < 3 || text[0] != '<') return std::nullopt;
  const std::size_t end = text.substr(0, 5).find('>');
  if (end == std::string_view::npos) return std::nullopt;
  const auto value = parseNumber(text.substr(1, end - 1), 0, kFacilityCount * kSeverityCount - 1);
  if (!value) return std::nullopt;
  text.remove_prefix(end + 1);
  return static_cast<int>(*value);
}

// A header field of RFC 5424 and the space behind it, taken off. "-" reads as empty; nothing: no such field. Lengths
// and the character set are not held against the sender.
std::optional<std::string_view> takeField(std::string_view& text) {
  const std::size_t end = text.find(' ');
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end + 1);
  return field == kNil ? std::string_view{} : field;
}

bool isNameEnd(char c) {
  return c == '=' || c == ' ' || c == ']' || c == '"';
}

// A reader of structured data that tells what it meets; false: malformed. On_param may be left unused.
template <class OnElement, class OnParam>
bool walkStructuredData(std::string_view& text, OnElement on_element, OnParam on_param) {
  auto takeName = [&]() {
    const auto end = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), isNameEnd) - text.begin());
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(end);
    return name;
  };
  auto take = [&](char c) {
    if (text.empty() || text[0] != c) return false;
    text.remove_prefix(1);
    return true;
  };
  while (take('[')) {
    const std::string_view id = takeName();
    if (id.empty()) return false;
    on_element(id);
    while (take(' ')) {
      const std::string_view name = takeName();
      if (name.empty() || !take('=') || !take('"')) return false;
      std::size_t end = 0;
      while (end < text.size() && text[end] != '"')
        end += text[end] == '\\' ? 2 : 1;
      if (end >= text.size()) return false;
      on_param(name, text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    if (!take(']')) return false;
  }
  return true;
}

// What stands behind the PRI, as RFC 5424; false: it is not, and `message` is as before.
bool parse5424(std::string_view text, Message& message) {
  if (text.substr(0, 2) != "1 ") return false;
  text.remove_prefix(2);
  Message result = message;
  result.layout = Layout::Rfc5424;
  if (text.substr(0, 2) == "- ") {
    text.remove_prefix(2);
  } else {
    result.time = takeIsoTime(text);
    if (!result.time || text.empty() || text[0] != ' ') return false;
    text.remove_prefix(1);
  }
  for (std::string_view Message::*field : {&Message::hostname, &Message::app, &Message::procid, &Message::msgid}) {
    const auto value = takeField(text);
    if (!value) return false;
    result.*field = *value;
  }
  if (!text.empty() && text[0] == '-') {
    text.remove_prefix(1);
  } else {
    const std::string_view begin = text;
    if (text.empty() || text[0] != '[') return false;
    if (!walkStructuredData(
            text, [](std::string_view) {}, [](std::string_view, std::string_view) {}))
      return false;
    result.structured_data = begin.substr(0, begin.size() - text.size());
  }
  if (!text.empty()) {
    if (text[0] != ' ') return false;
    text.remove_prefix(1);
    if (text.substr(0, kBom.size()) == kBom) text.remove_prefix(kBom.size());
  }
  result.text = text;
  message = result;
  return true;
}

// "su:" or "sshd[123]:" at the beginning of the content; without one, the content is all text.
void takeTag(std::string_view content, Message& message) {
  message.text = content;
  const std::size_t end = content.substr(0, kTagBytesMax).find_first_of(" :[");
  if (end == std::string_view::npos || end == 0 || content[end] == ' ') return;
  std::string_view rest = content.substr(end);
  std::string_view procid;
  if (rest[0] == '[') {
    const std::size_t close = rest.substr(0, kTagBytesMax).find_first_of(" ]");
    if (close == std::string_view::npos || rest[close] != ']') return;
    procid = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest[0] == ':') rest.remove_prefix(1);
  } else {
    rest.remove_prefix(1);
    // "http://…" and "10:15" are text.
    if (!rest.empty() && rest[0] != ' ') return;
  }
  if (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  message.app = content.substr(0, end);
  message.procid = procid;
  message.text = rest;
}

// What stands behind the PRI, as RFC 3164 or with the longer time that relays write; false: it is not.
bool parse3164(std::string_view text, Message& message) {
  auto time = takeBsdTime(text);
  if (!time) time = takeIsoTime(text);
  if (!time || (!text.empty() && text[0] != ' ')) return false;
  message.layout = Layout::Rfc3164;
  message.time = time;
  if (!text.empty()) text.remove_prefix(1);
  // Senders on the same machine leave the host name out: then a tag comes first.
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  const bool is_tag = word.empty() || word.back() == ':' || word.find('[') != std::string_view::npos;
  if (!is_tag && end < text.size()) {
    message.hostname = word;
    text.remove_prefix(end + 1);
  }
  takeTag(text, message);
  return true;
}

}  // namespace

std::string_view layoutName(Layout layout) {
  switch (layout) {
    case Layout::Rfc5424:
      return "RFC 5424";
    case Layout::Rfc3164:
      return "RFC 3164";
    case Layout::Unparsed:
      break;
  }
  return "unparsed";
}

Message parseMessage(std::string_view line) {
  Message message;
  std::string_view rest = line;
  if (const auto priority = takePriority(rest)) {
    message.has_priority = true;
    message.facility = *priority / kSeverityCount;
    message.severity = *priority % kSeverityCount;
    if (parse5424(rest, message) || parse3164(rest, message)) return message;
  }
  message.text = rest;
  return message;
}

std::vector<StructuredElement> structuredData(std::string_view structured_data) {
  std::vector<StructuredElement> elements;
  std::size_t params = 0;
  bool kept = false;
  walkStructuredData(
      structured_data,
      [&](std::string_view id) {
        kept = elements.size() < kElementsMax;
        if (kept) elements.push_back({id, {}});
      },
      [&](std::string_view name, std::string_view escaped) {
        if (!kept || ++params > kParamsMax) return;
        std::string value;
        for (std::size_t i = 0; i < escaped.size(); ++i) {
          // A backslash before anything else stands for itself.
          if (escaped[i] == '\\' && i + 1 < escaped.size() &&
              std::string_view("\"\\]").find(escaped[i + 1]) != std::string_view::npos) {
            ++i;
          }
          value += escaped[i];
        }
        elements.back().params.emplace_back(name, std::move(value));
      });
  return elements;
}

}  // namespace syslog_plugin
