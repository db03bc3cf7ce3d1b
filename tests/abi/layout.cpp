#include "tests/abi/layout.h"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>

namespace longhaul::abi {
namespace {

namespace fs = std::filesystem;

bool isWordChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Blanks, not cut, so that offsets stay.
std::string blankComments(std::string text) {
  for (std::size_t at = text.find("/*"); at != std::string::npos; at = text.find("/*", at)) {
    const std::size_t end = text.find("*/", at);
    if (end == std::string::npos) throw std::runtime_error("a comment does not end");
    for (; at < end + 2; ++at)
      if (text[at] != '\n') text[at] = ' ';
  }
  return text;
}

// One blank between two words, none elsewhere.
std::string squeeze(const std::string& text) {
  std::string out;
  bool blank = false;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      blank = true;
      continue;
    }
    if (blank && !out.empty() && isWordChar(out.back()) && isWordChar(c)) out += ' ';
    blank = false;
    out += c;
  }
  return out;
}

// "const longhaul_server_t*server" → "const longhaul_server_t*"; a lone word is a type without a name.
std::string withoutName(const std::string& parameter) {
  std::size_t start = parameter.size();
  while (start > 0 && isWordChar(parameter[start - 1]))
    --start;
  if (start == 0 || start == parameter.size()) return parameter;
  return squeeze(parameter.substr(0, start));
}

// A declaration without its semicolon: "void (*put)(void* self, longhaul_text_t text)" or "uint32_t struct_size".
Field readField(const std::string& structure, const std::string& declaration) {
  Field field;
  field.structure = structure;
  const std::string text = squeeze(declaration);
  const std::size_t pointer = text.find("(*");
  if (pointer == std::string::npos) {
    std::size_t start = text.size();
    while (start > 0 && isWordChar(text[start - 1]))
      --start;
    field.name = text.substr(start);
    field.type = squeeze(text.substr(0, start));
    if (field.name.empty() || field.type.empty() || text.find_first_of(",()[]:") != std::string::npos)
      throw std::runtime_error("cannot read the field \"" + text + "\" of " + structure + "; one declarator a line");
    return field;
  }
  const std::size_t name_end = text.find(')', pointer);
  field.name = text.substr(pointer + 2, name_end - pointer - 2);
  const std::string parameters = text.substr(name_end + 2, text.size() - name_end - 3);
  if (text[name_end + 1] != '(' || text.back() != ')' || parameters.find('(') != std::string::npos)
    throw std::runtime_error("cannot read the slot \"" + text + "\" of " + structure);
  field.type = text.substr(0, pointer) + "(*)(";
  std::stringstream list(parameters);
  for (std::string parameter; std::getline(list, parameter, ',');) {
    if (field.type.back() != '(') field.type += ',';
    field.type += withoutName(parameter);
  }
  field.type += ')';
  return field;
}

// The struct whose body opens at `open`.
void readStruct(Header& header, std::size_t open) {
  const std::size_t close = header.text.find('}', open);
  const std::size_t end = header.text.find(';', close);
  if (end == std::string::npos) throw std::runtime_error(header.path.string() + ": a struct does not end");
  std::string name = squeeze(header.text.substr(close + 1, end - close - 1));
  if (name.empty()) {
    std::size_t start = header.text.rfind("struct", open);
    name = squeeze(header.text.substr(start, open - start));
  }
  header.structures.push_back(name);
  for (std::size_t at = open + 1; at < close;) {
    const std::size_t semicolon = header.text.find(';', at);
    if (semicolon > close) break;
    while (std::isspace(static_cast<unsigned char>(header.text[at])) != 0)
      ++at;
    Field field = readField(name, header.text.substr(at, semicolon - at));
    field.start = at;
    field.size = semicolon + 1 - at;
    header.fields.push_back(field);
    at = semicolon + 1;
  }
}

std::string shellQuoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void run(const std::string& command, const fs::path& log) {
  if (std::system((command + " > " + shellQuoted(log.string()) + " 2>&1").c_str()) != 0)
    throw std::runtime_error(command + "\n" + readText(log));
}

// A program that prints the layout.
std::string programOf(const std::vector<Header>& headers) {
  std::string out = "#include <stdio.h>\n#include \"longhaul/plugin.h\"\n";
  for (const Header& header : headers)
    out += "#include \"longhaul/" + header.path.filename().string() + "\"\n";
  out +=
      "#define FIELD(s, m, t) printf(\"field %s.%s offset %zu size %zu type %s\\n\", #s, #m, offsetof(s, m), "
      "sizeof(((s*)0)->m), t)\n"
      "int main(void) {\n"
      "  printf(\"type longhaul_status_t size %zu signed %d\\n\", sizeof(longhaul_status_t), "
      "(longhaul_status_t)-1 < 0);\n";
  for (const Header& header : headers) {
    for (const std::string& structure : header.structures)
      out += "  printf(\"struct %s size %zu\\n\", \"" + structure + "\", sizeof(" + structure + "));\n";
    for (const Field& field : header.fields)
      out += "  FIELD(" + field.structure + ", " + field.name + ", \"" + field.type + "\");\n";
    for (const std::string& constant : header.constants)
      out += "  printf(\"constant " + constant + " %lld\\n\", (long long)(" + constant + "));\n";
  }
  return out + "  return 0;\n}\n";
}

}  // namespace

std::string readText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void writeText(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

Header readHeader(const fs::path& path) {
  Header header;
  header.path = path;
  header.text = blankComments(readText(path));
  for (std::size_t at = header.text.find("struct "); at != std::string::npos;
       at = header.text.find("struct ", at + 1)) {
    const std::size_t stop = header.text.find_first_of("{;()", at);
    if (stop != std::string::npos && header.text[stop] == '{') readStruct(header, stop);
  }
  std::stringstream lines(header.text);
  for (std::string line; std::getline(lines, line);) {
    std::stringstream words(line);
    std::string define, name, value;
    words >> define >> name >> value;
    if (define != "#define" || name.find('(') != std::string::npos) continue;
    const std::size_t first = value.find_first_not_of("(-");
    if (first != std::string::npos && std::isdigit(static_cast<unsigned char>(value[first])) != 0)
      header.constants.push_back(name);
  }
  return header;
}

std::vector<Header> readHeaders(const fs::path& include) {
  std::vector<Header> headers;
  for (const char* name : {"types.h", "server.h", "plugin.h", "commands.h", "http.h", "migrate.h", "indicators.h"})
    if (fs::exists(include / "longhaul" / name)) headers.push_back(readHeader(include / "longhaul" / name));
  return headers;
}

std::string readVersion(const fs::path& include) {
  std::string version;
  for (const char* part : {"MAJOR", "MINOR"}) {
    const std::string text = readText(include / "longhaul/version.h");
    const std::string name = std::string("#define LONGHAUL_VERSION_") + part + " ";
    const std::size_t at = text.find(name);
    if (at == std::string::npos) throw std::runtime_error("version.h has no " + name);
    version += (version.empty() ? "" : ".") + std::to_string(std::atoi(text.c_str() + at + name.size()));
  }
  return version;
}

std::string layoutOf(const fs::path& include, const std::string& compiler, const fs::path& work) {
  writeText(work / "layout.c", programOf(readHeaders(include)));
  const auto quoted = [&](const char* name) { return shellQuoted((work / name).string()); };
  run(shellQuoted(compiler) + " -std=c11 -O0 -I" + shellQuoted(include.string()) + " " + quoted("layout.c") + " -o " +
          quoted("layout"),
      work / "compiler.log");
  run(quoted("layout"), work / "layout.out");
  return readText(work / "layout.out");
}

std::vector<std::string> missingLines(const std::string& older, const std::string& newer) {
  std::set<std::string> there;
  std::stringstream new_lines(newer), old_lines(older);
  for (std::string line; std::getline(new_lines, line);)
    there.insert(line);
  std::vector<std::string> missing;
  for (std::string line; std::getline(old_lines, line);)
    if (line.rfind("struct ", 0) != 0 && there.count(line) == 0) missing.push_back(line);
  return missing;
}

}  // namespace longhaul::abi
