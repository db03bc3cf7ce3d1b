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
    if (auto read = layout.checkSections(); !read) return read.fault();
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
  if (bytes_.contains(header_.e_shoff, size)) return {};
  return refuse(FileReason::CutShort,
                fmt::format("cut short: {} bytes, but its section header table ends at byte {}: copy the file again",
                            bytes_.size(), header_.e_shoff <= UINT64_MAX - size ? header_.e_shoff + size : UINT64_MAX));
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

std::optional<std::uint64_t> ElfLayout::offsetOf(std::uint64_t address) const {
  if (address == 0) return std::nullopt;
  for (const auto& load : loads_) {
    if (address < load.p_vaddr || address - load.p_vaddr >= load.p_filesz) continue;
    return load.p_offset + (address - load.p_vaddr);
  }
  return std::nullopt;
}

}  // namespace longhaul::host::catalog
