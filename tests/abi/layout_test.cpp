// The plugin ABI does not change by accident: the layout of the headers is the committed one of their minor version,
// and the comparison is shown to notice each field.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "tests/abi/layout.h"

namespace fs = std::filesystem;
using namespace longhaul::abi;

namespace {

const fs::path kInclude = ABI_INCLUDE;
const fs::path kFrozen = ABI_FROZEN;

// A folder of this process, gone at the end.
struct WorkFolder {
  fs::path path = fs::path(ABI_WORK) / ("layout." + std::to_string(::getpid()));
  ~WorkFolder() { fs::remove_all(path); }
};

std::string layout(const fs::path& include) {
  const WorkFolder work;
  return layoutOf(include, ABI_COMPILER, work.path);
}

// The layout of the headers with one header's text replaced; "refused" if that does not even compile.
std::string layoutWith(const Header& header, const std::string& text) {
  const WorkFolder work;
  fs::create_directories(work.path / "include");
  fs::copy(kInclude / "longhaul", work.path / "include/longhaul");
  writeText(work.path / "include/longhaul" / header.path.filename(), text);
  try {
    return layoutOf(work.path / "include", ABI_COMPILER, work.path / "program");
  } catch (const std::runtime_error&) {
    return "refused";
  }
}

std::string line(const std::string& text, const std::string& start) {
  const std::size_t at = text.find("\n" + start);
  return at == std::string::npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

}  // namespace

TEST_CASE("the headers have the layout that is committed for their minor version", "[abi]") {
  const std::string version = readVersion(kInclude);
  INFO("The layout of " << version << " is committed in tests/abi/" << version << "/layout.txt. A changed layout is a "
                        << "new minor: raise LONGHAUL_VERSION_MINOR in version.h, say what changed in "
                        << "plugin-api/CHANGELOG.md, then build the target abi_freeze.");
  REQUIRE(fs::exists(kFrozen / version / "layout.txt"));
  CHECK(layout(kInclude) == readText(kFrozen / version / "layout.txt"));
}

TEST_CASE("every frozen minor still has its layout, and newer ones only add to it", "[abi]") {
  const std::string head = layout(kInclude);
  std::size_t frozen_count = 0;
  for (const auto& entry : fs::directory_iterator(kFrozen)) {
    if (!fs::exists(entry.path() / "layout.txt")) continue;
    ++frozen_count;
    INFO(entry.path().filename().string());
    const std::string committed = readText(entry.path() / "layout.txt");
    CHECK(entry.path().filename() == readVersion(entry.path() / "include"));
    CHECK(layout(entry.path() / "include") == committed);
    CHECK(missingLines(committed, head) == std::vector<std::string>{});
  }
  CHECK(frozen_count > 0);
}

TEST_CASE("the layout names fields, slots and constants as they are", "[abi]") {
  const std::string head = layout(kInclude);
  CHECK(line(head, "field longhaul_text_t.size ") == "field longhaul_text_t.size offset 8 size 8 type size_t");
  CHECK(line(head, "field longhaul_sink_t.put ") ==
        "field longhaul_sink_t.put offset 0 size 8 type void(*)(void*,longhaul_text_t)");
  CHECK(line(head, "field struct longhaul_server.lastError ") ==
        "field struct longhaul_server.lastError offset 8 size 8 type "
        "longhaul_status_t(*)(const longhaul_server_t*,longhaul_sink_t*)");
  CHECK(line(head, "constant LONGHAUL_BUSY ") == "constant LONGHAUL_BUSY -7");
  CHECK(line(head, "constant LONGHAUL_MESSAGE_BYTES_MAX ") == "constant LONGHAUL_MESSAGE_BYTES_MAX 16777216");
  CHECK(line(head, "struct longhaul_descriptor_t ") == "struct longhaul_descriptor_t size 48");
}

TEST_CASE("a field that is taken away, of each struct and at each place, changes the layout", "[abi][teeth]") {
  const std::string head = layout(kInclude);
  std::size_t count = 0;
  for (const Header& header : readHeaders(kInclude)) {
    for (const Field& field : header.fields) {
      ++count;
      std::string text = header.text;
      text.erase(field.start, field.size);
      INFO(field.structure << "." << field.name);
      const std::string changed = layoutWith(header, text);
      CHECK(changed != head);
      CHECK_FALSE(missingLines(head, changed).empty());
    }
  }
  CHECK(count > 85);
}

TEST_CASE("order, type, arguments, names, constants and additions change the layout", "[abi][teeth]") {
  const auto [file, from, to] = GENERATE(table<std::string, std::string, std::string>({
      {"types.h", "const char* data;", "char* data;"},
      {"types.h", "size_t size;", "ptrdiff_t size;"},
      {"types.h", "typedef int32_t longhaul_status_t;", "typedef uint32_t longhaul_status_t;"},
      {"types.h", "#define LONGHAUL_BUSY (-7)", "#define LONGHAUL_BUSY (-8)"},
      {"types.h", "#define LONGHAUL_INCIDENTS_PER_CALL_MAX 1000", "#define LONGHAUL_INCIDENTS_PER_CALL_MAX 999"},
      {"server.h", "(*ready)", "(*isReady)"},
      {"server.h", "uint32_t timeout_ms);", "int32_t timeout_ms);"},
      {"server.h", "int64_t version, int64_t* out_version", "int64_t* out_version, int64_t version"},
      {"server.h", "longhaul_text_t footer;", "longhaul_text_t footer; longhaul_text_t added;"},
      {"server.h", "  longhaul_text_t username;", "  longhaul_text_t added; longhaul_text_t username;"},
      {"server.h", "const void* (*getExtension)", "void* (*getExtension)"},
      {"plugin.h", "void (*stop)(longhaul_plugin_t* plugin);",
       "void (*stop)(longhaul_plugin_t* plugin); void (*added)(longhaul_plugin_t* plugin);"},
      {"server.h", "#define LONGHAUL_HEALTH_WARNING 2", "#define LONGHAUL_HEALTH_WARNING 3"},
      {"commands.h", "uint32_t deadline_ms;", "int32_t deadline_ms;"},
      {"migrate.h", "int64_t from_schema;", "int32_t from_schema;"},
      {"indicators.h", "longhaul_text_t query, longhaul_sink_t* found",
       "longhaul_sink_t* found, longhaul_text_t query"},
      {"plugin.h", "void (*destroy)(longhaul_plugin_t* plugin);", "int32_t (*destroy)(longhaul_plugin_t* plugin);"},
  }));
  const Header header = readHeader(kInclude / "longhaul" / file);
  std::string text = header.text;
  const std::size_t at = text.find(from);
  INFO(file << ": " << from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  const std::string changed = layoutWith(header, text);
  CHECK(changed != "refused");
  CHECK(changed != layout(kInclude));
}

TEST_CASE("a slot added at the end leaves an older minor whole, one in the middle does not", "[abi][teeth]") {
  const std::string head = layout(kInclude);
  const Header header = readHeader(kInclude / "longhaul/server.h");
  const std::string added = "longhaul_status_t (*added)(const longhaul_server_t* server);";
  const Field& last = header.fields.back();
  CHECK(last.name == "directMessage");
  std::string at_end = header.text;
  at_end.insert(last.start + last.size, added);
  CHECK(missingLines(head, layoutWith(header, at_end)).empty());
  std::string before = header.text;
  before.insert(last.start, added);
  CHECK(missingLines(head, layoutWith(header, before)).size() == 1);
}

TEST_CASE("comments and names of parameters do not change the layout", "[abi]") {
  const Header header = readHeader(kInclude / "longhaul/server.h");
  std::string text = header.text;
  const std::string from = "uint32_t timeout_ms";
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at))
    text.replace(at, from.size(), "uint32_t   other /* name */");
  CHECK(text != header.text);
  CHECK(layoutWith(header, text) == layout(kInclude));
}
