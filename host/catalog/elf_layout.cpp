#include "host/catalog/elf_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

namespace longhaul::host::catalog {
namespace {

static_assert(std::endian::native == std::endian::little, "the reader takes ELF fields as they stand in the file");

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "name this machine's ELF number here"
#endif

constexpr std::uint64_t kPage = 4096;   // the smallest of these machines; the largest is what linkers round up to
constexpr std::uint64_t kEndMost = 64;  // zeros at the end of code or of a table: a constant, an empty entry
constexpr std::uint64_t kDynamicEndMost = 256;  // linkers leave spare entries behind the last one
constexpr std::uint64_t kPageMost = 64U << 10;

std::string machineName(Elf64_Half machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "AArch64";
    case EM_386:
      return "32-bit x86";
    case EM_ARM:
      return "32-bit ARM";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "PowerPC 64";
    case EM_S390:
      return "IBM Z";
    default:
      return fmt::format("machine number {}", machine);
  }
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes)
    text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

}  // namespace

Checked<ElfLayout> ElfLayout::read(std::string_view bytes, ElfKind kind) {
  ElfLayout layout{bytes};
  if (auto read = layout.readHeader(); !read) return read.fault();
  if (auto read = layout.readSegments(kind); !read) return read.fault();
  if (kind == ElfKind::Plugin) {
    // Sections first: a file cut short is best told by its length.
    if (auto read = layout.checkSections(); !read) return read.fault();
    if (auto read = layout.checkSegments(); !read) return read.fault();
  }
  return layout;
}

Checked<void> ElfLayout::readHeader() {
  if (bytes_.size() == 0)
    return refuse(FileReason::NotElf,
                  "the file is empty, wanted a shared object (.so): copy it again, or take it away");
  const auto magic = bytes_.slice(0, std::min<std::uint64_t>(bytes_.size(), SELFMAG));
  if (*magic != std::string_view{ELFMAG, SELFMAG}.substr(0, magic->size())) {
    return refuse(FileReason::NotElf, fmt::format("not an ELF file (it begins with {}), wanted a shared object (.so): "
                                                  "drop a plugin's .so there, or take it away",
                                                  hex(*magic)));
  }
  const auto ident = bytes_.slice(0, EI_NIDENT);
  if (ident && (*ident)[EI_CLASS] == ELFCLASS32) {
    return refuse(FileReason::Not64Bit,
                  fmt::format("a 32-bit ELF file, wanted 64-bit {}: build it for this machine", machineName(kMachine)));
  }
  if (ident && (*ident)[EI_DATA] == ELFDATA2MSB) {
    return refuse(FileReason::WrongMachine,
                  fmt::format("a big-endian ELF file, wanted {}: build it for this machine", machineName(kMachine)));
  }
  const auto header = bytes_.read<Elf64_Ehdr>(0);
  if (!header)
    return refuse(FileReason::CutShort,
                  fmt::format("cut short: {} bytes, not even a whole ELF header: copy the file again", bytes_.size()));
  header_ = *header;
  if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB ||
      header_.e_ident[EI_VERSION] != EV_CURRENT) {
    return refuse(FileReason::Damaged, "a damaged ELF header (class, byte order or version): copy the file again");
  }
  if (header_.e_machine != kMachine) {
    return refuse(FileReason::WrongMachine, fmt::format("built for {}, wanted {}: build it for this machine",
                                                        machineName(header_.e_machine), machineName(kMachine)));
  }
  switch (header_.e_type) {
    case ET_DYN:
      break;
    case ET_EXEC:
      return refuse(FileReason::NotShared, "an executable, wanted a shared object: link it with -shared");
    case ET_REL:
      return refuse(FileReason::NotShared, "an object file (.o), wanted a shared object: link it with -shared");
    case ET_CORE:
      return refuse(FileReason::NotShared, "a core dump, wanted a shared object: take it away");
    default:
      return refuse(
          FileReason::NotShared,
          fmt::format("an ELF file of type {}, wanted a shared object (type 3): link it with -shared", header_.e_type));
  }
  if (header_.e_phnum == 0 || header_.e_phnum == PN_XNUM || header_.e_phentsize != sizeof(Elf64_Phdr)) {
    return refuse(FileReason::Damaged, "a damaged ELF header (program headers): copy the file again");
  }
  return {};
}

Checked<void> ElfLayout::checkSections() const {
  if (header_.e_shoff == 0 || header_.e_shnum == 0) {
    return refuse(FileReason::NoSections,
                  "it has no section header table, so a file cut short could not be told: link it without "
                  "--strip-sections");
  }
  if (header_.e_shentsize != sizeof(Elf64_Shdr))
    return refuse(FileReason::Damaged, "a damaged ELF header (sections): copy the file again");
  const std::uint64_t size = std::uint64_t{header_.e_shnum} * sizeof(Elf64_Shdr);
  if (!bytes_.contains(header_.e_shoff, size)) {
    return refuse(
        FileReason::CutShort,
        fmt::format("cut short: {} bytes, but its section header table ends at byte {}: copy the file again",
                    bytes_.size(), header_.e_shoff <= UINT64_MAX - size ? header_.e_shoff + size : UINT64_MAX));
  }
  // The last bytes of a file that grew to its size before it was written.
  const auto names = bytes_.read<Elf64_Shdr>(header_.e_shoff + header_.e_shstrndx * sizeof(Elf64_Shdr));
  if (header_.e_shstrndx != SHN_UNDEF &&
      (header_.e_shstrndx >= header_.e_shnum || !names || names->sh_type != SHT_STRTAB)) {
    return refuse(FileReason::Hole,
                  "it has a hole, or is damaged, where its section header table is; copy the file again, and rename it "
                  "into place when it is whole");
  }
  for (std::uint64_t i = 0; i < header_.e_shnum; ++i) {
    const auto section = *bytes_.read<Elf64_Shdr>(header_.e_shoff + i * sizeof(Elf64_Shdr));
    if (auto whole = checkHoles(section); !whole) return whole;
  }
  return {};
}

// A copy that made room first and has not filled it yet has zeros where it was not: whole pages of them, as file
// systems and copy programs write. Code and the loader's tables have no part in a page of zeros, but for their last few
// bytes; data may.
Checked<void> ElfLayout::checkHoles(const Elf64_Shdr& section) const {
  const bool is_code = section.sh_type == SHT_PROGBITS && (section.sh_flags & SHF_EXECINSTR) != 0;
  const bool is_table = section.sh_type == SHT_DYNSYM || section.sh_type == SHT_RELA || section.sh_type == SHT_STRTAB ||
                        section.sh_type == SHT_DYNAMIC;
  if ((section.sh_flags & SHF_ALLOC) == 0 || (!is_code && !is_table)) return {};
  const auto content = bytes_.slice(section.sh_offset, section.sh_size);
  if (!content)
    return refuse(FileReason::Damaged, "damaged: a section runs over the end of the file: copy the file again");
  const std::uint64_t part_least =
      std::min<std::uint64_t>(section.sh_size, section.sh_type == SHT_DYNAMIC ? kDynamicEndMost : kEndMost);
  const std::uint64_t end = section.sh_offset + section.sh_size;
  for (std::uint64_t at = section.sh_offset / kPage * kPage; at < end; at += kPage) {
    const std::uint64_t part = std::min(end, at + kPage) - std::max(at, section.sh_offset);
    const auto page = bytes_.slice(at, std::min(kPage, bytes_.size() - at));
    if (part < part_least || page->find_first_not_of('\0') != std::string_view::npos) continue;
    return refuse(
        FileReason::Hole,
        fmt::format("it has a hole: {} bytes of zeros from byte {}, where its {} is; copy the file again, and "
                    "rename it into place when it is whole",
                    page->size(), at, is_code ? "code" : "table for the loader"));
  }
  return {};
}

// What the loader takes on trust.
Checked<void> ElfLayout::checkSegments() const {
  const FileFault damaged =
      refuse(FileReason::Damaged, "damaged: its segments do not fit each other: copy the file again");
  std::uint64_t end = 0;
  for (const auto& load : loads_) {
    const bool aligned = load.p_align <= 1 || std::has_single_bit(load.p_align);
    if (!aligned || load.p_vaddr < end || (load.p_vaddr - load.p_offset) % kPage != 0) return damaged;
    end = load.p_vaddr + load.p_memsz;
  }
  if (dynamic_ && offsetOf(dynamic_->p_vaddr) != dynamic_->p_offset) return damaged;
  if (thread_local_ && thread_local_->p_filesz > 0 && offsetOf(thread_local_->p_vaddr) != thread_local_->p_offset) {
    return damaged;
  }
  if (!read_only_later_) return {};
  const auto inside = [&](const Elf64_Phdr& load) {
    const std::uint64_t at = read_only_later_->p_vaddr;
    return (load.p_flags & PF_W) != 0 && at >= load.p_vaddr && at - load.p_vaddr <= load.p_memsz &&
           read_only_later_->p_memsz <= load.p_memsz - (at - load.p_vaddr) + kPageMost;
  };
  return std::any_of(loads_.begin(), loads_.end(), inside) ? Checked<void>{} : Checked<void>{damaged};
}

Checked<void> ElfLayout::readSegments(ElfKind kind) {
  for (std::uint64_t i = 0; i < header_.e_phnum; ++i) {
    if (header_.e_phoff > bytes_.size())
      return refuse(FileReason::CutShort,
                    "cut short: the program headers lie behind the end of the file: copy the file again");
    const auto segment = bytes_.read<Elf64_Phdr>(header_.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment)
      return refuse(FileReason::CutShort,
                    "cut short: the program headers run over the end of the file: copy the file again");
    if (!bytes_.contains(segment->p_offset, segment->p_filesz)) {
      return refuse(FileReason::CutShort,
                    fmt::format("cut short: {} bytes, but segment {} is {} bytes from byte {}: copy the file again",
                                bytes_.size(), i, segment->p_filesz, segment->p_offset));
    }
    switch (segment->p_type) {
      case PT_LOAD:
        if (segment->p_filesz > segment->p_memsz || segment->p_vaddr > UINT64_MAX - segment->p_memsz) {
          return refuse(FileReason::Damaged,
                        fmt::format("damaged: segment {} is larger in the file than in memory: copy it again", i));
        }
        loads_.push_back(*segment);
        break;
      case PT_INTERP:
        if (kind == ElfKind::Plugin)
          return refuse(FileReason::NotShared, "an executable (PIE), wanted a shared object: link it with -shared");
        break;
      case PT_NOTE:
        notes_.push_back(*segment);
        break;
      case PT_DYNAMIC:
        if (dynamic_) return refuse(FileReason::Damaged, "damaged: it has two dynamic segments: copy the file again");
        dynamic_ = *segment;
        break;
      case PT_TLS:
        thread_local_ = *segment;
        break;
      case PT_GNU_RELRO:
        read_only_later_ = *segment;
        break;
      case PT_GNU_STACK:
        executable_stack_ = (segment->p_flags & PF_X) != 0;
        break;
      default:
        break;
    }
  }
  if (loads_.empty()) return refuse(FileReason::Damaged, "nothing in it is loaded (no PT_LOAD): copy the file again");
  return {};
}

bool ElfLayout::isExecutable(std::uint64_t address) const {
  return std::any_of(loads_.begin(), loads_.end(), [&](const Elf64_Phdr& load) {
    return (load.p_flags & PF_X) != 0 && address >= load.p_vaddr && address - load.p_vaddr < load.p_filesz;
  });
}

bool ElfLayout::isWritable(std::uint64_t address, bool anywhere) const {
  return std::any_of(loads_.begin(), loads_.end(), [&](const Elf64_Phdr& load) {
    return (anywhere || (load.p_flags & PF_W) != 0) && address >= load.p_vaddr && address - load.p_vaddr < load.p_memsz;
  });
}

std::optional<std::uint64_t> ElfLayout::offsetOf(std::uint64_t address) const {
  if (address == 0) return std::nullopt;
  for (const auto& load : loads_) {
    if (address < load.p_vaddr || address - load.p_vaddr >= load.p_filesz) continue;
    return load.p_offset + (address - load.p_vaddr);
  }
  return std::nullopt;
}

}  // namespace longhaul::host::catalog
