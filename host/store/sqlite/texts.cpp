#include "host/store/sqlite/texts.h"

#include "host/base/json.h"

namespace longhaul::host::store {

std::string writeTexts(const std::vector<std::string>& texts) {
  return texts.empty() ? std::string{} : dumpJson(Json(texts));
}

std::vector<std::string> readTexts(std::string_view column) {
  std::vector<std::string> texts;
  if (column.empty()) return texts;
  const auto list = parseJson(column);
  if (!list || !list->is_array()) return texts;
  for (const Json& text : *list) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

}  // namespace longhaul::host::store
