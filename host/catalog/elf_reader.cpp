#include "host/catalog/elf_reader.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/catalog/elf_bytes.h"
#include "host/catalog/elf_layout.h"

namespace longhaul::host::catalog {
namespace {

constexpr std::string_view kNoteName{"Longhaul\0", 9};
constexpr std::uint32_t kNoteManifest = 1;
constexpr std::string_view kEntryName = "longhaulPluginEntry";
// Where symbols are looked up by name the cost is names times their length: beyond these it is the loader's to say.
constexpr std::size_t kWantedSymbolsMax = 50'000;
constexpr std::size_t kDefinedSymbolsMax = 1'000'000;
constexpr std::size_t kSymbolNameBytesMax = 4096;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes)
    text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

constexpr std::uint64_t alignUp(std::uint64_t value, std::uint64_t align) {
  return (value + align - 1) / align * align;
}

// What the dynamic section says, as far as it matters here; 0: absent.
struct Dynamic {
  std::uint64_t strings = 0, strings_size = 0, symbols = 0, gnu_hash = 0, hash = 0;
  std::uint64_t relocations = 0, relocations_size = 0, plt_relocations = 0, plt_relocations_size = 0;
  bool text_relocations = false;
  std::uint64_t needs = 0, needs_count = 0, definitions = 0, definitions_count = 0, flags_1 = 0;
  std::vector<std::uint64_t> needed;
  std::optional<std::uint64_t> runpath;
};

class ElfReader {
 public:
  explicit ElfReader(const ElfLayout& layout) : layout_(layout), bytes_(layout.bytes()) {}

  Checked<void> readNotes(ElfFile& file) const;
  Checked<void> readDynamic();
  Checked<void> readLibraries(ElfFile& file) const;
  Checked<void> readNeededVersions(ElfFile& file) const;
  Checked<void> readExports(ElfFile& file) const;
  Checked<std::vector<std::string>> definedVersions() const;
  Checked<void> checkRelocations() const;
  Checked<std::unordered_set<std::string_view>> wantedSymbols() const;
  Checked<void> removeDefinedFrom(std::unordered_set<std::string_view>& wanted) const;

 private:
  template <class Visit>
  Checked<void> eachRelocation(Visit visit) const;
  std::string_view name(const Elf64_Sym& symbol) const;
  Checked<void> readNoteSegment(const Elf64_Phdr& segment, ElfFile& file) const;
  void takeDynamic(const Elf64_Dyn& entry);
  std::optional<std::string> string(std::uint64_t index) const;
  Checked<std::uint64_t> symbolCount() const;
  std::optional<std::uint64_t> gnuHashCount(std::uint64_t table) const;

  const ElfLayout& layout_;
  ElfBytes bytes_;
  Dynamic dynamic_;
  std::uint64_t strings_offset_ = 0;
};

Checked<void> ElfReader::readNotes(ElfFile& file) const {
  for (const auto& segment : layout_.notes()) {
    if (auto read = readNoteSegment(segment, file); !read) return read;
  }
  return {};
}

// Notes stand behind each other; name and descriptor are padded to the segment's alignment, counted from the beginning
// of the note (with 8 the header's 12 bytes and the name are padded together). The last one may lack its padding.
Checked<void> ElfReader::readNoteSegment(const Elf64_Phdr& segment, ElfFile& file) const {
  const std::uint64_t align = segment.p_align < 4 ? 4 : segment.p_align;
  if (align != 4 && align != 8) {
    return refuse(FileReason::Damaged,
                  fmt::format("a note segment is aligned to {}, wanted 4 or 8: relink the file", align));
  }
  const ElfBytes notes{*bytes_.slice(segment.p_offset, segment.p_filesz)};
  for (std::uint64_t at = 0; notes.contains(at, sizeof(Elf64_Nhdr));) {
    const auto note = *notes.read<Elf64_Nhdr>(at);
    // 32-bit sizes: these sums cannot wrap.
    const std::uint64_t name_at = at + sizeof(Elf64_Nhdr);
    const std::uint64_t text_at = at + alignUp(sizeof(Elf64_Nhdr) + note.n_namesz, align);
    const auto name = notes.slice(name_at, note.n_namesz);
    const auto text = notes.slice(text_at, note.n_descsz);
    if (!name || (note.n_descsz > 0 && !text))
      return refuse(FileReason::Damaged, "damaged: a note runs over its segment: copy it again");
    at = text_at + alignUp(note.n_descsz, align);
    if (*name == std::string_view{"GNU\0", 4} && note.n_type == NT_GNU_BUILD_ID && note.n_descsz <= 64) {
      file.build_id = hex(text.value_or(std::string_view{}));
    }
    if (*name != kNoteName || note.n_type != kNoteManifest) continue;
    if (file.has_note)
      return refuse(FileReason::BadManifest,
                    "it has two manifests: a plugin is one manifest, one .so; link one of them only");
    const auto abi_version = text ? ElfBytes{*text}.read<std::uint32_t>(0) : std::nullopt;
    if (!abi_version)
      return refuse(FileReason::BadManifest, "its manifest note is too short for an ABI version: build it again");
    if (text->size() - sizeof(std::uint32_t) > kManifestBytesMax) {
      return refuse(FileReason::BadManifest, fmt::format("its manifest has {} bytes, wanted at most {}: shorten it",
                                                         text->size() - 4, kManifestBytesMax));
    }
    file.has_note = true;
    file.abi_version = *abi_version;
    file.manifest = text->substr(sizeof(std::uint32_t));
  }
  return {};
}

void ElfReader::takeDynamic(const Elf64_Dyn& entry) {
  const std::uint64_t value = entry.d_un.d_val;
  switch (entry.d_tag) {
    case DT_STRTAB:
      dynamic_.strings = value;
      break;
    case DT_STRSZ:
      dynamic_.strings_size = value;
      break;
    case DT_SYMTAB:
      dynamic_.symbols = value;
      break;
    case DT_GNU_HASH:
      dynamic_.gnu_hash = value;
      break;
    case DT_HASH:
      dynamic_.hash = value;
      break;
    case DT_RELA:
      dynamic_.relocations = value;
      break;
    case DT_RELASZ:
      dynamic_.relocations_size = value;
      break;
    case DT_JMPREL:
      dynamic_.plt_relocations = value;
      break;
    case DT_PLTRELSZ:
      dynamic_.plt_relocations_size = value;
      break;
    case DT_TEXTREL:
      dynamic_.text_relocations = true;
      break;
    case DT_FLAGS:
      dynamic_.text_relocations |= (value & DF_TEXTREL) != 0;
      break;
    case DT_VERNEED:
      dynamic_.needs = value;
      break;
    case DT_VERNEEDNUM:
      dynamic_.needs_count = value;
      break;
    case DT_VERDEF:
      dynamic_.definitions = value;
      break;
    case DT_VERDEFNUM:
      dynamic_.definitions_count = value;
      break;
    case DT_FLAGS_1:
      dynamic_.flags_1 = value;
      break;
    case DT_NEEDED:
      dynamic_.needed.push_back(value);
      break;
    case DT_RUNPATH:
      dynamic_.runpath = value;
      break;
    case DT_RPATH:
      if (!dynamic_.runpath) dynamic_.runpath = value;
      break;
    default:
      break;
  }
}

Checked<void> ElfReader::readDynamic() {
  if (!layout_.dynamic()) return refuse(FileReason::NotShared, "it has no dynamic section: link it with -shared");
  const ElfBytes table{*bytes_.slice(layout_.dynamic()->p_offset, layout_.dynamic()->p_filesz)};
  for (std::uint64_t at = 0;; at += sizeof(Elf64_Dyn)) {
    const auto entry = table.read<Elf64_Dyn>(at);
    if (!entry) return refuse(FileReason::Damaged, "damaged: its dynamic section has no end: copy the file again");
    if (entry->d_tag == DT_NULL) break;
    takeDynamic(*entry);
    if (dynamic_.needed.size() > kElfNamesMax) {
      return refuse(FileReason::TooLarge,
                    fmt::format("it needs more than {} libraries: link some of them statically", kElfNamesMax));
    }
  }
  const auto strings = layout_.offsetOf(dynamic_.strings);
  if (!strings || !bytes_.contains(*strings, dynamic_.strings_size) || !layout_.offsetOf(dynamic_.symbols)) {
    return refuse(FileReason::Damaged, "damaged: its dynamic section points outside of the file: copy the file again");
  }
  strings_offset_ = *strings;
  return {};
}

std::optional<std::string> ElfReader::string(std::uint64_t index) const {
  const ElfBytes strings{*bytes_.slice(strings_offset_, dynamic_.strings_size)};
  const auto text = strings.text(index, kElfNameBytesMax);
  if (!text) return std::nullopt;
  return std::string{*text};
}

Checked<void> ElfReader::readLibraries(ElfFile& file) const {
  for (const std::uint64_t index : dynamic_.needed) {
    auto name = string(index);
    if (!name || name->empty() || !isUtf8(*name)) {
      return refuse(FileReason::Damaged, "damaged: the name of a needed library cannot be read: copy it again");
    }
    file.needed_libraries.push_back(std::move(*name));
  }
  if (dynamic_.runpath) file.runpath = string(*dynamic_.runpath).value_or("");
  return {};
}

Checked<void> ElfReader::readNeededVersions(ElfFile& file) const {
  if (dynamic_.needs == 0 || dynamic_.needs_count == 0) return {};
  const FileFault damaged =
      refuse(FileReason::Damaged, "damaged: its table of needed symbol versions cannot be read: copy the file again");
  auto need_at = layout_.offsetOf(dynamic_.needs);
  std::size_t total = 0;
  for (std::uint64_t i = 0; i < dynamic_.needs_count; ++i) {
    const auto need = need_at ? bytes_.read<Elf64_Verneed>(*need_at) : std::nullopt;
    const auto library = need ? string(need->vn_file) : std::nullopt;
    if (!library || !isUtf8(*library)) return damaged;
    NeededVersions versions{*library, {}};
    std::uint64_t at = *need_at + need->vn_aux;
    for (unsigned k = 0; k < need->vn_cnt; ++k) {
      const auto version = bytes_.read<Elf64_Vernaux>(at);
      const auto name = version ? string(version->vna_name) : std::nullopt;
      // The bound also stops a chain that was made to cost time.
      if (!name || !isUtf8(*name) || ++total > kElfNamesMax) return damaged;
      if ((version->vna_flags & VER_FLG_WEAK) == 0) versions.versions.push_back(*name);
      if (version->vna_next == 0) break;
      at += version->vna_next;
    }
    file.needed_versions.push_back(std::move(versions));
    if (file.needed_versions.size() > kElfNamesMax) return damaged;
    if (need->vn_next == 0) break;
    need_at = *need_at + need->vn_next;
  }
  return {};
}

Checked<std::vector<std::string>> ElfReader::definedVersions() const {
  std::vector<std::string> names;
  if (dynamic_.definitions == 0) return names;
  const FileFault damaged = refuse(FileReason::Damaged, "damaged: its table of symbol versions cannot be read");
  auto at = layout_.offsetOf(dynamic_.definitions);
  for (std::uint64_t i = 0; i < dynamic_.definitions_count; ++i) {
    const auto definition = at ? bytes_.read<Elf64_Verdef>(*at) : std::nullopt;
    const auto first = definition ? bytes_.read<Elf64_Verdaux>(*at + definition->vd_aux) : std::nullopt;
    const auto name = first ? string(first->vda_name) : std::nullopt;
    if (!name || names.size() >= kElfNamesMax) return damaged;
    names.push_back(*name);
    if (definition->vd_next == 0) break;
    at = *at + definition->vd_next;
  }
  return names;
}

// The symbol table has no length of its own: the hash table that the loader uses knows it.
Checked<std::uint64_t> ElfReader::symbolCount() const {
  if (const auto table = layout_.offsetOf(dynamic_.gnu_hash)) {
    if (const auto count = gnuHashCount(*table)) return *count;
  } else if (const auto old_table = layout_.offsetOf(dynamic_.hash)) {
    if (const auto count = bytes_.read<std::uint32_t>(*old_table + 4)) return std::uint64_t{*count};
  }
  return refuse(FileReason::Damaged, "damaged: its symbol hash table cannot be read: copy the file again");
}

std::optional<std::uint64_t> ElfReader::gnuHashCount(std::uint64_t table) const {
  struct Head {
    std::uint32_t buckets, first_symbol, bloom_words, bloom_shift;
  };
  const auto head = bytes_.read<Head>(table);
  if (!head) return std::nullopt;
  const std::uint64_t buckets_at = table + sizeof(Head) + std::uint64_t{head->bloom_words} * 8;
  const std::uint64_t chains_at = buckets_at + std::uint64_t{head->buckets} * 4;
  std::uint32_t last = 0;
  for (std::uint64_t i = 0; i < head->buckets; ++i) {
    const auto bucket = bytes_.read<std::uint32_t>(buckets_at + i * 4);
    if (!bucket) return std::nullopt;
    last = std::max(last, *bucket);
  }
  if (last < head->first_symbol) return head->first_symbol;  // nothing is exported
  for (std::uint64_t symbol = last;; ++symbol) {
    const auto chain = bytes_.read<std::uint32_t>(chains_at + (symbol - head->first_symbol) * 4);
    if (!chain) return std::nullopt;
    if ((*chain & 1) != 0) return symbol + 1;
  }
}

Checked<void> ElfReader::readExports(ElfFile& file) const {
  auto count = symbolCount();
  if (!count) return count.fault();
  const std::uint64_t table = *layout_.offsetOf(dynamic_.symbols);
  if (!bytes_.contains(table, *count * sizeof(Elf64_Sym))) {
    return refuse(FileReason::Damaged, "damaged: its symbol table runs over the end of the file: copy the file again");
  }
  const ElfBytes strings{*bytes_.slice(strings_offset_, dynamic_.strings_size)};
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto symbol = *bytes_.read<Elf64_Sym>(table + i * sizeof(Elf64_Sym));
    const auto type = ELF64_ST_TYPE(symbol.st_info);
    const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    const bool named_thing = type == STT_FUNC || type == STT_OBJECT || type == STT_GNU_IFUNC || type == STT_TLS;
    if (symbol.st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol.st_info) == STB_LOCAL || !named_thing ||
        visibility == STV_HIDDEN || visibility == STV_INTERNAL) {
      continue;
    }
    ++file.exported_count;
    // At most the entry's length is compared, so a table made of long names costs no more than its size.
    if (type == STT_FUNC && strings.text(symbol.st_name, kEntryName.size() + 1) == kEntryName) {
      if (!layout_.isExecutable(symbol.st_value)) {
        return refuse(FileReason::Damaged,
                      "damaged: longhaulPluginEntry lies in no segment with code: copy the file again");
      }
      file.exports_entry = true;
    }
    if (file.exported.size() >= kElfNamesMax) continue;
    if (auto name = string(symbol.st_name); name && isUtf8(*name)) file.exported.push_back(std::move(*name));
  }
  std::sort(file.exported.begin(), file.exported.end());
  return {};
}

std::string_view ElfReader::name(const Elf64_Sym& symbol) const {
  const ElfBytes strings{*bytes_.slice(strings_offset_, dynamic_.strings_size)};
  return strings.text(symbol.st_name, kSymbolNameBytesMax).value_or(std::string_view{});
}

template <class Visit>
Checked<void> ElfReader::eachRelocation(Visit visit) const {
  const std::pair<std::uint64_t, std::uint64_t> tables[] = {{dynamic_.relocations, dynamic_.relocations_size},
                                                            {dynamic_.plt_relocations, dynamic_.plt_relocations_size}};
  for (const auto& [address, size] : tables) {
    if (address == 0 || size == 0) continue;
    const auto table = layout_.offsetOf(address);
    if (!table || !bytes_.contains(*table, size)) {
      return refuse(FileReason::Damaged, "damaged: its relocations run over the end of the file: copy the file again");
    }
    for (std::uint64_t at = 0; at + sizeof(Elf64_Rela) <= size; at += sizeof(Elf64_Rela)) {
      if (auto visited = visit(*bytes_.read<Elf64_Rela>(*table + at)); !visited) return visited;
    }
  }
  return {};
}

// The loader writes where each of them says, before it has looked at anything.
Checked<void> ElfReader::checkRelocations() const {
  return eachRelocation([&](const Elf64_Rela& relocation) -> Checked<void> {
    const bool none = ELF64_R_TYPE(relocation.r_info) == 0;
    if (none || layout_.isWritable(relocation.r_offset, dynamic_.text_relocations)) return {};
    return refuse(FileReason::Damaged,
                  fmt::format("damaged: a relocation writes to {:#x}, which is in no segment that can be written: copy "
                              "the file again",
                              relocation.r_offset));
  });
}

Checked<std::unordered_set<std::string_view>> ElfReader::wantedSymbols() const {
  std::unordered_set<std::string_view> wanted;
  std::unordered_set<std::uint64_t> seen;
  const std::uint64_t table = *layout_.offsetOf(dynamic_.symbols);
  auto read = eachRelocation([&](const Elf64_Rela& relocation) -> Checked<void> {
    const std::uint64_t index = ELF64_R_SYM(relocation.r_info);
    if (index == 0 || !seen.insert(index).second) return {};
    if (seen.size() > kWantedSymbolsMax)
      return refuse(FileReason::TooLarge,
                    fmt::format("it uses more than {} symbols: link some of it statically", kWantedSymbolsMax));
    const auto symbol = bytes_.read<Elf64_Sym>(table + index * sizeof(Elf64_Sym));
    if (symbol && symbol->st_shndx == SHN_UNDEF && ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL) {
      wanted.insert(name(*symbol));
    }
    return {};
  });
  if (!read) return read.fault();
  wanted.erase(std::string_view{});  // one that cannot be read
  return wanted;
}

Checked<void> ElfReader::removeDefinedFrom(std::unordered_set<std::string_view>& wanted) const {
  auto count = symbolCount();
  if (!count) return count.fault();
  const std::uint64_t table = *layout_.offsetOf(dynamic_.symbols);
  if (!bytes_.contains(table, *count * sizeof(Elf64_Sym)))
    return refuse(FileReason::Damaged, "damaged: its symbol table cannot be read");
  if (*count > kDefinedSymbolsMax)
    return refuse(FileReason::TooLarge, fmt::format("it has more than {} symbols", kDefinedSymbolsMax));
  for (std::uint64_t i = 0; i < *count && !wanted.empty(); ++i) {
    const auto symbol = *bytes_.read<Elf64_Sym>(table + i * sizeof(Elf64_Sym));
    const bool defined = symbol.st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol.st_info) != STB_LOCAL;
    if (defined) wanted.erase(name(symbol));
  }
  return {};
}

}  // namespace

Checked<ElfFile> readElf(std::string_view bytes) {
  const auto layout = ElfLayout::read(bytes, ElfKind::Plugin);
  if (!layout) return layout.fault();
  ElfFile file;
  file.executable_stack = layout->executableStack();
  ElfReader reader{*layout};
  if (auto read = reader.readNotes(file); !read) return read.fault();
  if (auto read = reader.readDynamic(); !read) return read.fault();
  if (auto read = reader.readLibraries(file); !read) return read.fault();
  if (auto read = reader.readNeededVersions(file); !read) return read.fault();
  if (auto read = reader.readExports(file); !read) return read.fault();
  if (auto read = reader.checkRelocations(); !read) return read.fault();
  return file;
}

Checked<std::unordered_set<std::string_view>> readWantedSymbols(std::string_view bytes) {
  const auto layout = ElfLayout::read(bytes, ElfKind::Plugin);
  if (!layout) return layout.fault();
  ElfReader reader{*layout};
  if (auto read = reader.readDynamic(); !read) return read.fault();
  return reader.wantedSymbols();
}

Checked<LibraryLinks> removeDefined(std::string_view bytes, std::unordered_set<std::string_view>& wanted) {
  const auto layout = ElfLayout::read(bytes, ElfKind::Library);
  if (!layout) return layout.fault();
  ElfReader reader{*layout};
  ElfFile file;
  if (auto read = reader.readDynamic(); !read) return read.fault();
  if (auto read = reader.readLibraries(file); !read) return read.fault();
  if (auto read = reader.removeDefinedFrom(wanted); !read) return read.fault();
  return LibraryLinks{std::move(file.needed_libraries), std::move(file.runpath)};
}

Checked<std::vector<std::string>> readDefinedVersions(std::string_view bytes) {
  const auto layout = ElfLayout::read(bytes, ElfKind::Library);
  if (!layout) return layout.fault();
  ElfReader reader{*layout};
  if (auto read = reader.readDynamic(); !read) return read.fault();
  return reader.definedVersions();
}

}  // namespace longhaul::host::catalog
