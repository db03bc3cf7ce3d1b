// What can be told of a plugin's releases, and what happens to them, as plain values. Any thread; copies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/base/ids.h"
#include "host/lifecycle/rollout.h"

namespace longhaul::host::supervisor {

struct ReleaseView {
  lifecycle::Release release;
  bool active = false;                   // its file is the one in the plugin folders that counts
  bool staged = false;                   // its bytes are kept: one can go back to it
  std::vector<std::string> instances{};  // whose worker runs it, by name
};

struct ReleasesView {
  std::string plugin;
  lifecycle::Rollout::Stage stage{};
  Digest stable;
  Digest candidate;                     // empty: none is tried
  std::string canary{};                 // an instance's name; empty: none
  std::int64_t watched_until_us = 0;    // 0: it is not, or not yet
  std::vector<ReleaseView> releases{};  // newest arrival first
};

struct ReleaseNews {
  std::string plugin;
  std::string version;
  lifecycle::RolloutChange::Note note;
};

// "canary", "rolling", "stable", "bad", "kept", "downgrade", "superseded", "unreadable"
std::string_view noteName(lifecycle::RolloutChange::Note::Kind kind);

}  // namespace longhaul::host::supervisor
