#include "document.h"

#include "longhaul/sdk/detail/json_object.hpp"
#include "text.h"

namespace webhook_plugin {
namespace {

constexpr std::size_t kFormFieldsMax = 1000;
constexpr std::size_t kFormNameBytesMax = 256;

Document refused(unsigned status, std::string reason) {
  return {Refusal{status, std::move(reason)}, {}, {}};
}

bool isJsonType(std::string_view type) {
  const bool with_suffix = type.size() > 5 && type.substr(type.size() - 5) == "+json";
  return type == "application/json" || type == "text/json" || (type.substr(0, 12) == "application/" && with_suffix);
}

// The value of charset=, in lower case and without quotes; empty: none.
std::string charsetOf(std::string_view parameters) {
  for (const std::string_view one : splitList(parameters, ';')) {
    const std::string parameter = lowered(one);
    if (parameter.substr(0, 8) != "charset=") continue;
    std::string value = parameter.substr(8);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

Document readJson(std::string_view text, const std::string& what) {
  longhaul::detail::JsonFault fault;
  if (trimmed(text).empty()) return refused(400, what + " is empty, JSON is wanted");
  if (!longhaul::detail::checkJson(text, &fault))
    return refused(400, what + " is not JSON: at byte " + std::to_string(fault.offset) + ", " + fault.what);
  Document document;
  document.json = Json::parse(text, nullptr, false);
  // What the check lets through and the parser does not: a number beyond every double.
  if (document.json.is_discarded()) return refused(400, what + " holds a number that is too large");
  document.text = text;
  return document;
}

Document readForm(std::string_view body) {
  Json object = Json::object();
  std::size_t count = 0;
  for (const std::string_view pair : splitList(body, '&')) {
    if (++count > kFormFieldsMax) return refused(400, "the form has more than 1000 fields");
    const std::size_t equals = pair.find('=');
    std::string name = urlDecoded(pair.substr(0, equals));
    Json value = equals == std::string_view::npos ? std::string() : urlDecoded(pair.substr(equals + 1));
    if (name.empty() || name.size() > kFormNameBytesMax)
      return refused(400, "a field of the form has no name, or one of more than 256 bytes");
    const auto there = object.find(name);
    if (there == object.end()) {
      object[std::move(name)] = std::move(value);
    } else if (there->is_array()) {
      there->push_back(std::move(value));
    } else {
      *there = Json::array({*there, std::move(value)});
    }
  }
  if (object.empty()) return refused(400, "the form is empty");
  const auto payload = object.find("payload");
  if (payload != object.end() && payload->is_string()) {
    const auto& text = payload->get_ref<const std::string&>();
    const std::string_view begin = trimmed(text);
    if (!begin.empty() && (begin[0] == '{' || begin[0] == '[')) return readJson(text, "the form's field payload");
  }
  Document document;
  // Bytes that are no UTF-8 become U+FFFD, and the document is what the text says.
  document.text = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  document.json = Json::parse(document.text, nullptr, false);
  return document;
}

}  // namespace

Document readDocument(const Request& request) {
  const auto encoding = request.field("content-encoding");
  if (encoding && lowered(trimmed(*encoding)) != "identity")
    return refused(415, "the body has the Content-Encoding \"" + oneLine(*encoding) + "\"; send it as it is");
  const auto field = request.field("content-type");
  if (!field || trimmed(*field).empty())
    return refused(415, "there is no Content-Type; wanted is application/json or application/x-www-form-urlencoded");
  const std::size_t semicolon = field->find(';');
  const std::string type = lowered(trimmed(field->substr(0, semicolon)));
  const std::string charset = semicolon == std::string_view::npos ? "" : charsetOf(field->substr(semicolon + 1));
  if (!charset.empty() && charset != "utf-8" && charset != "utf8" && charset != "us-ascii")
    return refused(415, "the Content-Type names the charset \"" + oneLine(charset) + "\"; send UTF-8");
  if (isJsonType(type)) return readJson(request.body, "the body");
  if (type == "application/x-www-form-urlencoded") return readForm(request.body);
  return refused(415, "the Content-Type is \"" + oneLine(type) +
                          "\"; wanted is application/json or application/x-www-form-urlencoded");
}

}  // namespace webhook_plugin
