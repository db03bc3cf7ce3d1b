// The door as the instances' configurations say: it keeps for each instance what lets in, reads secrets anew in the
// background, and slows down who guesses. It never waits: until the first reading of a secret is over the answer is
// 503. Loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "host/base/result.h"
#include "host/base/timer_queue.h"
#include "host/http/route_gate.h"

namespace longhaul::host::http {

// Wrong credentials of one client for one instance: so many at once, and one more after each of these spans.
inline constexpr int kGuessesBurst = 10;
inline constexpr auto kGuessEvery = std::chrono::seconds{6};
// Clients that are remembered; IPv6 ones by their network (/64), which is what one of them has.
inline constexpr std::size_t kGuessersMax = 4096;
// A secret that a file or the environment holds is read again after so long, while requests come.
inline constexpr auto kSecretReread = std::chrono::seconds{10};

class ConfiguredGate final : public RouteGate {
 public:
  struct Read {
    Result<RouteAccess> access = RouteAccess{};
    bool may_change = false;  // by itself: a file holds the secret
  };
  // What is behind the door. All of it on the loop.
  struct Source {
    // The stored configuration of the instance, borrowed until return; null: there is no such instance.
    std::function<const std::string*(std::string_view instance)> config;
    // What opens the route by this configuration. `done` runs once, at once or later.
    std::function<void(const std::string& instance, const std::string& config, std::function<void(Read)> done)> read;
  };

  ConfiguredGate(TimerQueue& timers, Source source) : timers_(timers), source_(std::move(source)) {}

  Admission admit(std::string_view instance, std::string_view client,
                  const std::vector<services::HttpField>& fields) override;
  // The instance came, changed or went: what it needs is read before the first request wants it.
  void changed(std::string_view instance);

  // What explain tells. Holds no secret.
  struct Report {
    RouteAccessKind kind = RouteAccessKind::Closed;
    std::string user{};               // of Basic
    std::string field{};              // of Header
    std::string trouble{};            // why nobody is let in though the route is open; empty: nothing is wrong
    std::uint64_t refused_count = 0;  // requests with wrong credentials, since the daemon's start
    std::string refused_client{};     // the last one of them
    std::int64_t refused_at_us = 0;
  };
  Report report(std::string_view instance) const;

 private:
  struct Door {
    std::string config;  // that `access` is of
    RouteAccess access{};
    std::string trouble{};
    bool known = false;  // it was read at least once
    bool reading = false;
    bool may_change = false;
    TimePoint read_at{};
    std::uint64_t refused_count = 0;
    std::string refused_client{};
    std::int64_t refused_at_us = 0;
  };
  struct Guesses {
    double left = kGuessesBurst;
    TimePoint at{};
  };

  Door* doorOf(std::string_view instance);
  void read(const std::string& instance, Door& door);
  Guesses& guessesOf(std::string_view instance, std::string_view client);
  void forgetSome();

  TimerQueue& timers_;
  Source source_;
  std::map<std::string, Door, std::less<>> doors_;
  std::map<std::pair<std::string, std::string>, Guesses> guesses_;  // by instance and client
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);      // late readings ask it
};

// "192.0.2.7" stays, "2001:db8:1:2:3::4" is its network "2001:db8:1:2::/64".
std::string clientNetwork(std::string_view address);

}  // namespace longhaul::host::http
