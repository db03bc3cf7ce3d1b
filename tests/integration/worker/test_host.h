// The smallest host that a worker can have: plain code that waits with a limit, on the real launcher and the real
// sockets. It records what comes and answers only what a test tells it to. Not for product code: it trusts the worker.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/process/process_tree.h"
#include "host/process/worker_launcher.h"
#include "host/protocol/fragments.h"
#include "host/protocol/log_ring.h"
#include "host/protocol/messages.h"
#include "host/sandbox/confinement.h"

namespace longhaul::host::test {

struct ControlMessage {
  protocol::Kind kind;
  std::string payload;
};

struct Call {
  std::size_t socket = 0;
  protocol::Frame frame;
  std::string payload;
  protocol::Method method() const {
    return static_cast<protocol::Method>(frame.kind - static_cast<int>(protocol::Kind::Call));
  }
};

struct LogLine {
  protocol::LogLevel level;
  std::uint16_t thread;
  std::string text;
};

class TestHost {
 public:
  // Launches a worker with build/…/plugins/<plugin>.so.
  explicit TestHost(const std::string& plugin, std::vector<int> listeners = {},
                    const sandbox::Confinement& confinement = {});
  ~TestHost();

  // What Start will say; set before start().
  std::vector<protocol::Parameter> parameters;
  protocol::Start start_message;

  // Hello and Loaded, then Start; gives back once they were exchanged.
  void start(const std::string& mode);
  void sendControl(protocol::Kind kind, std::string_view payload);
  template <class Message>
  void sendMessage(protocol::Kind kind, const Message& message) {
    std::string payload;
    protocol::encode(message, payload);
    sendControl(kind, payload);
  }
  // The next control message, which must be of this kind.
  std::string expect(protocol::Kind kind);
  template <class Message>
  Message expectMessage(protocol::Kind kind, std::string& payload) {
    payload = expect(kind);
    Message message;
    if (!protocol::decode(payload, message)) fail("a payload that cannot be decoded");
    return message;
  }
  Call nextCall();
  void reply(const Call& call, std::int32_t status, std::string_view payload);
  void replyResult(const Call& call, std::string_view result);

  // Reads what comes until `done`; fails the test after the limit.
  void pumpUntil(const std::function<bool()>& done);
  void expectLine(std::string_view text);
  process::ExitStatus waitEnd();

  std::deque<ControlMessage> control_messages;
  std::deque<Call> calls;
  std::vector<LogLine> lines;
  std::string output;  // stdout
  std::string errors;  // stderr
  bool more_calls_allowed = true;
  std::size_t more_calls_count = 0;  // asked for
  process::LaunchedWorker worker;
  std::string folder;

  std::size_t callSocketCount() const { return call_sockets_.size(); }

 private:
  struct Socket {
    UniqueFd fd;
    std::unique_ptr<protocol::Reassembler> reassembler;
  };
  bool pumpOnce(int timeout_ms);
  bool readSocket(int fd, protocol::Reassembler& reassembler,
                  const std::function<void(const protocol::Message&)>& take);
  void readOutput(UniqueFd& fd, std::string& into);
  void answerMoreCalls(const protocol::Frame& frame);
  void takeControl(const protocol::Message& message);
  [[noreturn]] void fail(const std::string& text);

  process::PosixWorkerLauncher launcher_;
  protocol::ReassemblyBudget budget_;
  protocol::ReassemblyBudget control_budget_;
  protocol::Reassembler control_reassembler_{control_budget_};
  std::vector<Socket> call_sockets_;
  std::unique_ptr<protocol::LogRingReader> ring_;
  bool control_open_ = true;
  bool ended_ = false;
};

}  // namespace longhaul::host::test
