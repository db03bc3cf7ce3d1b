#include "host/supervisor/listeners.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace longhaul::host::supervisor {
namespace {

using catalog::Transport;
using config::Address;

struct Name {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&storage); }
};

Name nameOf(const Address& address) {
  Name name;
  if (address.isUnix()) {
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, address.unix_path.data(), std::min(address.unix_path.size(), sizeof un.sun_path - 1));
    std::memcpy(&name.storage, &un, sizeof un);
    name.size = sizeof un;
    return name;
  }
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&name.storage, &v4, sizeof v4);
    name.size = sizeof v4;
    return name;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  if (!address.host.empty()) ::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr);
  std::memcpy(&name.storage, &v6, sizeof v6);
  name.size = sizeof v6;
  return name;
}

// The address with the port that the socket really has: the system chooses where port 0 was asked for.
Address realAddress(int fd, const Address& wanted) {
  if (wanted.isUnix()) return wanted;
  Name name;
  name.size = sizeof name.storage;
  if (::getsockname(fd, name.address(), &name.size) != 0) return wanted;
  Address real = wanted;
  real.port =
      ntohs(name.storage.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in*>(&name.storage)->sin_port
                                              : reinterpret_cast<const sockaddr_in6*>(&name.storage)->sin6_port);
  return real;
}

// A port that the system had chosen is lost by a shutdown or a connect, though getsockname() may still tell it. It is
// bound on the same socket, because the next worker may have a duplicate of it already.
bool bindAgain(int fd, const Address& address) {
  const Name name = nameOf(address);
  return ::bind(fd, name.address(), name.size) == 0 || errno == EINVAL;  // EINVAL: it was not lost
}

// A socket file that a former run left: nobody answers on it.
void removeStaleFile(const std::string& path, const Name& name) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
  const UniqueFd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (probe && ::connect(probe.get(), name.address(), name.size) != 0 && errno == ECONNREFUSED) ::unlink(path.c_str());
}

int intOption(int fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, level, option, &value, &size) == 0 ? value : 0;
}

// As root the asked size holds also above rmem_max.
int setReceiveBuffer(int fd, int bytes) {
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  return intOption(fd, SOL_SOCKET, SO_RCVBUF) / 2;  // the kernel counts its own overhead as the other half
}

bool isShutDown(int fd, const Address& address) {
  if (!address.isUnix()) return intOption(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0;
  pollfd polled{fd, POLLIN, 0};  // a Unix socket goes on listening, and takes nobody
  return ::poll(&polled, 1, 0) > 0 && (polled.revents & POLLHUP) != 0;
}

std::int64_t droppedDatagrams(int fd) {
  std::uint32_t info[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

bool isStream(Transport transport) {
  return transport != Transport::Udp;
}

// A path has no transport beside it: it is of a Unix socket, and "/unix" would look like a part of it.
std::string what(Transport transport, const Address& address) {
  if (address.isUnix()) return toText(address);
  return fmt::format("{}/{}", toText(address), catalog::toText(transport));
}

// What most likely keeps the address from being listened on, and what mends it.
std::string remedy(const Address& address, int failed) {
  if (!address.isUnix()) {
    switch (failed) {
      case EADDRINUSE:
        return "another program is there: stop it, or choose another port";
      case EACCES:
        return "the port is for root alone: choose one from 1024";
      case EADDRNOTAVAIL:
        return "this machine does not have the address: choose one of its own";
      default:
        return "choose another address";
    }
  }
  const std::filesystem::path folder = std::filesystem::path(address.unix_path).parent_path();
  std::error_code error;
  switch (failed) {
    case ENOENT:
      return fmt::format("the folder {} is missing: make it, writable for the daemon's user", folder.native());
    case ENOTDIR:
      return fmt::format("{} is no folder: choose another path", folder.native());
    case EACCES:
    case EPERM:
    case EROFS:
      return fmt::format(
          "the daemon's user may not write into the folder {}: give it the right, or choose another path",
          folder.native());
    case EADDRINUSE:
      return std::filesystem::is_socket(address.unix_path, error)
                 ? "another program listens there: stop it, or choose another path"
                 : "a file that is no socket is there: remove it, or choose another path";
    default:
      return "choose another path";
  }
}

}  // namespace

Listeners::~Listeners() {
  for (const Held& held : held_) {
    if (held.bound.isUnix()) ::unlink(held.bound.unix_path.c_str());
  }
}

bool Listeners::same(const Held& held, InstanceId instance, const config::WantedListener& wanted) {
  return held.instance == instance && held.name == wanted.name && held.transport == wanted.transport &&
         held.wanted == wanted.address;
}

Result<UniqueFd> Listeners::open(const Held& held, const Held* beside) {
  const Name name = nameOf(held.bound);
  const int family = name.storage.ss_family;
  const int type = (isStream(held.transport) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  UniqueFd fd{::socket(family, type, 0)};
  if (!fd) return systemError("socket", errno);
  const int on = 1;
  const int off = 0;
  if (held.bound.isUnix()) removeStaleFile(held.bound.unix_path, name);
  // A restart of the daemon must not wait for connections of the old one; for UDP the option would share the port.
  if (held.transport == Transport::Tcp) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) {
    const int only_v6 = held.bound.host.empty() ? off : on;  // every address: both families
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
  }
  // Every address of a port beside one of them: for as long as this takes, the two sockets may share the port.
  const std::array<int, 2> sharing{fd.get(), beside == nullptr ? -1 : beside->fd.get()};
  const auto share = [&](int may) {
    if (beside == nullptr) return;
    for (const int each : sharing)
      ::setsockopt(each, SOL_SOCKET, SO_REUSEPORT, &may, sizeof may);
  };
  share(on);
  int failed = ::bind(fd.get(), name.address(), name.size) == 0 ? 0 : errno;
  const char* what_failed = "bind";
  if (failed == 0 && isStream(held.transport)) {  // listen() looks for who has the port once more
    failed = ::listen(fd.get(), SOMAXCONN) == 0 ? 0 : errno;
    what_failed = "listen";
  }
  share(off);
  if (failed != 0) {
    Error error = systemError(what_failed, failed);
    error.message += "; " + remedy(held.bound, failed);
    return error;
  }
  return fd;
}

Result<void> Listeners::openInto(Held& held, const Held* beside) const {
  auto fd = open(held, beside);
  if (!fd) return std::move(fd).error();
  held.fd = std::move(*fd);
  held.bound = realAddress(held.fd.get(), held.bound);
  if (held.transport == Transport::Udp) {
    held.receive_buffer_bytes = setReceiveBuffer(held.fd.get(), udp_receive_buffer_bytes_);
  }
  return {};
}

Result<void> Listeners::bind(InstanceId instance, std::string_view instance_name, const Wanted& wanted) {
  for (const config::WantedListener& each : wanted) {
    if (std::any_of(held_.begin(), held_.end(), [&](const Held& held) { return same(held, instance, each); })) continue;
    const Held* old = nullptr;
    for (const Held& held : held_) {
      if (held.transport != each.transport || !collide(held.bound, each.address)) continue;
      if (held.instance == instance && held.name == each.name) {
        old = &held;
        continue;
      }
      return Error{Code::Conflict,
                   fmt::format("{} (parameter {}) is held by the instance {}: give one of them another address",
                               what(each.transport, each.address), each.parameter, held.instance_name)};
    }
    Held held{instance, std::string(instance_name), each.name, each.transport, each.address, each.address, {}, 0};
    if (auto done = openInto(held, old); !done) {
      return Error{Code::Conflict,
                   fmt::format("{} (parameter {}) cannot be listened on: {}", what(each.transport, each.address),
                               each.parameter, done.error().message)};
    }
    held_.push_back(std::move(held));
  }
  return {};
}

void Listeners::trim(InstanceId instance, const Wanted& wanted) {
  std::erase_if(held_, [&](const Held& held) {
    if (held.instance != instance) return false;
    const bool kept = std::any_of(wanted.begin(), wanted.end(),
                                  [&](const config::WantedListener& each) { return same(held, instance, each); });
    if (!kept && held.bound.isUnix()) ::unlink(held.bound.unix_path.c_str());
    return !kept;
  });
}

void Listeners::closeAll(InstanceId instance) {
  trim(instance, {});
}

// What a plugin can set on a shared socket that its next worker would inherit: connections that are reset when they are
// closed, reads that wait for more than comes, no room for peers or datagrams. Setting it back costs less than finding
// it.
void Listeners::resetOptions(const Held& held) const {
  const int fd = held.fd.get();
  const linger off{};
  const timeval no_limit{};
  const int one = 1;
  const int system_default = -1;
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &no_limit, sizeof no_limit);
  if (!held.bound.isUnix()) ::setsockopt(fd, IPPROTO_IP, IP_TTL, &system_default, sizeof system_default);
  if (held.transport == Transport::Udp) setReceiveBuffer(fd, udp_receive_buffer_bytes_);
  if (isStream(held.transport) && !isShutDown(fd, held.bound)) ::listen(fd, SOMAXCONN);  // as many may wait as before
}

std::vector<std::string> Listeners::heal(InstanceId instance) {
  std::vector<std::string> mended;
  for (Held& held : held_) {
    if (held.instance != instance) continue;
    const int fd = held.fd.get();
    const int flags = ::fcntl(fd, F_GETFL);
    if ((flags & (O_NONBLOCK | O_ASYNC)) != O_NONBLOCK) ::fcntl(fd, F_SETFL, (flags | O_NONBLOCK) & ~O_ASYNC);
    resetOptions(held);

    bool works = false;
    if (isStream(held.transport)) {
      if (!isShutDown(fd, held.bound)) continue;
      works = !held.bound.isUnix() && bindAgain(fd, held.bound) && ::listen(fd, SOMAXCONN) == 0;
    } else {
      Name peer;
      peer.size = sizeof peer.storage;
      if (::getpeername(fd, peer.address(), &peer.size) != 0) continue;
      sockaddr nobody{};
      nobody.sa_family = AF_UNSPEC;
      works = ::connect(fd, &nobody, sizeof nobody) == 0 && bindAgain(fd, held.bound);
    }
    if (!works || realAddress(fd, held.bound) != held.bound) {
      held.fd.reset();  // the address is free for the new socket only then
      if (held.bound.isUnix()) ::unlink(held.bound.unix_path.c_str());
      if (auto done = openInto(held); !done) {
        mended.push_back(fmt::format("listener {} at {} was broken by the plugin and cannot be opened again: {}",
                                     held.name, what(held.transport, held.bound), done.error().message));
        continue;
      }
    }
    mended.push_back(fmt::format("listener {} at {} was {} by the plugin and works again", held.name,
                                 what(held.transport, held.bound),
                                 isStream(held.transport) ? "shut down" : "connected"));
  }
  std::erase_if(held_, [](const Held& held) { return !held.fd; });
  return mended;
}

std::vector<Listeners::Passed> Listeners::passed(InstanceId instance, const Wanted& wanted) const {
  std::vector<Passed> all;
  for (const config::WantedListener& each : wanted) {
    for (const Held& held : held_) {
      if (same(held, instance, each)) all.push_back({held.name, held.fd.get()});
    }
  }
  return all;
}

std::vector<ListenerView> Listeners::views(InstanceId instance) const {
  std::vector<ListenerView> all;
  for (const Held& held : held_) {
    if (held.instance != instance) continue;
    const bool udp = held.transport == Transport::Udp;
    all.push_back({held.name, std::string(catalog::toText(held.transport)), toText(held.bound),
                   held.receive_buffer_bytes, udp ? droppedDatagrams(held.fd.get()) : 0});
  }
  return all;
}

std::optional<config::Address> Listeners::boundAt(InstanceId instance, std::string_view name) const {
  const auto found = std::find_if(held_.rbegin(), held_.rend(),
                                  [&](const Held& held) { return held.instance == instance && held.name == name; });
  return found == held_.rend() ? std::nullopt : std::optional{found->bound};
}

std::string Listeners::holderOf(std::string_view transport, std::string_view address) const {
  for (const Held& held : held_) {
    if (catalog::toText(held.transport) == transport && toText(held.bound) == address) return held.instance_name;
  }
  return {};
}

}  // namespace longhaul::host::supervisor
