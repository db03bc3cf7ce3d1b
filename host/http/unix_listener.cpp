#include "host/http/unix_listener.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "host/base/limits.h"

namespace longhaul::host::http {
namespace {

constexpr mode_t kMode = 0660;

sockaddr_un addressOf(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

UniqueFd makeSocket() {
  return UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

// Removes what a daemon that was killed left behind.
Result<void> removeStale(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return Error{Code::Conflict,
                 fmt::format("{} is there and is no socket; remove it or choose another --run-dir", path.native())};
  }
  const UniqueFd probe = makeSocket();
  const sockaddr_un address = addressOf(path);
  if (!probe) return systemError("make a socket", errno);
  const int result = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  // EAGAIN: somebody listens, and has a full queue.
  if (result == 0 || errno == EAGAIN) {
    return Error{Code::Conflict,
                 fmt::format("another daemon listens on {}; stop it or choose another --run-dir", path.native())};
  }
  if (errno != ECONNREFUSED && errno != ENOENT) return systemError(fmt::format("connect to {}", path.native()), errno);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return systemError(fmt::format("remove {}", path.native()), errno);
  return {};
}

// The peer's further groups, as it had them when it connected.
bool isMember(int fd, gid_t group) {
  std::array<gid_t, 256> groups{};
  socklen_t size = sizeof groups;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;  // more than these: none
  const auto end = groups.begin() + static_cast<std::ptrdiff_t>(size / sizeof(gid_t));
  return std::find(groups.begin(), end, group) != end;
}

Peer peerOf(int fd, gid_t group) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {.uid = static_cast<uid_t>(-1)};
  Peer peer{.uid = credentials.uid, .role = Role::Read, .pid = credentials.pid};
  if (peer.uid == 0 || peer.uid == ::geteuid()) {
    peer.role = Role::Admin;
  } else if (credentials.gid == group || isMember(fd, group)) {
    peer.role = Role::Operate;
  }
  return peer;
}

// The socket's group may be changed while it is listened on.
gid_t groupOf(const std::filesystem::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_gid : static_cast<gid_t>(-1);
}

}  // namespace

Result<std::unique_ptr<UnixListener>> UnixListener::create(EventLoop& loop, std::filesystem::path path,
                                                           Accepted accepted) {
  std::unique_ptr<UnixListener> listener{new UnixListener(loop, std::move(path), std::move(accepted))};
  if (auto opened = listener->open(); !opened) return opened.error();
  return listener;
}

UnixListener::UnixListener(EventLoop& loop, std::filesystem::path path, Accepted accepted)
    : loop_(loop), path_(std::move(path)), accepted_(std::move(accepted)) {}

UnixListener::~UnixListener() {
  struct stat status {};
  if (inode_ != 0 && ::lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_ && status.st_dev == device_) {
    ::unlink(path_.c_str());
  }
}

Result<void> UnixListener::open() {
  if (const std::size_t size = path_.native().size(); size > kUnixPathBytesMax) {
    return Error{Code::Invalid, fmt::format("the socket's path {} has {} bytes, the system takes at most {}; choose a "
                                            "shorter --run-dir",
                                            path_.native(), size, kUnixPathBytesMax)};
  }
  if (auto removed = removeStale(path_); !removed) return removed.error();
  fd_ = makeSocket();
  if (!fd_) return systemError("make a socket", errno);
  const sockaddr_un address = addressOf(path_);
  if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return systemError(fmt::format("bind {}", path_.native()), errno);
  }
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0) device_ = status.st_dev, inode_ = status.st_ino;
  // Before listen(): until then nobody can connect, whatever the mask made of the mode.
  if (::chmod(path_.c_str(), kMode) != 0) return systemError(fmt::format("chmod {}", path_.native()), errno);
  if (::listen(fd_.get(), SOMAXCONN) != 0) return systemError(fmt::format("listen on {}", path_.native()), errno);
  accepts_ = std::make_unique<AcceptLoop>(loop_, fd_.get(), [this](UniqueFd fd) {
    const Peer peer = peerOf(fd.get(), groupOf(path_));
    accepted_(std::move(fd), peer);
  });
  return {};
}

}  // namespace longhaul::host::http
