#include "host/catalog/file_reason.h"

#include <array>

namespace longhaul::host::catalog {
namespace {

using enum FileReason;

constexpr std::array<FileReasonRow, kFileReasonCount> kRows{{
    {UnsafeOwner, "unsafe-owner", "refused", "the file belongs to another user than root and the daemon's",
     "chown it to root or to the daemon's user", FileNext::Rescan},
    {UnsafeMode, "unsafe-mode", "refused", "others can write the file", "take the right to write from them: chmod go-w",
     FileNext::Rescan},
    {UnsafeFolder, "unsafe-folder", "refused", "others can write a folder on the way to the file, or own it",
     "chown that folder to root or to the daemon's user, and chmod go-w it", FileNext::Rescan},
    {SymbolicLink, "symbolic-link", "refused", "a symbolic link, wanted a regular file", "copy the file itself there",
     FileNext::Change},
    {NotRegular, "not-regular", "refused", "a folder, FIFO, socket or device, wanted a regular file", "take it away",
     FileNext::Change},
    {Unreadable, "unreadable", "refused", "the system does not let the daemon read the file",
     "mend what the sentence names, as a right to read or a broken disk", FileNext::Rescan},
    {TooLarge, "too-large", "refused", "more bytes than a plugin file may have", "strip it, or ship its data apart",
     FileNext::Change},
    {ChangedWhileRead, "changed-while-read", "refused", "the file was written while it was read",
     "nothing: it is read again when it is quiet. Copy it beside and rename it into place", FileNext::Rescan},
    {NotElf, "not-elf", "refused", "not an ELF file, wanted a shared object (.so)",
     "drop a plugin's .so there, or take the file away", FileNext::Change},
    {Not64Bit, "not-64-bit", "refused", "a 32-bit ELF file, wanted a 64-bit one of this machine",
     "build it for this machine", FileNext::Change},
    {WrongMachine, "wrong-machine", "refused", "built for another kind of machine", "build it for this machine",
     FileNext::Change},
    {NotShared, "not-shared", "refused", "an executable, an object file or a core dump, wanted a shared object",
     "link it with -shared, as longhaul_add_plugin() does", FileNext::Change},
    {NoSections, "no-sections", "refused", "no section header table, so a file cut short could not be told",
     "link it without --strip-sections", FileNext::Change},
    {CutShort, "cut-short", "refused", "the file ends before what its headers name", "copy it again", FileNext::Change},
    {Hole, "hole", "refused", "zeros where its code or a table of the loader is: a copy that is not whole",
     "copy it again, and rename it into place when it is whole", FileNext::Change},
    {Damaged, "damaged", "refused", "the file contradicts itself, so that loading it could crash",
     "build or copy it again", FileNext::Change},
    {NoManifest, "no-manifest", "refused", "a library without a Longhaul manifest",
     "build it with longhaul_add_plugin(), or take it away", FileNext::Change},
    {BadManifest, "bad-manifest", "refused", "the manifest inside has a fault", "mend the manifest and build it again",
     FileNext::Change},
    {WrongAbi, "wrong-abi", "refused", "built for a version of the plugin API that this host does not have",
     "update the host, or build the plugin with this host's headers", FileNext::Change},
    {NoEntry, "no-entry", "refused", "longhaulPluginEntry is not exported",
     "define it, and let no version script hide it", FileNext::Change},
    {MissingLibrary, "missing-library", "refused", "a library that it needs is not on this system",
     "install the package that has it, or link it statically", FileNext::Rescan},
    {SymbolVersion, "symbol-version", "refused", "a library here lacks a symbol version that it needs",
     "build it on this system, or update the system", FileNext::Rescan},
    {UnresolvedSymbol, "unresolved-symbol", "refused", "it uses a symbol that none of the libraries that it needs has",
     "link it with the library that has it", FileNext::Rescan},
    {NotPinned, "not-pinned", "refused", "trust.mode is pinned, and its digest is not listed",
     "add its digest to trust.digests if the file is yours", FileNext::Rescan},
    {NoSignature, "no-signature", "refused", "trust.mode is signed, and its signature is not there or cannot be read",
     "put its .minisig beside it: minisign -S -m FILE", FileNext::Rescan},
    {BadSignature, "bad-signature", "refused", "its signature is not of these bytes, or is none",
     "copy both files again, or sign the file anew", FileNext::Rescan},
    {UnknownKey, "unknown-key", "refused", "it is signed by a key that trust.keys does not have",
     "have it signed by one of these, or add the key if you trust it", FileNext::Rescan},
    {CopyFailed, "copy-failed", "refused", "the host's own copy cannot be written",
     "make room in the state folder, or mend what the sentence names", FileNext::Rescan},
    {CopyDamaged, "copy-damaged", "refused", "the host's own copy has other bytes than were staged",
     "remove that copy, and drop the plugin's file again", FileNext::Change},
    {Shadowed, "shadowed", "shadowed", "another file of the same plugin has a higher version, or is newer",
     "take the other file away, or give this one a higher version", FileNext::Files},
    {Removed, "removed", "removed", "no file of this plugin is in a plugin folder any more; instances run on",
     "drop its file again, or end its instances: longhaul remove", FileNext::Files},
}};

constexpr bool inOrder() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].reason != static_cast<FileReason>(i) || kRows[i].remedy.empty()) return false;
  }
  return true;
}
static_assert(inOrder(), "each reason has its row, in the order of the enumeration");

}  // namespace

const FileReasonRow& rowOf(FileReason reason) {
  return kRows[static_cast<std::size_t>(reason)];
}

std::optional<FileReason> fileReasonFromName(std::string_view name) {
  for (const FileReasonRow& row : kRows) {
    if (row.name == name) return row.reason;
  }
  return std::nullopt;
}

std::string_view toText(FileNext next) {
  switch (next) {
    case FileNext::Change:
      return "when the file changes";
    case FileNext::Rescan:
      return "at each rescan, every 30 s, and when the file changes";
    case FileNext::Files:
      return "when the plugin's files change";
  }
  return {};
}

}  // namespace longhaul::host::catalog
