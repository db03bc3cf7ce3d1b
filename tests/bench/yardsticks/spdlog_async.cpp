// Yardstick of delivered log lines: spdlog's asynchronous logger, in one process, into one file, blocking when its
// queue of 8192 is full; the time ends when all is flushed. per_s: lines; p50: nanoseconds a line for the caller.
// Usage: spdlog_async FILE SECONDS
#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <filesystem>

#include "tests/bench/yardsticks/yardstick.h"

int main(int argc, char** argv) {
  using namespace longhaul::bench;
  if (argc != 3) return std::fputs("usage: spdlog_async FILE SECONDS\n", stderr), 2;
  constexpr std::uint64_t kBlock = 100;
  std::uint64_t lines = 0;
  std::vector<std::uint64_t> samples;
  spdlog::init_thread_pool(8192, 1);
  auto logger = spdlog::create_async<spdlog::sinks::basic_file_sink_mt>("yardstick", argv[1], true);
  std::string text = "accepted a connection from 203.0.113.7 and read 512 bytes of it";
  text.resize(150, ' ');
  const std::uint64_t began = now();
  const std::uint64_t until = began + static_cast<std::uint64_t>(std::atof(argv[2]) * 1e9);
  for (std::uint64_t at = began; at < until;) {
    for (std::uint64_t i = 0; i < kBlock; ++i)
      logger->info("{}", text);
    lines += kBlock;
    const std::uint64_t then = now();
    samples.push_back((then - at) / kBlock);
    at = then;
  }
  logger->flush();
  logger.reset();
  spdlog::shutdown();  // waits for the queue
  const double seconds = static_cast<double>(now() - began) / 1e9;
  report(static_cast<double>(lines) / seconds, quantile(samples, 0.5), quantile(samples, 0.99));
  std::filesystem::remove(argv[1]);
}
