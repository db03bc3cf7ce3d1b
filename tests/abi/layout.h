// The layout of the plugin ABI as text: every field of every public struct with offset, size and type, every status and
// limit with its value. Field names and types are read from the C headers themselves, so that none can be forgotten;
// offsets and sizes come from a compiled program. Test code; one thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace longhaul::abi {

struct Field {
  std::string structure;  // "longhaul_server_t", or "struct longhaul_server" without a typedef
  std::string name;
  std::string type;       // blanks and names of parameters taken out
  std::size_t start = 0;  // where its declaration stands in the header, with the semicolon
  std::size_t size = 0;
};

// One public C header.
struct Header {
  std::filesystem::path path;
  std::string text;  // comments are blanked out, so that offsets fit the file
  std::vector<Field> fields;
  std::vector<std::string> structures;
  std::vector<std::string> constants;  // object-like macros that stand for a number
};

std::string readText(const std::filesystem::path& path);
void writeText(const std::filesystem::path& path, const std::string& text);

// Throws std::runtime_error with header and text when it meets what it cannot read.
Header readHeader(const std::filesystem::path& path);
// types.h, server.h, plugin.h of an include folder, and the tables that its minor has beside them.
std::vector<Header> readHeaders(const std::filesystem::path& include);

// "0.1"
std::string readVersion(const std::filesystem::path& include);

// The layout, a line each. `compiler` is a C compiler; `work` a folder for its files. Throws when it does not compile.
std::string layoutOf(const std::filesystem::path& include, const std::string& compiler,
                     const std::filesystem::path& work);

// Every line that `older` has and `newer` lacks, but for sizes of whole structs, which may grow. Empty: a plugin of the
// older version finds everything where it was.
std::vector<std::string> missingLines(const std::string& older, const std::string& newer);

}  // namespace longhaul::abi
