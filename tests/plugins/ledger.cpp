// Keeps books: each line that comes by TCP, each command and each tick of its own becomes one incident of that name,
// and is acknowledged once the call has returned. A key that comes again, because its acknowledgement was lost with a
// worker, is the same incident. With acknowledge: first it lies: lines are acknowledged when they come and written when
// ten are together, so a stop loses some.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <longhaul/sdk.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::chrono::milliseconds kTick{50};
constexpr std::size_t kLieCount = 10;

struct Peer {
  int fd = -1;
  std::string text{};  // what no newline ended yet
};

class Ledger : public longhaul::CommandPlugin {
 public:
  explicit Ledger(longhaul::Server server) : CommandPlugin(server), lies_(server.parameter("acknowledge") == "first") {
    onCommand("book", [this](const longhaul::Command& command) {
      const std::string key(command.argument("key", ""));
      book(key, {});
      return key;
    });
  }

  void longRunningExecution() override {
    const int listener = server().listener("door");
    std::thread ticks([this] { tick(); });
    std::vector<Peer> peers;
    while (!stopToken().stopRequested()) {
      std::vector<pollfd> polled{{stopToken().descriptor(), POLLIN, 0}, {listener, POLLIN, 0}};
      for (const Peer& peer : peers)
        polled.push_back({peer.fd, POLLIN, 0});
      ::poll(polled.data(), polled.size(), -1);
      const std::size_t known = peers.size();
      if (polled[1].revents != 0) accept(listener, peers);
      for (std::size_t i = 0; i < known; ++i)
        if (polled[i + 2].revents != 0) read(peers[i]);
      peers.erase(std::remove_if(peers.begin(), peers.end(), [](const Peer& peer) { return peer.fd < 0; }),
                  peers.end());
    }
    for (const Peer& peer : peers)
      ::close(peer.fd);
    ticks.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void book(const std::string& name, std::string_view patch) {
    longhaul::Incident incident;
    incident.name = name;
    longhaul::CreateOptions options;
    options.idempotency_key = name;
    options.patch_context = patch;
    longhaul::untilTaken(stopToken(), [&] { return server().tryCreateIncidents({incident}, options); }).take();
  }

  // The count moves with the incident, so the next worker goes on where this one ended.
  void tick() {
    try {
      const std::string context = server().getIntegrationContext();
      long number = std::stol(longhaul::jsonMember(context, "own").value_or("0"));
      while (!stopToken().waitFor(kTick)) {
        const std::string text = std::to_string(++number);
        book("own/" + text, "{\"own\":" + text + "}");
      }
    } catch (const longhaul::Error&) {
      if (!stopToken().stopRequested()) failure_ = std::current_exception();
    }
  }

  static void accept(int listener, std::vector<Peer>& peers) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) peers.push_back({fd});
  }

  void read(Peer& peer) {
    char bytes[4096];
    const ssize_t size = ::recv(peer.fd, bytes, sizeof bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
      ::close(peer.fd);
      peer.fd = -1;
      return;
    }
    peer.text.append(bytes, static_cast<std::size_t>(size));
    for (std::size_t end = peer.text.find('\n'); end != std::string::npos; end = peer.text.find('\n')) {
      const std::string key = peer.text.substr(0, end);
      peer.text.erase(0, end + 1);
      if (lies_) {
        owed_.push_back(key);
      } else {
        book(key, {});
      }
      const std::string answer = key + "\n";
      ::send(peer.fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    if (owed_.size() < kLieCount) return;
    for (const std::string& key : owed_)
      book(key, {});
    owed_.clear();
  }

  const bool lies_;
  std::vector<std::string> owed_;
  std::exception_ptr failure_;  // of the ticks
};

}  // namespace

LONGHAUL_PLUGIN(Ledger);
