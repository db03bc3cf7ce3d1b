// A text with values of a request in it: "{/alert/name|/title|Alert} on {/host}". Inside the braces stand sources,
// tried in turn, and behind the last | a text that stands in:
//   /a/b         a JSON pointer (RFC 6901), from the element where an array is taken apart
//   ^/a/b        a JSON pointer from the whole document
//   header NAME, query NAME, path, client
// {{ and }} are braces; inside, \ takes the meaning from | and }. A source that is absent, null or an empty text gives
// way to the next. Immutable, any thread; owns its parts.
#ifndef WEBHOOK_PLUGIN_TEMPLATE_H
#define WEBHOOK_PLUGIN_TEMPLATE_H

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document.h"
#include "exchange.h"

namespace webhook_plugin {

// Where sources look; borrowed.
struct Scope {
  const Json& document;
  const Json& element;  // the document itself where no array is taken apart
  const Request& request;
};

class Template {
 public:
  Template() = default;
  // Throws SettingsError with what is wrong and the remedy.
  explicit Template(std::string_view text);

  // The text; a value that is no text stands as JSON. What is absent is nothing.
  std::string render(const Scope& scope) const;

  // Where the whole template is one {…}: its value as it is, null if there is none. Else the rendered text.
  Json value(const Scope& scope) const;

 private:
  enum class Kind { kText, kElement, kDocument, kHeader, kQuery, kPath, kClient };
  struct Source {
    Kind kind = Kind::kText;
    std::string name;  // the text, or the name of a header or a query's parameter
    std::optional<Json::json_pointer> pointer{};
  };
  struct Part {
    std::string literal;          // where there are no sources
    std::vector<Source> sources;  // tried in turn
  };

  static Source parseSource(std::string text, bool is_last);
  static std::size_t parseSources(std::string_view text, std::size_t at, Part& part);
  static Json find(const Source& source, const Scope& scope);
  static Json find(const Part& part, const Scope& scope);

  std::vector<Part> parts_;
};

// A value as a text: a text as it is, null as nothing, anything else as JSON.
std::string textOf(const Json& value);

}  // namespace webhook_plugin

#endif
