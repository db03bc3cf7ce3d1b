#include "host/symbols/function_names.h"

#include <cxxabi.h>
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <numeric>

#include "host/base/text.h"
#include "host/catalog/elf_bytes.h"

namespace longhaul::host::symbols {
namespace {

using catalog::ElfBytes;

Error refuse(std::string message) {
  return Error{Code::Invalid, std::move(message)};
}

// Begins of mangled names: the C++ library, its exceptions, operators new and delete, what a compiler or a sanitizer
// puts in.
constexpr std::array<std::string_view, 22> kRuntime{"_ZSt",
                                                    "_ZNSt",
                                                    "_ZNKSt",
                                                    "_ZNSa",
                                                    "_ZNSs",
                                                    "_ZNKSs",
                                                    "_ZN9__gnu_cxx",
                                                    "_ZNK9__gnu_cxx",
                                                    "_ZN10__cxxabiv1",
                                                    "_ZNK10__cxxabiv1",
                                                    "__cxa_",
                                                    "__gxx_",
                                                    "_Unwind_",
                                                    "_Znw",
                                                    "_Zna",
                                                    "_Zdl",
                                                    "_Zda",
                                                    "__stack_chk_fail",
                                                    "__asan_",
                                                    "__ubsan_",
                                                    "__sanitizer_",
                                                    "__interceptor_"};

struct Section {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
struct SymbolTable {
  std::string_view name;
  Section symbols;
  Section names;
};

class Reader {
 public:
  explicit Reader(std::string_view file) : bytes_(file) {}

  Result<void> readHeader() {
    const auto header = bytes_.read<Elf64_Ehdr>(0);
    if (!header || std::string_view{reinterpret_cast<const char*>(header->e_ident), SELFMAG} != ELFMAG ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB) {
      return refuse("not a 64-bit little-endian ELF file");
    }
    header_ = *header;
    return readSegments();
  }

  std::uint64_t lowest() const { return lowest_; }
  const std::string& buildId() const { return build_id_; }

  // The larger table where there is one.
  std::optional<SymbolTable> table() const {
    if (auto found = sectionOf(SHT_SYMTAB, ".symtab")) return found;
    return sectionOf(SHT_DYNSYM, ".dynsym");
  }

  const ElfBytes& bytes() const { return bytes_; }

 private:
  Result<void> readSegments() {
    if (header_.e_phentsize != sizeof(Elf64_Phdr)) return refuse("damaged program headers");
    lowest_ = UINT64_MAX;
    for (std::uint64_t i = 0; i < header_.e_phnum; ++i) {
      const auto segment = at<Elf64_Phdr>(header_.e_phoff, i);
      if (!segment) return refuse("program headers run over the end of the file");
      if (segment->p_type == PT_LOAD) lowest_ = std::min(lowest_, segment->p_vaddr);
      if (segment->p_type == PT_NOTE && build_id_.empty()) readNotes(segment->p_offset, segment->p_filesz);
    }
    if (lowest_ == UINT64_MAX) return refuse("nothing in it is loaded (no PT_LOAD)");
    return {};
  }

  void readNotes(std::uint64_t offset, std::uint64_t size) {
    if (!bytes_.contains(offset, size)) return;
    const std::uint64_t end = offset + size;
    const auto padded = [](std::uint64_t count) { return (count + 3) & ~std::uint64_t{3}; };
    while (end - offset >= sizeof(Elf64_Nhdr)) {
      const auto note = *bytes_.read<Elf64_Nhdr>(offset);
      const std::uint64_t whole = sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
      if (whole > end - offset) return;
      const auto name = bytes_.slice(offset + sizeof note, note.n_namesz);
      constexpr std::uint32_t kBuildIdBytesMax = 64;
      if (note.n_type == NT_GNU_BUILD_ID && name && *name == std::string_view{"GNU", 4} &&
          note.n_descsz <= kBuildIdBytesMax) {
        const auto bytes = bytes_.slice(offset + sizeof note + padded(note.n_namesz), note.n_descsz);
        for (const char c : *bytes)
          build_id_ += fmt::format("{:02x}", static_cast<unsigned char>(c));
        return;
      }
      offset += whole;
    }
  }

  std::optional<SymbolTable> sectionOf(std::uint32_t type, std::string_view name) const {
    if (header_.e_shoff == 0 || header_.e_shentsize != sizeof(Elf64_Shdr)) return std::nullopt;
    for (std::uint64_t i = 0; i < header_.e_shnum; ++i) {
      const auto section = at<Elf64_Shdr>(header_.e_shoff, i);
      if (!section) return std::nullopt;
      if (section->sh_type != type || section->sh_entsize != sizeof(Elf64_Sym)) continue;
      const auto names = section->sh_link < header_.e_shnum ? at<Elf64_Shdr>(header_.e_shoff, section->sh_link)
                                                            : std::optional<Elf64_Shdr>{};
      if (!names || !bytes_.contains(section->sh_offset, section->sh_size) ||
          !bytes_.contains(names->sh_offset, names->sh_size)) {
        continue;
      }
      return SymbolTable{name, {section->sh_offset, section->sh_size}, {names->sh_offset, names->sh_size}};
    }
    return std::nullopt;
  }

  template <class Entry>
  std::optional<Entry> at(std::uint64_t table, std::uint64_t index) const {
    const std::uint64_t offset = index * sizeof(Entry);  // the index has 16 bits, or was checked
    if (table > UINT64_MAX - offset) return std::nullopt;
    return bytes_.read<Entry>(table + offset);
  }

  ElfBytes bytes_;
  Elf64_Ehdr header_{};
  std::uint64_t lowest_ = 0;
  std::string build_id_;
};

// What was found for one address so far.
struct Best {
  std::optional<Elf64_Sym> covering;  // the one that begins last
  std::optional<Elf64_Sym> unsized;   // likewise, of those without a size, as hand-written assembly has them
  std::uint64_t nearest = 0;          // the last begin of any function below
};

bool isFunction(const Elf64_Sym& symbol) {
  constexpr unsigned char kIndirect = 10;  // STT_GNU_IFUNC
  const unsigned char type = ELF64_ST_TYPE(symbol.st_info);
  return symbol.st_shndx != SHN_UNDEF && symbol.st_name != 0 && (type == STT_FUNC || type == kIndirect);
}

bool laterThan(const Elf64_Sym& symbol, const std::optional<Elf64_Sym>& other) {
  return !other || symbol.st_value > other->st_value;
}

std::optional<Elf64_Sym> chosen(const Best& best) {
  if (best.covering) return best.covering;
  if (best.unsized && best.unsized->st_value == best.nearest) return best.unsized;
  return std::nullopt;
}

// One walk over the table. What is the nearest below an address is so for the following ones too, until there is a
// nearer one: so it is noted at the first only, and handed on at the end.
std::vector<Best> search(const ElfBytes& bytes, const Section& table, const std::vector<std::uint64_t>& addresses) {
  std::vector<std::size_t> order(addresses.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return addresses[a] < addresses[b]; });
  std::vector<Best> best(addresses.size());
  const std::uint64_t count = std::min<std::uint64_t>(table.size / sizeof(Elf64_Sym), kSymbolsMax);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto symbol = bytes.read<Elf64_Sym>(table.offset + i * sizeof(Elf64_Sym));
    if (!symbol || !isFunction(*symbol)) continue;
    auto at = std::lower_bound(order.begin(), order.end(), symbol->st_value,
                               [&](std::size_t index, std::uint64_t value) { return addresses[index] < value; });
    if (at == order.end()) continue;
    Best& first = best[*at];
    first.nearest = std::max(first.nearest, symbol->st_value);
    if (symbol->st_size == 0 && laterThan(*symbol, first.unsized)) first.unsized = symbol;
    for (; at != order.end() && addresses[*at] - symbol->st_value < symbol->st_size; ++at) {
      if (laterThan(*symbol, best[*at].covering)) best[*at].covering = symbol;
    }
  }
  for (std::size_t i = 1; i < order.size(); ++i) {
    const Best& before = best[order[i - 1]];
    Best& here = best[order[i]];
    here.nearest = std::max(here.nearest, before.nearest);
    if (before.unsized && laterThan(*before.unsized, here.unsized)) here.unsized = before.unsized;
  }
  return best;
}

std::string printable(std::string_view text) {
  std::string out = replaceNonUtf8(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  if (out.size() > kFunctionNameBytesMax) out = replaceNonUtf8(out.substr(0, kFunctionNameBytesMax)) + "…";
  return out;
}

}  // namespace

Function toFunction(std::string_view mangled, std::uint64_t offset) {
  Function function{.name = {}, .offset = offset};
  function.runtime =
      std::any_of(kRuntime.begin(), kRuntime.end(), [&](std::string_view begin) { return mangled.starts_with(begin); });
  const std::string name{mangled};
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled{
      mangled.starts_with("_Z") ? abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status) : nullptr, std::free};
  function.name = printable(demangled ? std::string_view{demangled.get()} : mangled);
  return function;
}

Result<ModuleFunctions> functionsAt(std::string_view file, const std::vector<std::uint64_t>& offsets) {
  Reader reader{file};
  if (auto read = reader.readHeader(); !read) return std::move(read).error();
  ModuleFunctions found{.build_id = reader.buildId(), .table = {}, .functions = {}};
  found.functions.resize(offsets.size());
  const auto table = reader.table();
  if (!table) return found;
  found.table = table->name;
  std::vector<std::uint64_t> addresses;
  addresses.reserve(offsets.size());
  for (const std::uint64_t offset : offsets)
    addresses.push_back(offset + reader.lowest());
  const std::vector<Best> best = search(reader.bytes(), table->symbols, addresses);
  for (std::size_t i = 0; i < best.size(); ++i) {
    const auto symbol = chosen(best[i]);
    if (!symbol || symbol->st_name >= table->names.size) continue;
    const auto name =
        reader.bytes().text(table->names.offset + symbol->st_name,
                            std::min<std::uint64_t>(table->names.size - symbol->st_name, kSymbolNameBytesMax));
    if (name && !name->empty()) found.functions[i] = toFunction(*name, addresses[i] - symbol->st_value);
  }
  return found;
}

}  // namespace longhaul::host::symbols
