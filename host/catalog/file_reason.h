// Why a plugin file does not count, as a closed list: each has a name for machines that stays as it is, and a row with
// what it means and what mends it, from which docs/EXPLAIN.md is printed. A new one is an entry here and its row
// beside. Any thread; values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace longhaul::host::catalog {

enum class FileReason : std::uint8_t {
  // of the file and the way to it
  UnsafeOwner,
  UnsafeMode,
  UnsafeFolder,
  SymbolicLink,
  NotRegular,
  Unreadable,
  TooLarge,
  ChangedWhileRead,
  // of its bytes
  NotElf,
  Not64Bit,
  WrongMachine,
  NotShared,
  NoSections,
  CutShort,
  Hole,
  Damaged,
  NoManifest,
  BadManifest,
  WrongAbi,
  NoEntry,
  // of this system
  MissingLibrary,
  SymbolVersion,
  UnresolvedSymbol,
  // of who made it (trust.h)
  NotPinned,
  NoSignature,
  BadSignature,
  UnknownKey,
  // of the host's copy
  CopyFailed,
  CopyDamaged,
  // of other files
  Shadowed,
  Removed,
};
inline constexpr std::size_t kFileReasonCount = 31;

// When a file that does not count is looked at again.
enum class FileNext : std::uint8_t {
  Change,  // its bytes, owner or mode
  Rescan,  // also at each rescan, for the cause lies outside of it
  Files,   // whenever the files of its plugin change
};

struct FileReasonRow {
  FileReason reason;
  std::string_view name;    // "cut-short"
  std::string_view state;   // of `longhaul plugins`
  std::string_view means;   // what was found, and what is wanted
  std::string_view remedy;  // what would change it
  FileNext next;
};
const FileReasonRow& rowOf(FileReason reason);
inline std::string_view nameOf(FileReason reason) {
  return rowOf(reason).name;
}
std::optional<FileReason> fileReasonFromName(std::string_view name);
// "when the file changes", for people.
std::string_view toText(FileNext next);

}  // namespace longhaul::host::catalog
