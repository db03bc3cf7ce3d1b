// A plugin with an HTTP server of its own, on the listener that the host gives it: one thread for each connection,
// which it keeps. What it answers is said by the path:
//   /hello  its pid; /echo  what it was sent, with the header; /later  after the stop was asked for, or 10 s
//   /close  nothing: it closes; /garbage  no HTTP; /die  nothing: the process ends
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <longhaul/sdk.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

class OwnServer : public longhaul::Plugin {
 public:
  explicit OwnServer(longhaul::Server server) : Plugin(server) {}

  void longRunningExecution() override {
    const int listener = server().listener("http");
    std::vector<std::thread> threads;
    pollfd watch[] = {{listener, POLLIN, 0}, {stopToken().descriptor(), POLLIN, 0}};
    while (!stopToken().stopRequested()) {
      ::poll(watch, 2, -1);
      if (stopToken().stopRequested()) break;
      const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection >= 0) threads.emplace_back([this, connection] { serve(connection); });
    }
    for (std::thread& thread : threads)
      thread.join();
  }

 private:
  // Requests of one connection, until its other side closes it or the stop comes between two of them.
  void serve(int connection) {
    std::string input;
    while (true) {
      const auto end = input.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::string head = input.substr(0, end + 4);
        const std::size_t length = lengthIn(head);
        if (input.size() >= head.size() + length) {
          const std::string body = input.substr(head.size(), length);
          input.erase(0, head.size() + length);
          if (!answer(connection, head, body)) break;
          continue;
        }
      }
      if (!more(connection, input)) break;
    }
    ::close(connection);
  }

  bool more(int connection, std::string& input) {
    pollfd watch[] = {{connection, POLLIN, 0}, {stopToken().descriptor(), POLLIN, 0}};
    ::poll(watch, 2, -1);
    if (watch[0].revents == 0 && input.empty()) return false;  // idle, and asked to stop
    char buffer[16384];
    const ssize_t count = ::recv(connection, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    input.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

  static std::size_t lengthIn(const std::string& head) {
    const auto at = head.find("\r\nContent-Length: ");
    return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 18, nullptr, 10);
  }

  bool answer(int connection, const std::string& head, const std::string& body) {
    const std::string target = head.substr(head.find(' ') + 1, head.find(' ', head.find(' ') + 1) - head.find(' ') - 1);
    const std::string path = target.substr(0, target.find('?'));
    if (path == "/die") std::_Exit(3);
    if (path == "/close") return false;
    if (path == "/garbage") return say(connection, "this is no HTTP\r\n\r\n");
    if (path == "/later") (void)stopToken().waitFor(std::chrono::seconds(10));
    const std::string text = path == "/echo" ? head + body : "pid " + std::to_string(::getpid());
    return say(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
                               std::to_string(text.size()) + "\r\n\r\n" + text);
  }

  static bool say(int connection, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t count = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }
};

}  // namespace

LONGHAUL_PLUGIN(OwnServer);
