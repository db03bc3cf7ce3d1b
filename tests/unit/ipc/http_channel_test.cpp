#include "host/ipc/http_channel.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

namespace longhaul::host {
namespace {

using protocol::HttpKind;

struct Owner final : ipc::HttpChannel::Owner {
  void onRecord(const protocol::HttpRecord& record) override {
    numbers.push_back(record.request);
    if (stop_at == record.request) channel->stop();
  }
  void onViolation(std::string_view text) override { violations.emplace_back(text); }
  std::vector<std::uint32_t> numbers;
  std::vector<std::string> violations;
  std::uint32_t stop_at = 0;
  ipc::HttpChannel* channel = nullptr;
};

struct Pair {
  Pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    worker.reset(ends[1]);
    channel = std::make_unique<ipc::HttpChannel>(loop, owner, UniqueFd{ends[0]});
    owner.channel = channel.get();
  }
  std::string received() const {
    std::string packet(kPacketBytesMax + 1, '\0');
    const ssize_t count = ::recv(worker.get(), packet.data(), packet.size(), 0);
    packet.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return packet;
  }
  void say(std::string_view bytes) const {
    REQUIRE(::send(worker.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  void until(const std::function<bool()>& done) { REQUIRE(loop.runUntil(done, std::chrono::seconds{20})); }

  EventLoop loop;
  Owner owner;
  UniqueFd worker;
  std::unique_ptr<ipc::HttpChannel> channel;
};

std::string end(std::uint32_t number) {
  std::string records;
  protocol::appendHttpRecord(records, {HttpKind::End, 0, number, {}});
  return records;
}

}  // namespace

TEST_CASE("records of one turn are one packet; what does not fit goes in whole records", "[http]") {
  Pair pair;
  for (std::uint32_t i = 1; i <= 3; ++i)
    protocol::appendHttpBody(pair.channel->out(), i, std::string(30'000, 'x'));
  pair.channel->flush();
  CHECK(pair.channel->queuedBytes() == 0);
  CHECK(pair.received().size() == 2 * 30'012);
  CHECK(pair.received().size() == 30'012);
  CHECK(pair.received().empty());
}

TEST_CASE("a worker that does not read for a while gets all of it, in order", "[http]") {
  Pair pair;
  std::size_t sent = 0;
  while (pair.channel->queuedBytes() < 300'000) {
    protocol::appendHttpBody(pair.channel->out(), static_cast<std::uint32_t>(++sent), std::string(20'000, 'x'));
    pair.channel->flush();
  }
  std::vector<std::uint32_t> numbers;
  pair.until([&] {
    for (std::string packet = pair.received(); !packet.empty(); packet = pair.received()) {
      protocol::HttpRecords records{protocol::HttpSender::Host, packet};
      for (auto next = records.next(); std::holds_alternative<protocol::HttpRecord>(next); next = records.next())
        numbers.push_back(std::get<protocol::HttpRecord>(next).request);
    }
    return numbers.size() == sent;
  });
  for (std::size_t i = 0; i < numbers.size(); ++i)
    REQUIRE(numbers[i] == i + 1);
}

TEST_CASE("many records of a packet come in their order until the owner has enough", "[http]") {
  Pair pair;
  pair.owner.stop_at = 3;
  pair.say(end(1) + end(2) + end(3) + end(4));
  pair.say(end(5));
  pair.until([&] { return pair.owner.numbers.size() >= 3; });
  pair.channel->drain();
  CHECK(pair.owner.numbers == std::vector<std::uint32_t>{1, 2, 3});
}

TEST_CASE("what a worker may not send is told once", "[http]") {
  Pair pair;
  const std::string packet = GENERATE(std::string{"x"}, std::string(kPacketBytesMax + 1, '\0'), std::string(12, '\0'));
  pair.say(packet);
  pair.say(end(1));
  pair.until([&] { return !pair.owner.violations.empty(); });
  pair.channel->drain();
  CHECK(pair.owner.violations.size() == 1);
  CHECK(pair.owner.numbers.empty());
}

TEST_CASE("what a dead worker left is read, and to write to it is no fault", "[http]") {
  Pair pair;
  pair.say(end(1) + end(2));
  pair.worker.reset();
  pair.channel->drain();
  CHECK(pair.owner.numbers.size() == 2);
  pair.channel->out() = end(1);
  pair.channel->flush();
  CHECK(pair.channel->queuedBytes() == 0);
  CHECK(pair.owner.violations.empty());
}

}  // namespace longhaul::host
