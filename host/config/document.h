// A configuration file as JSON with the place of each value. YAML 1.2 by its core schema (so `no`, `on` and `yes` are
// texts, what is quoted is a text), or JSON; both through the same checks: no key twice, nested at most kJsonDepthMax,
// size and aliases bounded before anything is copied, one document a file. What is ambiguous is refused and not
// guessed: a number with leading zeros, one that does not fit, `.nan`, merge keys, foreign tags. Any thread; values.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/config/problem.h"

namespace longhaul::host::config {

class Document {
 public:
  // `file` is what messages call it. The text is at most kConfigFileBytesMax, else that is the problem.
  static Document parse(std::string_view text, std::string file);
  // The same with the file's bytes.
  static Document read(const std::filesystem::path& path);

  const std::string& file() const { return file_; }
  // Null for an empty file, and when there are problems.
  const Json& value() const { return value_; }
  // A file that is not well-formed has exactly one; what follows it could not be trusted.
  const std::vector<Problem>& problems() const { return problems_; }

  // Of the value, or of the nearest value around it. Values inside an alias have the alias' place.
  Place placeOf(std::string_view pointer) const;
  // Of the key with which it stands in its mapping.
  Place placeOfKey(std::string_view pointer) const;
  Problem problemAt(std::string_view pointer, std::string message) const;
  Problem problemAtKey(std::string_view pointer, std::string message) const;

 private:
  friend class DocumentBuilder;
  struct Places {
    Place key, value;
  };
  const Places* find(std::string_view pointer) const;

  std::string file_;
  Json value_;
  std::map<std::string, Places, std::less<>> places_;
  std::vector<Problem> problems_;
};

}  // namespace longhaul::host::config
