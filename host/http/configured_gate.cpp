#include "host/http/configured_gate.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace longhaul::host::http {
namespace {

// The bucket of a client at this time.
double refilled(double left, Duration passed) {
  const std::chrono::duration<double> seconds = passed;
  return std::min<double>(kGuessesBurst, left + seconds.count() / std::chrono::duration<double>(kGuessEvery).count());
}

Admission tooManyGuesses(double left) {
  const double seconds = (1 - left) * static_cast<double>(kGuessEvery.count());
  return {.status = 429,
          .detail = "too many wrong credentials came from this address; wait before the next try",
          .retry_after_s = std::max(1, static_cast<int>(std::ceil(seconds)))};
}

}  // namespace

std::string clientNetwork(std::string_view address) {
  const std::string text(address);
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::array<char, INET6_ADDRSTRLEN> shown{};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {  // ::ffff:192.0.2.7
    return ::inet_ntop(AF_INET, bytes.data() + kMapped.size(), shown.data(), shown.size());
  }
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return fmt::format("{}/64", ::inet_ntop(AF_INET6, bytes.data(), shown.data(), shown.size()));
}

ConfiguredGate::Door* ConfiguredGate::doorOf(std::string_view instance) {
  const std::string* config = source_.config(instance);
  auto found = doors_.find(instance);
  if (config == nullptr) {
    if (found != doors_.end()) doors_.erase(found);
    return nullptr;
  }
  if (found == doors_.end()) found = doors_.emplace(std::string(instance), Door{}).first;
  Door& door = found->second;
  const bool is_old = door.may_change && timers_.now() - door.read_at >= kSecretReread;
  if (!door.reading && (!door.known || door.config != *config || is_old)) {
    door.config = *config;
    read(found->first, door);
  }
  return &door;
}

// What is let in meanwhile is what was let in before: a moment, and no request fails because a secret is read anew.
void ConfiguredGate::read(const std::string& instance, Door& door) {
  door.reading = true;
  door.read_at = timers_.now();
  source_.read(instance, door.config,
               [this, instance, config = door.config, alive = std::weak_ptr<bool>(alive_)](Read read) {
                 if (!alive.lock()) return;
                 const auto found = doors_.find(instance);
                 if (found == doors_.end()) return;
                 Door& now = found->second;
                 now.reading = false;
                 now.known = true;
                 now.may_change = read.may_change;
                 now.trouble = read.access ? std::string() : read.access.error().message;
                 now.access = read.access ? std::move(*read.access) : RouteAccess{};
                 if (now.config != config) changed(instance);
               });
}

void ConfiguredGate::changed(std::string_view instance) {
  (void)doorOf(instance);
}

ConfiguredGate::Guesses& ConfiguredGate::guessesOf(std::string_view instance, std::string_view client) {
  const auto [found, is_new] =
      guesses_.try_emplace({std::string(instance), clientNetwork(client)}, Guesses{.at = timers_.now()});
  Guesses& guesses = found->second;
  guesses.left = refilled(guesses.left, timers_.now() - guesses.at);
  guesses.at = timers_.now();
  return guesses;
}

// Those that have not guessed for a while; where there are none, the one that has guessed least.
void ConfiguredGate::forgetSome() {
  if (guesses_.size() < kGuessersMax) return;
  const TimePoint now = timers_.now();
  std::erase_if(guesses_,
                [&](const auto& entry) { return refilled(entry.second.left, now - entry.second.at) >= kGuessesBurst; });
  if (guesses_.size() < kGuessersMax) return;
  guesses_.erase(std::max_element(guesses_.begin(), guesses_.end(), [](const auto& one, const auto& other) {
    return one.second.left < other.second.left;
  }));
}

Admission ConfiguredGate::admit(std::string_view instance, std::string_view client,
                                const std::vector<services::HttpField>& fields) {
  Door* door = doorOf(instance);
  if (door == nullptr) return noRoute(instance);
  if (!door->trouble.empty() || !door->known) {
    return {
        .status = 503,
        .detail = door->known
                      ? fmt::format("who may use this route cannot be read; \"longhaul explain {}\" says why", instance)
                      : "who may use this route is being read",
        .retry_after_s = door->known ? static_cast<int>(kSecretReread.count()) : 1};
  }
  const auto guessed_before = guesses_.find({std::string(instance), clientNetwork(client)});
  if (guessed_before != guesses_.end() && door->access.kind != RouteAccessKind::None) {
    // Nothing is compared for a client that has no tries left: a right guess would show.
    const Guesses& guesses = guessesOf(instance, client);
    const bool has_credentials = std::any_of(fields.begin(), fields.end(), [&](const services::HttpField& field) {
      return field.name == door->access.field;
    });
    if (guesses.left < 1 && has_credentials) return tooManyGuesses(guesses.left);
  }
  Admission admission = http::admit(door->access, instance, fields);
  if (!admission.guessed) return admission;
  forgetSome();
  guessesOf(instance, client).left -= 1;
  ++door->refused_count;
  door->refused_client = client;
  door->refused_at_us = wallNowUs();
  return admission;
}

ConfiguredGate::Report ConfiguredGate::report(std::string_view instance) const {
  const auto found = doors_.find(instance);
  if (found == doors_.end()) return {};
  const Door& door = found->second;
  Report report{.kind = door.access.kind,
                .user = door.access.user,
                .trouble = door.trouble,
                .refused_count = door.refused_count,
                .refused_client = door.refused_client,
                .refused_at_us = door.refused_at_us};
  if (door.access.kind == RouteAccessKind::Header) report.field = door.access.field;
  return report;
}

}  // namespace longhaul::host::http
