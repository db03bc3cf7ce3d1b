// The front at one end of an instance's requests and the worker at the other, both played by the test, with a real
// socket between the supervisor's side and the worker. Test thread, which runs the loop; passed() moves its time on.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/process/worker_launcher.h"
#include "host/supervisor/instance_http.h"

namespace longhaul::host::test {

using lifecycle::WorkerId;
using protocol::HttpKind;
using services::HttpFailure;
using supervisor::InstanceRequests;

// The front's side of one request: what came of it.
struct Client final : services::HttpEvents {
  void onWindow(std::size_t bytes) override { window += bytes; }
  void onHead(int head_status, std::vector<services::HttpField> head_fields, std::int64_t length) override {
    status = head_status;
    fields = std::move(head_fields);
    content_length = length;
  }
  void onBody(std::string_view bytes) override { body += bytes; }
  void onMessage(services::HttpMessageKind, std::string_view message) override { messages.emplace_back(message); }
  void onClose(std::uint16_t code, std::string_view) override { end(), close_code = code; }
  void onEnd() override { end(), whole = true; }
  void onFailed(const HttpFailure& failed) override { end(), failure = failed; }
  void end() {
    CHECK_FALSE(over);
    over = true;
    exchange.reset();  // as a front may, from inside
  }

  std::unique_ptr<services::HttpExchange> exchange;
  std::size_t window = 0;
  int status = 0;
  std::vector<services::HttpField> fields;
  std::int64_t content_length = -1;
  std::string body;
  std::vector<std::string> messages;
  bool over = false, whole = false;
  int close_code = 0;
  std::optional<HttpFailure> failure;
};

struct Record {
  HttpKind kind{};
  std::uint16_t flags = 0;
  std::uint32_t request = 0;
  std::string payload;
};

// The worker's side.
struct Worker {
  explicit Worker(UniqueFd end) : fd(std::move(end)) {}
  void say(const std::string& records) {
    REQUIRE(::send(fd.get(), records.data(), records.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(records.size()));
  }
  void say(HttpKind kind, std::uint32_t request, std::string_view payload = {}, std::uint16_t flags = 0) {
    std::string records;
    protocol::appendHttpRecord(records, {kind, flags, request, payload});
    say(records);
  }
  static std::string head(std::uint32_t request, std::uint32_t status, std::int64_t length = -1,
                          std::vector<protocol::HttpFieldView> fields = {}) {
    std::string payload, records;
    protocol::encode(protocol::HttpHead{status, length, std::move(fields)}, payload);
    protocol::appendHttpRecord(records, {HttpKind::Head, 0, request, payload});
    return records;
  }
  void answer(std::uint32_t request, std::string_view body) {
    std::string records = head(request, 200, static_cast<std::int64_t>(body.size()));
    protocol::appendHttpBody(records, request, body);
    protocol::appendHttpRecord(records, {HttpKind::End, 0, request, {}});
    say(records);
  }
  // Reads what has come.
  void hear() {
    std::string packet(kPacketBytesMax, '\0');
    for (;;) {
      const ssize_t count = ::recv(fd.get(), packet.data(), packet.size(), MSG_DONTWAIT);
      if (count <= 0) return;
      ++packets;
      protocol::HttpRecords records{protocol::HttpSender::Host, {packet.data(), static_cast<std::size_t>(count)}};
      for (auto next = records.next(); !std::holds_alternative<protocol::HttpRecords::Done>(next);
           next = records.next()) {
        const auto* record = std::get_if<protocol::HttpRecord>(&next);
        REQUIRE(record != nullptr);
        heard.push_back({record->kind, record->flags, record->request, std::string{record->payload}});
      }
    }
  }
  std::size_t count(HttpKind kind) {
    hear();
    return static_cast<std::size_t>(
        std::count_if(heard.begin(), heard.end(), [&](const Record& each) { return each.kind == kind; }));
  }

  UniqueFd fd;
  std::vector<Record> heard;
  std::size_t packets = 0;
};

struct Rig {
  static constexpr WorkerId kFirst{1}, kSecond{2};

  Client& ask(services::HttpAsked asked = {.method = "GET", .path = "/"}) {
    Client& client = *clients.emplace_back(std::make_unique<Client>());
    const bool has_body = asked.content_length != 0 || asked.is_web_socket;
    client.exchange = requests->open(std::move(asked), client);
    CHECK_FALSE(client.over);
    if (!has_body) client.exchange->endBody();
    return client;
  }
  Worker& attach(WorkerId id) {
    auto pair = process::makeSocketPair();
    REQUIRE(pair);
    requests->attach(id, std::move(pair->host));
    serving = {.worker = id};
    requests->pumpSoon();
    return *workers.emplace_back(std::make_unique<Worker>(std::move(pair->worker)));
  }
  void until(const std::function<bool()>& done) { REQUIRE(loop.runUntil(done, std::chrono::seconds{20})); }
  void untilOver(const Client& client) {
    until([&] { return client.over; });
  }
  std::uint32_t opened(Worker& worker, std::size_t count) {
    until([&] { return worker.count(HttpKind::Open) >= count; });
    return std::find_if(worker.heard.rbegin(), worker.heard.rend(),
                        [](const Record& each) { return each.kind == HttpKind::Open; })
        ->request;
  }
  void passed(Duration time) { loop.timers().advanceTo(loop.timers().now() + time); }
  // Whatever was posted has run.
  void turn() {
    bool done = false;
    loop.post([&] { loop.post([&] { done = true; }); });
    until([&] { return done; });
  }

  EventLoop loop;
  InstanceRequests::Serving serving{};
  std::vector<std::string> violations, warnings;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::unique_ptr<Client>> clients;
  std::unique_ptr<InstanceRequests> requests = std::make_unique<InstanceRequests>(InstanceRequests::Surroundings{
      .loop = loop,
      .serving = [this] { return serving; },
      .violated = [this](WorkerId, std::string text) { violations.push_back(std::move(text)); },
      .warn = [this](WorkerId, std::string_view text) { warnings.emplace_back(text); }});
};

}  // namespace longhaul::host::test
