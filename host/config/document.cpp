#include "host/config/document.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/files.h"
#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/config/document_builder.h"
#include "host/config/parsers.h"

namespace longhaul::host::config {
namespace {

Place placeOfByte(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {.line = static_cast<int>(line) + 1, .column = static_cast<int>(offset - start) + 1};
}

std::size_t firstBadUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t next = at + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80)
      ++next;
    if (!isUtf8(text.substr(at, next - at))) return at;
    at = next;
  }
  return 0;
}

void checkBytes(std::string_view text, const DocumentBuilder& builder) {
  if (text.size() > kConfigFileBytesMax) {
    builder.fail({.line = 1, .column = 1},
                 fmt::format("the file has {} bytes; wanted at most {}: split it", text.size(), kConfigFileBytesMax));
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    builder.fail({.line = 1, .column = 1}, "the file is UTF-16; wanted UTF-8: save it as such");
  }
  if (!isUtf8(text)) {
    const std::size_t at = firstBadUtf8(text);
    builder.fail(placeOfByte(text, at), fmt::format("the byte 0x{:02x} is not UTF-8; save the file as UTF-8",
                                                    static_cast<unsigned char>(text[at])));
  }
  const auto control = std::find_if(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f;
  });
  if (control != text.end()) {
    builder.fail(placeOfByte(text, static_cast<std::size_t>(control - text.begin())),
                 fmt::format("the control character 0x{:02x} cannot stand in a configuration; take it out, or write it "
                             "as an escape in double quotes",
                             static_cast<unsigned char>(*control)));
  }
}

}  // namespace

Document Document::parse(std::string_view text, std::string file) {
  const auto attempt = [&](auto parser) {
    Document document;
    document.file_ = file;
    DocumentBuilder builder{document};
    try {
      checkBytes(text, builder);
      parser(text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text, builder);
    } catch (const Fault& fault) {
      document.value_ = nullptr;
      document.problems_.push_back({file, fault.place, fault.pointer, fault.message});
    }
    return document;
  };
  // JSON is nearly a part of YAML; what is beyond (surrogate pairs, tabs) is why it has a parser of its own.
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool named_json = file.ends_with(".json");
  if (named_json || (first != std::string_view::npos && (text[first] == '{' || text[first] == '['))) {
    Document json = attempt(parseJsonText);
    if (named_json || json.problems_.empty()) return json;
  }
  return attempt(parseYaml);
}

Document Document::read(const std::filesystem::path& path) {
  auto text = readFile(path, kConfigFileBytesMax);
  if (text) return parse(*text, path.native());
  Document document;
  document.file_ = path.native();
  document.problems_.push_back(
      {path.native(),
       {},
       {},
       text.error().message +
           (text.error().code == Code::NotFound ? "; name a file that is there" : "; mend it, or take the file away")});
  return document;
}

const Document::Places* Document::find(std::string_view pointer) const {
  for (;;) {
    if (const auto found = places_.find(pointer); found != places_.end()) return &found->second;
    const std::size_t cut = pointer.rfind('/');
    if (cut == std::string_view::npos) return nullptr;
    pointer = pointer.substr(0, cut);
  }
}

Place Document::placeOf(std::string_view pointer) const {
  const Places* places = find(pointer);
  return places == nullptr ? Place{} : places->value;
}

Place Document::placeOfKey(std::string_view pointer) const {
  const Places* places = find(pointer);
  return places == nullptr ? Place{} : places->key;
}

Problem Document::problemAt(std::string_view pointer, std::string message) const {
  return {file_, placeOf(pointer), std::string(pointer), std::move(message)};
}

Problem Document::problemAtKey(std::string_view pointer, std::string message) const {
  return {file_, placeOfKey(pointer), std::string(pointer), std::move(message)};
}

}  // namespace longhaul::host::config
