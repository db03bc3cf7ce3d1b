// Bounds of crash cards: what is kept of a worker's use, and what the process that finds names may take. Value, unit,
// reason, as in limits.h.
#pragma once

#include <chrono>
#include <cstddef>

namespace longhaul::host {

using namespace std::chrono_literals;

// Of one worker: two minutes at a look every two seconds, more where the older ones were thinned; 3 KiB.
inline constexpr std::size_t kUsageSamplesMax = 60;
inline constexpr std::size_t kNamedFramesMax = 512;   // of one card; a worker that hung has up to 64 stacks
inline constexpr std::size_t kNamedModulesMax = 21;   // all that a worker can tell of, and one to spare
inline constexpr std::size_t kNamesAtOnce = 2;        // processes; each takes some milliseconds of a processor
inline constexpr std::size_t kNamesWaitingMax = 256;  // cards that wait for one: a host on which all crash at once
inline constexpr auto kNamesTimeout = 5s;             // of one process, from its start
inline constexpr std::size_t kNamesAnswerBytesMax = 1U << 20;

}  // namespace longhaul::host
