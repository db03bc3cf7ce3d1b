#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "longhaul/sdk/testing.hpp"
#include "state.h"

extern "C" const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version);

using longhaul::Status;
using longhaul::testing::Effect;
using longhaul::testing::FakeServer;
using longhaul::testing::PluginRun;
using longhaul::testing::Socket;

namespace {

// A folder of its own that goes with the test.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/chat-test-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() {
    std::remove((path_ + "/chat.sock").c_str());
    std::remove(path_.c_str());
  }
  std::string socket() const { return path_ + "/chat.sock"; }

 private:
  std::string path_;
};

struct Server : FakeServer {
  Server() {
    std::ifstream file(MANIFEST);
    useManifest(std::string(std::istreambuf_iterator<char>(file), {}));
    listenUnix("chat", folder.socket());
    for (const char* name : {"alice", "bob"}) {
      longhaul::User user;
      user.username = name;
      user.email = std::string(name) + "@example.com";
      addUser(user, {std::string(name) + "-chat"});
    }
    onDirectMessage([](const longhaul::User& user, std::string_view message) {
      return user.username + " wrote\n" + std::string(message);
    });
  }
  Folder folder;
};

// One person at the socket.
class Person {
 public:
  Person(const Server& server, const std::string& name) : socket_(Socket::toUnix(server.folder.socket())) {
    CHECK(line().substr(0, 15) == "* Longhaul chat");
    say("hello " + name);
    CHECK(line().substr(0, 8) == "| Hello ");
    CHECK(line() == "ok");
  }

  void say(const std::string& text) { socket_.send(text + "\n"); }
  // The next line; blocks until it is there.
  std::string line() {
    for (std::size_t end = 0; (end = read_.find('\n')) == std::string::npos;) {
      char bytes[4096];
      const ssize_t size = ::recv(socket_.fd(), bytes, sizeof bytes, 0);
      if (size <= 0) return "(ended)";
      read_.append(bytes, static_cast<std::size_t>(size));
    }
    const std::string line = read_.substr(0, read_.find('\n'));
    read_.erase(0, line.size() + 1);
    return line;
  }
  // Says it and gives the whole answer.
  std::vector<std::string> ask(const std::string& text) {
    say(text);
    std::vector<std::string> lines;
    do {
      lines.push_back(line());
    } while (lines.back().substr(0, 2) == "| ");
    return lines;
  }

 private:
  Socket socket_;
  std::string read_;
};

using Lines = std::vector<std::string>;

bool nothingWaits(const Server& server) {
  return server.waitUntil([&] { return chat_plugin::readState(server.context()).lines.empty(); });
}

constexpr const char* kInFirst = R"({"incidentId":"1","user":{"username":"alice","email":"alice@example.com"}})";

}  // namespace

TEST_CASE("what is no word of the chat goes to the host as a direct message of the user", "[chat]") {
  Server server;
  PluginRun run(server, longhaulPluginEntry);
  Person alice(server, "alice");
  CHECK(alice.ask("list incidents") == Lines{"| alice wrote", "| list incidents", "ok"});
  CHECK(alice.ask("#m1 list incidents") == Lines{"| alice wrote", "| list incidents", "ok #m1"});
}

TEST_CASE("somebody whom the host does not know hears so", "[chat]") {
  Server server;
  PluginRun run(server, longhaulPluginEntry);
  Person alice(server, "alice");
  CHECK(alice.ask("hello mallory").back() == "ok");
  CHECK(alice.ask("#1 list incidents") ==
        Lines{"| I'm sorry but I was unable to find you as a Demisto user for email [mallory]", "no #1"});
  CHECK(alice.ask("join incident-1").back() == "no");
}

TEST_CASE("a new incident under a key is opened once, though its first answer was lost", "[chat]") {
  Server server;
  server.onDirectMessage(nullptr);
  PluginRun run(server, longhaulPluginEntry);
  Person alice(server, "alice");
  server.failNth("directMessage", 1, Status::kTimeout, Effect::kDone);
  CHECK(alice.ask("#m1 new incident Disk full").back() == "no #m1");
  CHECK(alice.ask("#m1 new incident Disk full").back() == "ok #m1");
  CHECK(server.incidents().size() == 1);
}

TEST_CASE("a mirrored incident is a channel of its people, and entries come there once", "[chat]") {
  Server server;
  server.addIncident("Disk full");
  PluginRun run(server, longhaulPluginEntry);
  Person bob(server, "bob-chat");
  CHECK(run.execute("mirror-investigation", R"({"type":"all","direction":"both","autoclose":"true"})", kInFirst).text ==
        "Incident 1 is mirrored to the channel incident-1.");
  CHECK(server.mirrors().at(0).auto_close);
  const char* entry =
      R"({"messageType":"mirrorEntry","message":"carol: look\nhere","originalMessage":"look\nhere","channel":"incident-1","entry":"4@1"})";
  CHECK(run.execute("send-notification", entry).text == "Sent.");
  CHECK(run.execute("send-notification", entry).text == "Sent before.");
  CHECK(bob.line() == "[2] incident-1: carol: look");
  CHECK(bob.line() == "[2] incident-1: here");
  // Alice is not there: hers waits.
  Person alice(server, "alice");
  CHECK(alice.line() == "[1] incident-1: carol: look");
  CHECK(alice.line() == "[1] incident-1: here");
  CHECK(nothingWaits(server));
}

TEST_CASE("what is said in a channel becomes an entry with its author, and does not come back", "[chat]") {
  Server server;
  server.addIncident("Disk full");
  PluginRun run(server, longhaulPluginEntry);
  run.execute("mirror-investigation", "{}", kInFirst);
  Person alice(server, "alice");
  Person bob(server, "bob");
  server.failNth("addEntry", 1, Status::kTimeout, Effect::kDone);
  CHECK(alice.ask("#s1 say incident-1 on my way").back() == "no #s1");
  CHECK(alice.ask("#s1 say incident-1 on my way") == Lines{"| 1@1", "ok #s1"});
  CHECK(bob.line() == "[1] incident-1: alice: on my way");
  REQUIRE(server.entries().size() == 1);
  CHECK(server.entries()[0].username == "alice");
  CHECK(server.entries()[0].text == "on my way\n**From Longhaul chat**");
  const auto back = run.execute(
      "send-notification",
      R"({"messageType":"mirrorEntry","message":"on my way","originalMessage":"on my way\n**From Longhaul chat**","channel":"incident-1","entry":"1@1"})");
  CHECK(back.text == "Not sent: it came from this chat.");
  CHECK(nothingWaits(server));
}

TEST_CASE("a channel that mirrors out only takes no words, and one that is closed is gone", "[chat]") {
  Server server;
  server.addIncident("Disk full");
  PluginRun run(server, longhaulPluginEntry);
  Person alice(server, "alice");
  run.execute("mirror-investigation", R"({"direction":"FromDemisto"})", kInFirst);
  CHECK(alice.ask("say incident-1 hello").back() == "no");
  CHECK(server.entries().empty());
  CHECK(alice.ask("channels") == Lines{"| incident-1  all:FromDemisto  (you read it)", "ok"});
  CHECK(run.execute("close-channel", "{}", kInFirst).text == "incident-1 is closed.");
  CHECK(alice.line() == "[1] incident-1: The channel is closed.");
  CHECK(alice.ask("say incident-1 hello").front() == "| there is no channel incident-1; see: channels");
  CHECK(run.execute("mirror-investigation", R"({"type":"none"})", kInFirst).status == Status::kOk);
  CHECK(server.mirrors().at(0).type == "none");
}

TEST_CASE("a question is answered once, with the words that the asker gave", "[chat]") {
  Server server;
  const auto incident = server.addIncident("Disk full");
  const auto entitlement = server.addQuestion(incident, "guid-1", "3");
  PluginRun run(server, longhaulPluginEntry);
  const std::string question =
      longhaul::quoteJson("{\"message\":\"May I restart db1?\",\"entitlement\":\"" + entitlement +
                          "\",\"reply\":\"Thanks {user}: {response}\",\"expiry\":\"\"}");
  const std::string arguments = "{\"to\":\"alice@example.com\",\"message\":" + question + "}";
  CHECK(run.execute("send-notification", arguments).text == "Asked as q1.");
  CHECK(run.execute("send-notification", arguments).text == "Asked as q1.");
  Person alice(server, "alice");
  CHECK(alice.line() == "[1] May I restart db1?");
  CHECK(alice.line() == "[1] Answer with: answer q1 TEXT");
  Person bob(server, "bob");
  CHECK(bob.ask("answer q1 no").back() == "no");
  CHECK(alice.ask("answer q1 yes") == Lines{"| Thanks alice: yes", "ok"});
  CHECK(server.questions()[0].answered_by == "alice@example.com");
  CHECK(server.questions()[0].answer == "yes");
  // What is over is known: by whom, which the host says, and to whom it was put.
  CHECK(alice.ask("answer q1 no") == Lines{"| this question was answered before by alice@example.com", "no"});
  CHECK(bob.ask("answer q1 no").front() == "| no question q1 waits for you; see: questions");
  CHECK(alice.ask("answer q2 no").front() == "| no question q2 waits for you; see: questions");
}

TEST_CASE("an answer whose reply was lost is replied to again, as the host replays it", "[chat]") {
  Server server;
  const auto entitlement = server.addQuestion(server.addIncident("Disk full"), "guid-1");
  PluginRun run(server, longhaulPluginEntry);
  run.execute("send-notification",
              "{\"to\":\"alice\",\"message\":" +
                  longhaul::quoteJson("{\"message\":\"?\",\"entitlement\":\"" + entitlement + "\"}") + "}");
  Person alice(server, "alice");
  CHECK(alice.line() == "[1] ?");
  CHECK(alice.line() == "[1] Answer with: answer q1 TEXT");
  const Lines reply{"| Thank you alice, your answer \"yes\" is noted.", "ok #a"};
  CHECK(alice.ask("#a answer q1 yes") == reply);
  server.failNth("handleEntitlementForUser", 1, Status::kBusy);
  CHECK(alice.ask("#a answer q1 yes").back() == "no #a");
  CHECK(alice.ask("#a answer q1 yes") == reply);
}

TEST_CASE("an entitlement that is none is refused, and one that the host does not know when it is answered", "[chat]") {
  Server server;
  PluginRun run(server, longhaulPluginEntry);
  const auto asked = [&](const std::string& entitlement) {
    return run.execute("send-notification",
                       "{\"to\":\"alice\",\"message\":" +
                           longhaul::quoteJson("{\"message\":\"?\",\"entitlement\":\"" + entitlement + "\"}") + "}");
  };
  for (const char* wrong : {"", "guid", "@1", "guid@", "guid@one", "gu id@1", "guid@1|a b"}) {
    const auto refused = asked(wrong);
    CHECK(refused.status == Status::kInvalid);
    CHECK(refused.text.find("guid@incident|task is wanted") != std::string::npos);
  }
  CHECK(asked("nobodys@1").text == "Asked as q1.");
  Person alice(server, "alice");
  CHECK(alice.line() == "[1] ?");
  CHECK(alice.line() == "[1] Answer with: answer q1 TEXT");
  CHECK(alice.ask("answer q1 yes") == Lines{"| there is no entitlement nobodys@1 to answer", "no"});
  CHECK(alice.ask("questions").front() == "| No question waits for you.");
}

TEST_CASE("nothing that others write moves the reader's cursor or turns the text", "[chat]") {
  Server server;
  PluginRun run(server, longhaulPluginEntry);
  Person alice(server, "alice");
  run.execute("send-notification",
              R"({"to":"alice","message":"a\u001b[2J\u0007\tb\r\u009b1m\u202e \u00e9 \ud83d\ude00\nok"})");
  CHECK(alice.line() == "[1] a\\x1b[2J\\x07\tb\\x0d\\u009b1m\\u202e \u00e9 \U0001F600");
  CHECK(alice.line() == "[1] ok");
  CHECK(alice.ask("\x1b[31m").front() == "| alice wrote");
  CHECK(alice.ask("#\x1b x") == Lines{"| a key has no control characters", "no"});
}

TEST_CASE("somebody whom nobody knows is helped with the chat's own words", "[chat]") {
  Server server;
  PluginRun run(server, longhaulPluginEntry);
  Person alice(server, "alice");
  alice.ask("hello mallory");
  const Lines help = alice.ask("help");
  REQUIRE(help.size() > 3);
  CHECK(help.back() == "ok");
  CHECK(help[help.size() - 3] == "| Anything else goes to the host as a direct message, which knows you not:");
  CHECK(help[help.size() - 2] == "| I'm sorry but I was unable to find you as a Demisto user for email [mallory]");
}

TEST_CASE("an answer that comes too late is told with the host's sentence", "[chat]") {
  Server server;
  const auto entitlement = server.addQuestion(server.addIncident("Disk full"), "guid-1");
  PluginRun run(server, longhaulPluginEntry);
  run.execute("send-notification",
              "{\"to\":\"alice\",\"message\":" +
                  longhaul::quoteJson("{\"message\":\"?\",\"entitlement\":\"" + entitlement + "\"}") + "}");
  server.server().handleEntitlementForUser(*longhaul::parseEntitlement(entitlement), "bob@example.com", "no");
  Person alice(server, "alice");
  CHECK(alice.line() == "[1] ?");
  CHECK(alice.line() == "[1] Answer with: answer q1 TEXT");
  CHECK(alice.ask("#a answer q1 yes") == Lines{"| this question was answered before by bob@example.com", "no #a"});
  CHECK(alice.ask("questions") == Lines{"| No question waits for you.", "ok"});
}

TEST_CASE("a question with an expiry that is no time, or over already, is refused", "[chat]") {
  Server server;
  const auto entitlement = server.addQuestion(server.addIncident("Disk full"), "guid-1");
  PluginRun run(server, longhaulPluginEntry);
  const auto asked = [&](const std::string& expiry) {
    return run.execute("send-notification", "{\"to\":\"alice\",\"message\":" +
                                                longhaul::quoteJson("{\"message\":\"?\",\"entitlement\":\"" +
                                                                    entitlement + "\",\"expiry\":\"" + expiry + "\"}") +
                                                "}");
  };
  const auto refused = asked("tomorrow");
  CHECK(refused.status == Status::kInvalid);
  CHECK(refused.text.find("the expiry is \"tomorrow\"") != std::string::npos);
  const auto over = asked(chat_plugin::timeText(std::time(nullptr) - 1));
  CHECK(over.status == Status::kInvalid);
  CHECK(over.text.find("the time for an answer was out at ") != std::string::npos);
  CHECK_FALSE(server.questions()[0].is_answered);
  CHECK(chat_plugin::readState(server.context()).questions.empty());
}

TEST_CASE("a question whose time is over is answered with its default, by nobody", "[chat]") {
  Server server;
  const auto entitlement = server.addQuestion(server.addIncident("Disk full"), "guid-1");
  chat_plugin::State state;  // as an earlier worker left it, whose end the time outlived
  state.questions = {{"q1", entitlement, "alice", "", chat_plugin::timeText(std::time(nullptr) - 1), "", "wait", {}}};
  server.setContext(chat_plugin::toPatch(state));
  server.failNth("handleEntitlementForUser", 1, Status::kBusy);
  PluginRun run(server, longhaulPluginEntry);
  CHECK(server.waitUntil([&] { return server.questions()[0].is_answered; }));
  CHECK(server.questions()[0].answer == "wait");
  CHECK(server.questions()[0].answered_by.empty());
  CHECK(server.waitUntil([&] { return chat_plugin::readState(server.context()).questions.empty(); }));
}

TEST_CASE("channels, questions and lines that wait outlive the worker", "[chat]") {
  Server server;
  server.addIncident("Disk full");
  const auto entitlement = server.addQuestion("1", "guid-1");
  {
    PluginRun run(server, longhaulPluginEntry);
    run.execute("mirror-investigation", "{}", kInFirst);
    run.execute("send-notification", R"({"channel":"incident-1","message":"one","entry":"1@1"})");
    run.execute("send-notification",
                "{\"to\":\"alice\",\"message\":" +
                    longhaul::quoteJson("{\"message\":\"?\",\"entitlement\":\"" + entitlement + "\"}") + "}");
  }
  const auto context = server.context();
  CHECK(chat_plugin::toPatch(chat_plugin::readState(context)).size() == context.size());
  Server later;
  later.addIncident("Disk full");
  later.setContext(context);
  PluginRun run(later, longhaulPluginEntry);
  Person alice(later, "alice");
  CHECK(alice.line() == "[1] incident-1: one");
  CHECK(alice.line() == "[3] ?");
  CHECK(alice.line() == "[3] Answer with: answer q1 TEXT");
  CHECK(alice.ask("say incident-1 back").back() == "ok");
}

TEST_CASE("a line that is no text, or too long, is refused and the next one is heard", "[chat]") {
  Server server;
  PluginRun run(server, longhaulPluginEntry);
  Person alice(server, "alice");
  CHECK(alice.ask("\xff") == Lines{"| the line is not UTF-8", "no"});
  CHECK(alice.ask(std::string(40000, 'x')) == Lines{"| the line is longer than 16384 bytes", "no"});
  CHECK(alice.ask("hi").back() == "ok");
}

TEST_CASE("XSOAR's forms of an expiry are read, another one is none", "[chat]") {
  CHECK(chat_plugin::expirySeconds("2026-11-24 12:00:00") == 1795521600);
  CHECK(chat_plugin::expirySeconds("2026-11-24T12:00:00Z") == 1795521600);
  CHECK(chat_plugin::expirySeconds("tomorrow") == 0);
  CHECK(chat_plugin::timeText(1795521600) == "2026-11-24 12:00:00");
}

TEST_CASE("of more lines than may wait the oldest go, questions stay", "[chat]") {
  chat_plugin::State state;
  state.send("alice", "", "question", true);
  for (std::size_t i = 0; i < chat_plugin::kLinesMax; ++i)
    state.send("alice", "", "line");
  CHECK(state.lines.size() == chat_plugin::kLinesMax);
  CHECK(state.lines.front().text == "question");
  CHECK(state.lines[1].number == 3);
}
