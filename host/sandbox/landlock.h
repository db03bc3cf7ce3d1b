// Landlock's numbers and system calls: Debian 12's headers know its first version only. From the kernel's
// include/uapi/linux/landlock.h; a number once given never changes.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace longhaul::host::sandbox {

inline constexpr std::uint64_t kFsExecute = 1U << 0;
inline constexpr std::uint64_t kFsWriteFile = 1U << 1;
inline constexpr std::uint64_t kFsReadFile = 1U << 2;
inline constexpr std::uint64_t kFsReadDir = 1U << 3;
inline constexpr std::uint64_t kFsRemoveDir = 1U << 4;
inline constexpr std::uint64_t kFsRemoveFile = 1U << 5;
inline constexpr std::uint64_t kFsMakeChar = 1U << 6;
inline constexpr std::uint64_t kFsMakeDir = 1U << 7;
inline constexpr std::uint64_t kFsMakeReg = 1U << 8;
inline constexpr std::uint64_t kFsMakeSock = 1U << 9;
inline constexpr std::uint64_t kFsMakeFifo = 1U << 10;
inline constexpr std::uint64_t kFsMakeBlock = 1U << 11;
inline constexpr std::uint64_t kFsMakeSym = 1U << 12;
inline constexpr std::uint64_t kFsRefer = 1U << 13;     // ABI 2: rename and link between folders
inline constexpr std::uint64_t kFsTruncate = 1U << 14;  // ABI 3
inline constexpr std::uint64_t kFsIoctlDev = 1U << 15;  // ABI 5
inline constexpr std::uint64_t kNetBindTcp = 1U << 0;   // ABI 4
inline constexpr std::uint64_t kNetConnectTcp = 1U << 1;
inline constexpr std::uint64_t kScopeAbstractUnixSocket = 1U << 0;  // ABI 6
inline constexpr std::uint64_t kScopeSignal = 1U << 1;

// What does not apply to a file that is no folder: the kernel refuses such a rule.
inline constexpr std::uint64_t kFsOfFiles = kFsExecute | kFsWriteFile | kFsReadFile | kFsTruncate | kFsIoctlDev;

inline constexpr int kLandlockAbiNewest = 6;  // that this program makes use of

struct RulesetAttribute {
  std::uint64_t handled_files = 0;
  std::uint64_t handled_network = 0;
  std::uint64_t scoped = 0;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t access = 0;
  std::int32_t parent_fd = -1;
};
struct NetworkPort {
  std::uint64_t access = 0;
  std::uint64_t port = 0;
};

// The same numbers on every architecture.
inline constexpr long kCreateRuleset = 444;
inline constexpr long kAddRule = 445;
inline constexpr long kRestrictSelf = 446;
inline constexpr int kRulePathBeneath = 1;
inline constexpr int kRuleNetworkPort = 2;
inline constexpr unsigned kAskVersion = 1U << 0;

// 0: there is none, errno says why (ENOSYS: not built in; EOPNOTSUPP: switched off at boot).
inline int landlockAbi() {
  const long abi = ::syscall(kCreateRuleset, nullptr, std::size_t{0}, kAskVersion);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

}  // namespace longhaul::host::sandbox
