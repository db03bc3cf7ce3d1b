#include "host/symbols/function_names.h"

#include <elf.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "host/symbols/reading.h"

using namespace longhaul::host;
using namespace longhaul::host::symbols;

extern "C" const char __executable_start;  // where this program lies, given by the linker

namespace {

struct Symbol {
  std::string name;
  std::uint64_t value = 0;
  std::uint64_t size = 0;
  unsigned char type = STT_FUNC;
};

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Header, two program headers, a note, the symbols with their names, the sections. Loaded to `lowest`.
std::string elfFile(const std::vector<Symbol>& symbols, std::uint32_t table = SHT_SYMTAB, std::uint64_t lowest = 0) {
  std::string note;
  append(note, Elf64_Nhdr{4, 4, NT_GNU_BUILD_ID});
  note += std::string{"GNU\0\x01\xab\xcd\xef", 8};
  std::string names(1, '\0');
  std::string entries;
  append(entries, Elf64_Sym{});
  for (const Symbol& each : symbols) {
    Elf64_Sym symbol{};
    symbol.st_name = static_cast<Elf64_Word>(names.size());
    symbol.st_info = ELF64_ST_INFO(STB_LOCAL, each.type);
    symbol.st_shndx = 1;
    symbol.st_value = each.value;
    symbol.st_size = each.size;
    append(entries, symbol);
    names += each.name + std::string(1, '\0');
  }
  const std::uint64_t note_at = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
  const std::uint64_t symbols_at = note_at + note.size();
  const std::uint64_t names_at = symbols_at + entries.size();

  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  header.e_shoff = names_at + names.size();
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  Elf64_Phdr load{};
  load.p_type = PT_LOAD;
  load.p_vaddr = lowest;
  load.p_memsz = 0x10000;
  Elf64_Phdr notes{};
  notes.p_type = PT_NOTE;
  notes.p_offset = note_at;
  notes.p_filesz = note.size();
  Elf64_Shdr symbol_section{};
  symbol_section.sh_type = table;
  symbol_section.sh_offset = symbols_at;
  symbol_section.sh_size = entries.size();
  symbol_section.sh_entsize = sizeof(Elf64_Sym);
  symbol_section.sh_link = 2;
  Elf64_Shdr name_section{};
  name_section.sh_type = SHT_STRTAB;
  name_section.sh_offset = names_at;
  name_section.sh_size = names.size();

  std::string file;
  append(file, header);
  append(file, load);
  append(file, notes);
  file += note + entries + names;
  append(file, Elf64_Shdr{});
  append(file, symbol_section);
  append(file, name_section);
  return file;
}

std::string shown(const std::optional<Function>& function) {
  return function ? function->name + "+" + std::to_string(function->offset) : "none";
}

std::vector<std::string> namesAt(const std::string& file, const std::vector<std::uint64_t>& offsets) {
  const auto found = functionsAt(file, offsets);
  REQUIRE(found.has_value());
  std::vector<std::string> names;
  for (const auto& each : found->functions)
    names.push_back(shown(each));
  return names;
}

[[gnu::noinline]] int landmark(int value) {
  volatile int kept = value;
  return kept + 1;
}

}  // namespace

TEST_CASE("an address has the function that covers it, demangled, and none where it would be a neighbour's name") {
  const std::string file =
      elfFile({{"_ZN3net5parseEPKc", 0x100, 0x20}, {"plain", 0x200, 0x10}, {"_ZN3net5inner", 0x108, 4}});
  CHECK(namesAt(file, {0x100, 0x11f, 0x120, 0x205, 0xff, 0x109, 0x210}) ==
        std::vector<std::string>{"net::parse(char const*)+0", "net::parse(char const*)+31", "none", "plain+5", "none",
                                 "_ZN3net5inner+1", "none"});
  CHECK(functionsAt(file, {})->build_id == "01abcdef");
  CHECK(functionsAt(file, {})->table == ".symtab");
}

TEST_CASE("a function without a size reaches to the next function, and data has no name for an address") {
  const std::string file = elfFile({{"assembly", 0x100, 0}, {"sized", 0x180, 8}, {"table", 0x300, 0x100, STT_OBJECT}});
  CHECK(namesAt(file, {0x17f, 0x184, 0x188, 0x1f0, 0x310, 0x100}) ==
        std::vector<std::string>{"assembly+127", "sized+4", "none", "none", "none", "assembly+0"});
}

TEST_CASE("offsets count from where the file is loaded lowest, whatever that address is") {
  const std::string file = elfFile({{"here", 0x400100, 0x10}}, SHT_SYMTAB, 0x400000);
  CHECK(namesAt(file, {0x104}) == std::vector<std::string>{"here+4"});
}

TEST_CASE("without .symtab the exported names are what there is, and without either there are none") {
  CHECK(functionsAt(elfFile({{"exported", 0x100, 4}}, SHT_DYNSYM), {0x101})->table == ".dynsym");
  CHECK(namesAt(elfFile({{"exported", 0x100, 4}}, SHT_DYNSYM), {0x101}) == std::vector<std::string>{"exported+1"});
  const auto stripped = functionsAt(elfFile({}, SHT_PROGBITS), {0x101});
  REQUIRE(stripped.has_value());
  CHECK(stripped->table.empty());
  CHECK(stripped->functions.size() == 1);
  CHECK_FALSE(stripped->functions[0]);
}

TEST_CASE("what the run time's functions are is told by their mangled names") {
  CHECK(toFunction("_ZSt9terminatev", 0).runtime);
  CHECK(toFunction("__cxa_throw", 0).runtime);
  CHECK(toFunction("_ZNSt6vectorIiSaIiEE9push_backEOi", 0).runtime);
  CHECK(toFunction("_Znwm", 0).name == "operator new(unsigned long)");
  CHECK_FALSE(toFunction("_ZN3net5parseEPKc", 0).runtime);
  CHECK_FALSE(toFunction("standard", 0).runtime);
}

TEST_CASE("a name of a stranger's file is one short line of text") {
  CHECK(toFunction("a\x1b[2J\nb\xff", 0).name == "a?[2J?b\xef\xbf\xbd");
  const std::string name = toFunction(std::string(4000, 'x'), 0).name;
  CHECK(name.size() <= kFunctionNameBytesMax + 3);
}

TEST_CASE("a real program's static function has its name") {
  REQUIRE(landmark(1) == 2);
  std::ifstream self{"/proc/self/exe", std::ios::binary};
  const std::string file{std::istreambuf_iterator<char>{self}, {}};
  const auto offset = reinterpret_cast<std::uint64_t>(&landmark) - reinterpret_cast<std::uint64_t>(&__executable_start);
  const auto found = functionsAt(file, {offset + 1});
  REQUIRE(found.has_value());
  CHECK(shown(found->functions[0]) == "(anonymous namespace)::landmark(int)+1");
  CHECK(found->build_id.size() == 40);
}

TEST_CASE("what is no whole ELF file is refused or has no names, and nothing is read beyond it") {
  CHECK_FALSE(functionsAt("", {1}).has_value());
  CHECK_FALSE(functionsAt("#!/bin/sh\n", {1}).has_value());
  const std::string file = elfFile({{"_ZN3net5parseEPKc", 0x100, 0x20}, {"assembly", 0x200, 0}});
  for (std::size_t size = 0; size < file.size(); ++size) {
    // A copy of its own, so that a sanitizer sees a read beyond.
    const std::vector<char> cut{file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)};
    (void)functionsAt({cut.data(), cut.size()}, {0x104, UINT64_MAX, 0});
  }
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 3000; ++round) {
    std::vector<char> changed{file.begin(), file.end()};
    for (int i = 0; i < 4; ++i)
      changed[random() % changed.size()] = static_cast<char>(random());
    const auto found = functionsAt({changed.data(), changed.size()}, {0x104, UINT64_MAX, 0});
    if (found) CHECK(found->functions.size() == 3);
  }
}

TEST_CASE("a question is offsets by module, and an answer is one line") {
  const auto question = readQuestion(R"({"modules":[{"offsets":[1,18446744073709551615]},{"offsets":[]}]})");
  REQUIRE(question.has_value());
  CHECK(*question == std::vector<std::vector<std::uint64_t>>{{1, UINT64_MAX}, {}});
  for (const char* wrong : {"", "[]", "{}", R"({"modules":[1]})", R"({"modules":[{"offsets":[-1]}]})",
                            R"({"modules":[{"offsets":["1"]}]})"})
    CHECK_FALSE(readQuestion(wrong).has_value());
  CHECK(answerFor(elfFile({{"plain", 0x200, 0x10}}), {0x201, 0x1}) ==
        R"({"buildId":"01abcdef","functions":[{"name":"plain","offset":1},null],"table":".symtab"})");
  CHECK(answerFor("no", {1}) == R"({"fault":"not a 64-bit little-endian ELF file"})");
}
