#include "template.h"

#include "settings_error.h"
#include "text.h"

namespace webhook_plugin {
namespace {

bool beginsWith(std::string_view text, std::string_view begin) {
  return text.substr(0, begin.size()) == begin;
}

Json queryValue(std::string_view query, const std::string& name) {
  for (const std::string_view pair : splitList(query, '&')) {
    const std::size_t equals = pair.find('=');
    if (urlDecoded(pair.substr(0, equals)) != name) continue;
    return equals == std::string_view::npos ? std::string() : urlDecoded(pair.substr(equals + 1));
  }
  return nullptr;
}

bool isNothing(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

Json at(const Json& root, const Json::json_pointer& pointer) {
  try {
    return root.contains(pointer) ? root.at(pointer) : Json();
  } catch (const Json::exception&) {  // an index beyond every array
    return nullptr;
  }
}

}  // namespace

std::string textOf(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Template::Template(std::string_view text) {
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) parts_.push_back({std::move(literal), {}});
    literal.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const bool doubled = at + 1 < text.size() && text[at + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      literal.push_back(c);
      at += 2;
    } else if (c == '}') {
      throw SettingsError("a } stands alone; a brace that is meant is written }}");
    } else if (c == '{') {
      flush();
      at = parseSources(text, at + 1, parts_.emplace_back());
    } else {
      literal.push_back(c);
      ++at;
    }
  }
  flush();
}

// From behind the { to behind the }.
std::size_t Template::parseSources(std::string_view text, std::size_t at, Part& part) {
  std::string one;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\' && at + 1 < text.size()) {
      one.push_back(text[++at]);
    } else if (c == '|') {
      part.sources.push_back(parseSource(std::move(one), false));
      one.clear();
    } else if (c == '}') {
      part.sources.push_back(parseSource(std::move(one), true));
      if (part.sources.size() == 1 && part.sources[0].kind == Kind::kText)
        throw SettingsError(
            "{" + part.sources[0].name +
            "} is no source; write a JSON pointer as in {/alert/name}, or header NAME, query NAME, path "
            "or client");
      return at + 1;
    } else {
      one.push_back(c);
    }
  }
  throw SettingsError("a { has no }; a brace that is meant is written {{");
}

Template::Source Template::parseSource(std::string text, bool is_last) {
  const std::string_view view = trimmed(text);
  const bool of_document = beginsWith(view, "^/") || view == "^";
  if (beginsWith(view, "/") || of_document) {
    Source source{of_document ? Kind::kDocument : Kind::kElement, {}};
    try {
      source.pointer = Json::json_pointer(std::string(of_document ? view.substr(1) : view));
    } catch (const Json::exception&) {
      throw SettingsError("\"" + std::string(view) + "\" is no JSON pointer: behind ~ stands 0 (for ~) or 1 (for /)");
    }
    return source;
  }
  if (beginsWith(view, "header ")) return {Kind::kHeader, lowered(trimmed(view.substr(7)))};
  if (beginsWith(view, "query ")) return {Kind::kQuery, std::string(trimmed(view.substr(6)))};
  if (view == "path") return {Kind::kPath, {}};
  if (view == "client") return {Kind::kClient, {}};
  if (is_last) return {Kind::kText, std::move(text)};
  throw SettingsError(
      "\"" + std::string(view) +
      "\" is no source; before a | stands a JSON pointer as in /alert/name, or header NAME, query NAME, "
      "path or client");
}

Json Template::find(const Source& source, const Scope& scope) {
  switch (source.kind) {
    case Kind::kText:
      return source.name;
    case Kind::kElement:
      return at(scope.element, *source.pointer);
    case Kind::kDocument:
      return at(scope.document, *source.pointer);
    case Kind::kHeader: {
      const auto field = scope.request.field(source.name);
      return field ? Json(std::string(*field)) : Json();
    }
    case Kind::kQuery:
      return queryValue(scope.request.query, source.name);
    case Kind::kPath:
      return scope.request.path;
    case Kind::kClient:
      return scope.request.client;
  }
  return nullptr;
}

Json Template::find(const Part& part, const Scope& scope) {
  for (const Source& source : part.sources) {
    Json value = find(source, scope);
    if (!isNothing(value)) return value;
  }
  return nullptr;
}

std::string Template::render(const Scope& scope) const {
  std::string out;
  for (const Part& part : parts_)
    out += part.sources.empty() ? part.literal : textOf(find(part, scope));
  return out;
}

Json Template::value(const Scope& scope) const {
  if (parts_.size() == 1 && !parts_[0].sources.empty()) return find(parts_[0], scope);
  return render(scope);
}

}  // namespace webhook_plugin
