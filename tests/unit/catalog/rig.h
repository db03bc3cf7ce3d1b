// A catalog on real folders, without a loop and without a thread.
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/catalog/catalog.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::test {

using namespace longhaul::host::catalog;
namespace fs = std::filesystem;

// A catalog on real folders; the job thread is a queue that settle() empties, and time is advanced by hand.
struct Rig {
  TempFolder root;
  TimerQueue timers{TimePoint{} + 1h};
  std::deque<std::pair<std::function<void()>, std::function<void()>>> jobs;
  std::vector<std::string> active;   // "id version"
  std::vector<std::string> refused;  // reasons
  bool ready = false;
  std::unique_ptr<Catalog> catalog;

  Rig() {
    for (const auto* name : {"plugins", "store"}) {
      fs::create_directory(root / name);
      fs::permissions(root / name, fs::perms{0755});
    }
    make();
  }
  TrustSettings trust;
  void make() {
    CatalogOptions options;
    options.policy.trust = trust;
    options.folders = {root / "plugins"};
    options.policy.store_folder = root / "store";
    CatalogEvents events;
    events.on_active = [this](const PluginFile& file) { active.push_back(file.id + " " + toText(file.version)); };
    events.on_refused = [this](const Refusal& refusal) { refused.push_back(refusal.reason); };
    ready = false;
    catalog = std::make_unique<Catalog>(
        std::move(options), timers,
        [this](std::function<void()> work, std::function<void()> done) { jobs.emplace_back(work, done); }, events);
  }
  void start() {
    REQUIRE(catalog->start([this] { ready = true; }).has_value());
    settle();
    REQUIRE(ready);
  }
  void settle() {
    while (!jobs.empty()) {
      const auto [work, done] = std::move(jobs.front());
      jobs.pop_front();
      work();
      done();
    }
  }
  // inotify's events are there as soon as the call that makes them has returned.
  void notice() {
    catalog->onReadable();
    settle();
  }
  void advance(Duration span) {
    timers.advanceTo(timers.now() + span);
    settle();
  }
  void drop(const std::string& fixture, const std::string& name) {
    const fs::path path = root / "plugins" / name;
    fs::copy_file(std::string{LONGHAUL_FIXTURES "/"} + fixture, path, fs::copy_options::overwrite_existing);
    fs::permissions(path, fs::perms{0644});
  }
  PluginState state(const std::string& name) {
    for (const auto& view : catalog->list()) {
      if (view.path == root / "plugins" / name) return view.state;
    }
    FAIL("no row for " << name);
    return PluginState::Refused;
  }
};

}  // namespace longhaul::host::test
