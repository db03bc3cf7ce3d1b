#include <catch2/catch.hpp>
#include <random>
#include <thread>
#include <vector>

#include "host/protocol/codec.h"
#include "host/protocol/fragments.h"
#include "host/protocol/log_ring.h"
#include "host/protocol/messages.h"

using namespace longhaul::host;
using namespace longhaul::host::protocol;

namespace {

std::vector<std::string> packetsOf(Frame frame, std::string_view payload) {
  std::vector<std::string> packets;
  for (Fragments each{frame, payload}; !each.done(); each.next()) {
    packets.emplace_back(reinterpret_cast<const char*>(&each.frame()), sizeof(Frame));
    packets.back().append(each.chunk());
  }
  return packets;
}

struct Page {
  alignas(64) char bytes[kSharedPageBytes] = {};
};

}  // namespace

TEST_CASE("a message of any size comes out of its packets as it went in") {
  const std::size_t size = GENERATE(0, 1, kPacketPayloadBytesMax - 1, kPacketPayloadBytesMax,
                                    kPacketPayloadBytesMax + 1, 3 * kPacketPayloadBytesMax, kMessageBytesMax);
  std::string payload(size, 'x');
  for (std::size_t i = 0; i < size; i += 1000)
    payload[i] = static_cast<char>(i / 1000);
  const auto packets = packetsOf(Frame{.kind = 80, .request_id = 7}, payload);
  ReassemblyBudget budget;
  Reassembler reassembler{budget};
  for (std::size_t i = 0; i < packets.size(); ++i) {
    REQUIRE(packets[i].size() <= kPacketBytesMax);
    const auto fed = reassembler.feed(packets[i]);
    if (i + 1 < packets.size()) {
      REQUIRE(std::holds_alternative<Incomplete>(fed));
    } else {
      REQUIRE(std::holds_alternative<Message>(fed));
      CHECK(std::get<Message>(fed).payload == payload);
      CHECK(std::get<Message>(fed).frame.request_id == 7);
    }
  }
  CHECK(budget.used_bytes == 0);
}

TEST_CASE("each way to break the fragments is a violation") {
  const std::string payload(kPacketPayloadBytesMax * 2, 'x');
  const auto good = packetsOf(Frame{.kind = 80, .request_id = 7}, payload);
  const auto broken = [](std::string packet, auto change) {
    Frame frame;
    std::memcpy(&frame, packet.data(), sizeof frame);
    change(frame);
    std::memcpy(packet.data(), &frame, sizeof frame);
    return packet;
  };
  const std::vector<std::vector<std::string>> cases{
      {""},
      {std::string(23, 'x')},
      {good[1]},                                                                  // begins in the middle
      {good[0], good[0]},                                                         // the first again
      {broken(good[0], [](Frame& f) { f.total_bytes = kMessageBytesMax + 1; })},  // too long
      {broken(good[0], [](Frame& f) { f.total_bytes = 1; })},                     // more than it says
      {broken(good[0], [](Frame& f) { f.flags = 1; })},
      {good[0].substr(0, sizeof(Frame))},                              // an empty fragment
      {good[0], broken(good[1], [](Frame& f) { f.request_id = 8; })},  // of another message
      {good[0], broken(good[1], [](Frame& f) { f.kind = 81; })},
      {good[0], good[1].substr(0, sizeof(Frame))},
      {good[0], good[1] + "x"},
  };
  const auto& packets = GENERATE_REF(from_range(cases));
  ReassemblyBudget budget;
  Reassembler reassembler{budget};
  for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
    REQUIRE(std::holds_alternative<Incomplete>(reassembler.feed(packets[i])));
  }
  CHECK(std::holds_alternative<Violation>(reassembler.feed(packets.back())));
}

TEST_CASE("a message that was read leaves no memory of its size behind") {
  ReassemblyBudget budget;
  Reassembler reassembler{budget};
  const auto packets = packetsOf(Frame{.kind = 80}, std::string(1'000'000, 'x'));
  REQUIRE(packets.size() > 1);
  REQUIRE(std::holds_alternative<Incomplete>(reassembler.feed(packets[0])));
  reassembler.release();  // not while a message is open
  for (std::size_t i = 1; i < packets.size(); ++i) {
    const auto fed = reassembler.feed(packets[i]);
    REQUIRE(std::holds_alternative<Message>(fed) == (i + 1 == packets.size()));
  }
  reassembler.release();
  CHECK(reassembler.keptBytes() <= kPacketBytesMax);
}

TEST_CASE("all sockets of a worker share one budget for open messages") {
  ReassemblyBudget budget;
  Reassembler one{budget};
  Reassembler two{budget};
  const std::string payload(kMessageBytesMax, 'x');
  const auto packets = packetsOf(Frame{.kind = 80}, payload);
  REQUIRE(std::holds_alternative<Incomplete>(one.feed(packets[0])));
  CHECK(std::holds_alternative<Violation>(two.feed(packets[0])));
}

TEST_CASE("every message is decoded as it was encoded, and none from any cut of itself") {
  Start start{.generation = 4,
              .context_version = 9,
              .last_run_version = 2,
              .context_bytes_max = 77,
              .signals_ready = 1,
              .context_schema = 3,
              .state_schema = -5,
              .instance = "edge",
              .params = "{}",
              .last_run = "{\"a\":1}",
              .version = "{}",
              .urls = "{}",
              .license_id = "id",
              .parameters = {{"listen", "x"}},
              .context = {{"k", "1"}, {"gone", std::nullopt}},
              .listeners = {{6, "udp"}}};
  std::string bytes;
  encode(start, bytes);
  Start decoded;
  REQUIRE(decode(bytes, decoded));
  CHECK(decoded.generation == 4);
  CHECK(decoded.context_bytes_max == 77);
  CHECK(decoded.context_schema == 3);
  CHECK(decoded.state_schema == -5);
  CHECK(decoded.license_id == "id");
  REQUIRE(decoded.parameters.size() == 1);
  CHECK(decoded.parameters[0].value == "x");
  REQUIRE(decoded.context.size() == 2);
  CHECK_FALSE(decoded.context[1].value.has_value());
  REQUIRE(decoded.listeners.size() == 1);
  CHECK(decoded.listeners[0].fd == 6);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    REQUIRE_FALSE(decode(std::string_view{bytes}.substr(0, cut), decoded));
  }
  CHECK_FALSE(decode(bytes + "x", decoded));

  std::string reply_bytes;
  encode(Reply{.context_version = 3,
               .last_run_version = 0,
               .whole = 0,
               .result = "[]",
               .last_run = std::nullopt,
               .changes = {{"k", std::nullopt}}},
         reply_bytes);
  Reply reply;
  REQUIRE(decode(reply_bytes, reply));
  CHECK(reply.context_version == 3);
  CHECK_FALSE(reply.last_run.has_value());
  CHECK(reply.changes.size() == 1);
}

TEST_CASE("a list's count is not believed") {
  std::string bytes;
  Writer{bytes}.number(std::uint32_t{1}).number(std::uint32_t{0x10000000});
  Loaded loaded;
  CHECK_FALSE(decode(bytes, loaded));
  CHECK(loaded.extensions.empty());
}

TEST_CASE("lines come out of the ring in order, over its end, and a full ring counts what it drops") {
  const auto page = std::make_unique<Page>();
  LogRingWriter writer{page->bytes};
  LogRingReader reader{page->bytes};
  std::size_t next = 0;
  const auto take = [&](const LogRecord& record, std::string_view text) {
    REQUIRE(text == "line " + std::to_string(next++));
    REQUIRE(record.level == 1);
  };
  std::size_t written = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 400; ++i) {
      REQUIRE(writer.write(LogLevel::Info, 1, 5, "line " + std::to_string(written)) == LogRingWriter::Outcome::Written);
      ++written;
    }
    REQUIRE(reader.drain(take));
  }
  CHECK(next == written);
  while (writer.write(LogLevel::Info, 1, 5, std::string(1000, 'x')) != LogRingWriter::Outcome::Dropped)
    continue;
  CHECK(reader.droppedCount() == 1);
}

TEST_CASE("the doorbell is asked for exactly when the host sleeps") {
  const auto page = std::make_unique<Page>();
  LogRingWriter writer{page->bytes};
  LogRingReader reader{page->bytes};
  REQUIRE(reader.sleep());
  CHECK(writer.write(LogLevel::Info, 1, 5, "a") == LogRingWriter::Outcome::WrittenRingDoorbell);
  CHECK(writer.write(LogLevel::Info, 1, 5, "b") == LogRingWriter::Outcome::Written);
  CHECK_FALSE(reader.sleep());
}

TEST_CASE("a ring that was scribbled over is refused and never read beyond") {
  const auto page = std::make_unique<Page>();
  auto* header = reinterpret_cast<PageHeader*>(page->bytes);
  LogRingWriter writer{page->bytes};
  LogRingReader reader{page->bytes};
  writer.write(LogLevel::Info, 1, 5, "line");
  SECTION("head too far") {
    header->head = kLogRingBytes + 8;
  }
  SECTION("head not on a record") {
    header->head += 3;
  }
  SECTION("head behind") {
    header->head = ~std::uint64_t{0} - 7;
  }
  SECTION("size") {
    reinterpret_cast<LogRecord*>(page->bytes + kPageHeaderBytes)->size_bytes = 0xffffffff;
  }
  SECTION("level") {
    reinterpret_cast<LogRecord*>(page->bytes + kPageHeaderBytes)->level = 99;
  }
  int lines = 0;
  CHECK_FALSE(reader.drain([&](const LogRecord&, std::string_view) { ++lines; }));
  CHECK(lines == 0);
  CHECK_FALSE(reader.drain([&](const LogRecord&, std::string_view) { ++lines; }));
}

TEST_CASE("producers on several threads and one reader lose no line that was not counted as dropped") {
  const auto page = std::make_unique<Page>();
  LogRingWriter writer{page->bytes};
  LogRingReader reader{page->bytes};
  constexpr int kThreads = 3;
  constexpr int kLines = 20'000;
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLines; ++i)
        writer.write(LogLevel::Debug, static_cast<std::uint16_t>(t), 0, std::to_string(i));
      --running;
    });
  }
  std::uint64_t read = 0;
  std::vector<int> last(kThreads, -1);
  const auto take = [&](const LogRecord& record, std::string_view text) {
    const int number = std::stoi(std::string{text});
    REQUIRE(number > last[record.thread]);
    last[record.thread] = number;
    ++read;
  };
  while (running > 0)
    REQUIRE(reader.drain(take));
  for (auto& thread : threads)
    thread.join();
  REQUIRE(reader.drain(take));
  CHECK(read + reader.droppedCount() == std::uint64_t{kThreads} * kLines);
}
