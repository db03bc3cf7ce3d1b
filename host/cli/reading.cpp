#include "host/cli/reading.h"

#include <fmt/format.h>

#include "host/base/files.h"

namespace longhaul::host::cli {

Result<std::string> readInput(Session& session, const std::string& file, std::size_t bytes_max) {
  if (file != "-") return readFile(file, bytes_max);
  std::string text(bytes_max + 1, '\0');
  session.surroundings.in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(session.surroundings.in.gcount()));
  if (text.size() > bytes_max) {
    return Error{Code::TooLarge, fmt::format("stdin has more than {} bytes, the most that is taken", bytes_max)};
  }
  return text;
}

Result<std::map<std::string, std::string>> readObject(Session& session, const std::vector<std::string>& words) {
  if (words.size() == 1 && (words[0] == "-" || words[0].starts_with('{'))) {
    auto text = words[0] == "-" ? readInput(session, "-", kRequestBodyBytesMax) : Result<std::string>{words[0]};
    if (!text) return std::move(text).error();
    auto members = splitObject(*text);
    if (!members) return withContext(words[0] == "-" ? "stdin" : "the object", std::move(members).error());
    return members;
  }
  std::map<std::string, std::string> members;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{Code::Invalid,
                   fmt::format("found \"{}\", wanted KEY=VALUE, one JSON object, or - for one on stdin", word)};
    }
    const std::string value = word.substr(equals + 1);
    members[word.substr(0, equals)] = checkJson(value) ? value : dumpJson(Json(value));
  }
  return members;
}

std::string objectText(const std::map<std::string, std::string>& members) {
  std::string text = "{";
  for (const auto& [key, value] : members)
    text += fmt::format("{}{}:{}", text.size() > 1 ? "," : "", dumpJson(Json(key)), value);
  return text + "}";
}

}  // namespace longhaul::host::cli
