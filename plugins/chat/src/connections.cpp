#include "connections.h"

#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>

#include "printable.h"

namespace chat_plugin {
namespace {

constexpr std::size_t kLineBytesMax = 16u << 10;     // of one line of a person
constexpr std::size_t kUnsentBytesMax = 256u << 10;  // for a peer that does not read: nothing more is brought or taken
constexpr std::size_t kReadBytes = 16u << 10;
constexpr std::size_t kNameBytesMax = 100;
constexpr std::chrono::milliseconds kTurnMax{20'000};  // a third of the heartbeat that the manifest declares
constexpr std::chrono::seconds kAcceptPause{1};  // after EMFILE and its like: trying at once would only turn the loop
constexpr std::size_t kFixed = 3;                // in polled_, before the connections: stop, wake, listener

// The login name behind the socket; empty if it has none. trusted: root and this process's own user.
// From the file itself: getpwuid() asks a name service over a socket first, which a worker has no grant for.
std::string loginOf(int fd, bool& trusted) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return trusted = false, std::string();
  trusted = peer.uid == 0 || peer.uid == ::geteuid();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> users(std::fopen("/etc/passwd", "re"), &std::fclose);
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(4096);
  while (users && ::fgetpwent_r(users.get(), &entry, buffer.data(), buffer.size(), &found) == 0) {
    if (found->pw_uid == peer.uid) return found->pw_name;
  }
  return {};
}

bool isUtf8(std::string_view text) {
  for (std::size_t at = 0, size = 0; at < text.size(); at += size)
    if ((size = longhaul::detail::utf8Size(text, at)) == 0) return false;
  return true;
}

// Each line of the text behind `prefix`, for a terminal: nothing in it may move the cursor or begin another line.
void appendLines(std::string& out, std::string_view prefix, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    appendPrintable(out, prefix);
    appendPrintable(out, text.substr(0, end));
    out.append("\n");
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

}  // namespace

struct Connections::Connection {
  explicit Connection(int socket) : fd(socket) {}
  ~Connection() { ::close(fd); }

  void answer(const Reply& reply, std::string_view key) {
    appendLines(unsent, "| ", reply.text);
    unsent.append(reply.done ? "ok" : "no");
    if (!key.empty()) unsent.append(" #").append(key);
    unsent.append("\n");
  }
  bool isFull() const { return unsent.size() - sent >= kUnsentBytesMax; }

  const int fd;
  Person person;
  bool trusted = false;
  std::string login;
  std::string received;
  std::string unsent;
  std::size_t sent = 0;                 // of unsent
  std::int64_t brought = 0;             // the highest number of a line in unsent, or before
  std::size_t brought_end = 0;          // where the last brought line ends in unsent
  std::vector<std::int64_t> under_way;  // numbers whose bytes are not all with the kernel yet
  bool skipping = false;                // in a line that is too long
  bool ending = false;                  // after quit: what is unsent goes out, then it ends
  bool ended = false;
};

Connections::Connections(longhaul::Server server, Room& room, const Limits& limits, int wake_fd)
    : server_(server),
      room_(room),
      limits_(limits),
      stop_fd_(server.stopToken().descriptor()),
      listener_(server.listener("chat")),
      wake_fd_(wake_fd),
      bytes_(kReadBytes) {}

Connections::~Connections() = default;

void Connections::run() {
  while (!server_.stopToken().stopRequested()) {
    server_.progress();
    const std::int64_t next_expiry = room_.expire(std::time(nullptr));
    bringLines();
    pollAll(waitMs(next_expiry));
    if (polled_[0].revents != 0) return;
    if (polled_[1].revents != 0) {
      eventfd_t count = 0;
      ::eventfd_read(wake_fd_, &count);
    }
    const std::size_t known = connections_.size();
    if (polled_[2].revents != 0) accept();
    for (std::size_t i = 0; i < known; ++i)
      if ((polled_[kFixed + i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) read(*connections_[i]);
    bringLines();
    removeEnded();
  }
}

int Connections::waitMs(std::int64_t next_expiry_seconds) const {
  auto wait = kTurnMax;
  if (next_expiry_seconds != 0) {
    const auto left = std::chrono::seconds(next_expiry_seconds - std::time(nullptr));
    wait = std::min(wait, std::max<std::chrono::milliseconds>(std::chrono::milliseconds(1), left));
  }
  if (accept_again_at_ > std::chrono::steady_clock::now())
    wait = std::min<std::chrono::milliseconds>(wait, kAcceptPause);
  // A line that was held back for a full buffer needs no event of its own once there is room.
  for (const auto& connection : connections_)
    if (!connection->isFull() && connection->received.find('\n') != std::string::npos) return 0;
  return static_cast<int>(wait.count());
}

void Connections::pollAll(int timeout_ms) {
  const bool accepts =
      connections_.size() < limits_.connections && std::chrono::steady_clock::now() >= accept_again_at_;
  polled_.assign({{stop_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}, {accepts ? listener_ : -1, POLLIN, 0}});
  for (const auto& connection : connections_) {
    const bool writes = connection->sent < connection->unsent.size();
    const bool reads = !connection->isFull() && !connection->ending;
    polled_.push_back({connection->fd, static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0});
  }
  if (::poll(polled_.data(), polled_.size(), timeout_ms) >= 0) return;
  if (errno != EINTR && errno != EAGAIN && errno != ENOMEM)
    throw std::runtime_error(std::string("waiting for the sockets failed: ") + std::strerror(errno));
  for (pollfd& one : polled_)
    one.revents = 0;
}

void Connections::accept() {
  if ((polled_[2].revents & POLLIN) == 0) throw std::runtime_error("the listener does not listen any more");
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      server_.error(std::string("a connection cannot be accepted yet: ") + std::strerror(errno));
      accept_again_at_ = std::chrono::steady_clock::now() + kAcceptPause;
    } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
      throw std::runtime_error(std::string("accepting failed: ") + std::strerror(errno));
    }
    return;  // any other error is of the one connection (accept(2))
  }
  auto connection = std::make_unique<Connection>(fd);
  connection->login = loginOf(fd, connection->trusted);
  if (!connection->login.empty()) connection->person = room_.meet(connection->login);
  appendLines(connection->unsent, "* ",
              "Longhaul chat. You are " + (connection->login.empty() ? std::string("nobody yet") : connection->login) +
                  "; hello NAME says another name, help what can be said.");
  connections_.push_back(std::move(connection));
  write(*connections_.back());
}

void Connections::read(Connection& connection) {
  while (!connection.isFull() && !connection.ending) {
    const ssize_t size = ::recv(connection.fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size <= 0) {
      connection.ended = true;
      return;
    }
    connection.received.append(bytes_.data(), static_cast<std::size_t>(size));
    takeLines(connection);
  }
}

void Connections::takeLines(Connection& connection) {
  std::size_t at = 0;
  while (!connection.isFull() && !connection.ending) {
    const std::size_t end = connection.received.find('\n', at);
    if (end == std::string::npos) break;
    std::string line = connection.received.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (std::exchange(connection.skipping, false)) {
      connection.answer({"the line is longer than 16384 bytes", false}, {});
    } else {
      obey(connection, line);
    }
    write(connection);
  }
  connection.received.erase(0, at);
  if (connection.received.size() > kLineBytesMax && connection.received.find('\n') == std::string::npos) {
    connection.skipping = true;
    connection.received.clear();
  }
}

// The host may fail in a call: then the person hears so, and the plugin goes on.
void Connections::obey(Connection& connection, std::string_view line) {
  std::string_view key;
  if (!line.empty() && line.front() == '#') {
    const std::size_t end = std::min(line.find(' '), line.size());
    key = line.substr(1, end - 1);
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ', end)));
  }
  if (!isUtf8(line) || !isUtf8(key)) return connection.answer({"the line is not UTF-8", false}, {});
  if (!isPrintable(key)) return connection.answer({"a key has no control characters", false}, {});
  if (key.size() > kNameBytesMax) return connection.answer({"a key has at most 100 bytes", false}, {});
  if (line.empty()) return;
  try {
    if (line == "quit") {
      connection.answer({}, key);
      connection.ending = true;
    } else if (line.substr(0, 6) == "hello ") {
      hello(connection, line.substr(6), key);
    } else if (connection.person.name.empty()) {
      connection.answer({"who are you? Say: hello NAME", false}, key);
    } else {
      // An operator may have added the user since.
      if (!connection.person.user) connection.person = room_.meet(connection.person.name);
      connection.answer(room_.handle(connection.person, line, key), key);
    }
  } catch (const longhaul::Error& error) {
    server_.error(error.what());
    connection.answer({error.text(), false}, key);
  }
}

void Connections::hello(Connection& connection, std::string_view name, std::string_view key) {
  if (name.empty() || name.size() > kNameBytesMax || name.find(' ') != std::string_view::npos)
    return connection.answer({"a name is one word of at most 100 bytes", false}, key);
  if (!limits_.any_name && !connection.trusted && name != connection.login)
    return connection.answer(
        {"on this machine you are " + (connection.login.empty() ? std::string("nobody") : connection.login) +
             ": only root may say another name (the parameter anyName lifts that)",
         false},
        key);
  connection.person = room_.meet(std::string(name));
  connection.brought = 0;
  const auto& user = connection.person.user;
  connection.answer(
      {user ? "Hello " + user->username + "."
            : "Hello " + std::string(name) + ". Nobody here knows you: an operator can add you as a user.",
       true},
      key);
}

// What waits goes to every connection of its user, and counts as fetched once one of them has taken all its bytes.
void Connections::bringLines() {
  if (!connections_.empty()) {
    const std::vector<Line> lines = room_.waiting();
    for (const auto& connection : connections_) {
      for (const Line& line : lines) {
        if (connection->isFull() || connection->ending) break;
        if (connection->person.name.empty() || line.number <= connection->brought ||
            line.to != connection->person.key())
          continue;
        const std::string prefix =
            "[" + std::to_string(line.number) + "] " + (line.channel.empty() ? "" : line.channel + ": ");
        appendLines(connection->unsent, prefix, line.text);
        connection->brought = line.number;
        connection->brought_end = connection->unsent.size();
        connection->under_way.push_back(line.number);
      }
      write(*connection);
    }
  }
  std::vector<std::int64_t> fetched;
  for (const auto& connection : connections_) {
    if (connection->ended || connection->sent < connection->brought_end) continue;
    fetched.insert(fetched.end(), connection->under_way.begin(), connection->under_way.end());
    connection->under_way.clear();
  }
  room_.fetched(fetched);
}

void Connections::write(Connection& connection) {
  while (connection.sent < connection.unsent.size() && !connection.ended) {
    const ssize_t size = ::send(connection.fd, connection.unsent.data() + connection.sent,
                                connection.unsent.size() - connection.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size < 0) {
      connection.ended = true;
      return;
    }
    connection.sent += static_cast<std::size_t>(size);
    if (connection.sent >= kUnsentBytesMax) {  // for a peer that never takes all: what is gone needs no room
      connection.unsent.erase(0, connection.sent);
      connection.brought_end -= std::min(connection.brought_end, connection.sent);
      connection.sent = 0;
    }
  }
  if (connection.sent < connection.unsent.size()) return;
  // All is with the kernel; what was brought is told to the Room before the place in the buffer is forgotten.
  if (connection.under_way.empty()) {
    connection.unsent.clear();
    connection.sent = connection.brought_end = 0;
  }
  if (connection.ending) connection.ended = true;
}

void Connections::removeEnded() {
  for (const auto& connection : connections_) {
    // Lines that were held back while the buffer was full.
    if (!connection->ended && connection->received.find('\n') != std::string::npos) takeLines(*connection);
    write(*connection);
  }
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                    [](const auto& connection) { return connection->ended; }),
                     connections_.end());
}

}  // namespace chat_plugin
