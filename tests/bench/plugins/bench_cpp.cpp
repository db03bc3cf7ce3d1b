// The bench plugin in C++: performs the orders of orders.h by the SDK, as a third party's plugin would call it.
#include <longhaul/sdk.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/plugins/orders.h"

namespace {

class Run {
 public:
  Run(longhaul::Server server, const bench_order_t& order)
      : server_(server), order_(order), payload_(payloadOf(order)) {}

  void perform() {
    one(0);  // the first call of a kind may write what the others find
    const std::uint64_t began = benchNow();
    const std::uint64_t until = began + static_cast<std::uint64_t>(order_.milliseconds) * 1'000'000U;
    std::vector<Share> shares(static_cast<std::size_t>(order_.threads));
    std::vector<std::thread> threads;
    for (Share& share : shares)
      threads.emplace_back([&, until] { loop(share, until); });
    for (std::thread& thread : threads)
      thread.join();
    Share all;
    for (const Share& share : shares) {
      all.calls += share.calls;
      all.failed += share.failed;
      all.ended = std::max(all.ended, share.ended);
      all.samples.insert(all.samples.end(), share.samples.begin(), share.samples.end());
    }
    benchPublishResult(order_.run, all.calls, all.calls * static_cast<std::uint64_t>(order_.per_call), all.failed,
                       began, all.ended, all.samples.data(), all.samples.size());
  }

 private:
  struct Share {
    std::uint64_t calls = 0, failed = 0, ended = 0;
    std::vector<std::uint32_t> samples;
  };

  static std::string payloadOf(const bench_order_t& order) {
    std::string payload;
    if (order.mode == kModeIncidents || order.mode == kModePaced) {
      for (unsigned i = 0; i < static_cast<unsigned>(order.per_call); ++i) {
        char incident[512];
        payload += i == 0 ? '[' : ',';
        payload.append(incident, benchIncident(incident, sizeof incident, i));
      }
      return payload + "]";
    }
    if (order.mode == kModeContext) {
      std::string seen = "2026-11-24T01:51:58Z";
      seen.resize(kContextUnit * static_cast<std::size_t>(order.per_call), ' ');
      return "{\"cursor\":" + std::to_string(order.run) + ",\"seen\":\"" + seen + "\"}";
    }
    payload = order.mode == kModeLog ? "accepted a connection from 203.0.113.7 and read 512 bytes of it"
                                     : "reading at 512 lines a second";
    payload.resize(order.mode == kModeLog ? 150 : 64, ' ');
    return payload;
  }

  bool onePaced(std::uint64_t number) {
    switch (number % 3) {
      case 0:
        return server_.tryUpdateModuleHealth("reading at 512 lines a second").ok();
      case 1:
        return server_.tryPatchIntegrationContext(R"({"cursor":1,"seen":"2026-11-24T01:51:58Z"})").ok();
      default:
        return server_.tryCreateIncidents(payload_).ok();
    }
  }

  bool one(std::uint64_t number) {
    switch (order_.mode) {
      case kModeCall:
        return server_.tryUpdateModuleHealth(payload_).ok();
      case kModeRead:
        return !server_.getIntegrationContext().empty();
      case kModeContext:
        return server_.tryPatchIntegrationContext(payload_).ok();
      case kModeIncidents:
        return server_.tryCreateIncidents(payload_).ok();
      case kModePaced:
        return onePaced(number);
      default:
        return longhaul::isDone(server_.info(payload_));
    }
  }

  // Calls that never wait are timed in blocks: the clock costs as much as one of them.
  void loop(Share& share, std::uint64_t until) {
    const bool cheap = order_.mode == kModeRead || order_.mode == kModeLog;
    const unsigned block = cheap ? kBlock : 1;
    share.samples.reserve(kSamplesMax);
    std::uint64_t now = benchNow();
    while (now < until) {
      unsigned refused = 0;
      for (unsigned i = 0; i < block; ++i) {
        if (one(share.calls + i)) continue;
        ++refused;
        // The ring is full: the host is what is measured.
        if (order_.mode == kModeLog) std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
      const std::uint64_t then = benchNow();
      if (refused == 0 && share.samples.size() < kSamplesMax) {
        share.samples.push_back(static_cast<std::uint32_t>((then - now) / block));
      }
      share.calls += block - refused;
      share.failed += refused;
      now = then;
      if (order_.mode == kModePaced) {
        benchPace();
        now = benchNow();
      }
    }
    share.ended = now;
  }

  longhaul::Server server_;
  bench_order_t order_;
  std::string payload_;
};

class Bench : public longhaul::Plugin {
 public:
  using Plugin::Plugin;
  void longRunningExecution() override {
    const std::uint64_t entered = benchNow();
    server().updateModuleHealth("up");
    const std::uint64_t answered = benchNow();
    const std::string control = server().parameter("control", "");
    const int orders = benchListen(control.c_str(), static_cast<int>(server().parameterInt("index", 0)));
    if (orders < 0) throw std::runtime_error("there can be no socket for orders in " + control);
    benchPublishStart(entered, answered);
    bench_order_t order;
    while (benchWait(orders, stopToken().descriptor(), &order))
      Run(server(), order).perform();
    ::close(orders);
  }
};

}  // namespace

LONGHAUL_PLUGIN(Bench);
