// Bounds of workers: what each may take, how it is looked at, and how much of it the host reads in one turn. Beside
// limits.h because they change more often, and little includes them. Value, unit, reason, as there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "host/base/limits.h"

namespace longhaul::host {

// --- Turns
// What is read of one worker's socket before others have theirs, in packets. A dead worker's sockets are read to
// their end, but a child of it may go on writing: so many packets are more than a socket's buffer holds.
inline constexpr std::size_t kPacketsPerTurn = 32;
inline constexpr std::size_t kPacketsLeftMax = 16'384;
// What waits for a worker that does not read: START and a few whole contexts fit, in packets of at most 64 KiB.
inline constexpr std::size_t kControlQueueBytesMax = 2 * kMessageBytesMax;
inline constexpr std::size_t kControlQueuePacketsMax = 4096;

// --- Limits of an instance (an operator can change the defaults for all and for one; 0: none)
// What integrations' containers are given elsewhere; an idle worker has 1 MiB, and page cache that counts is reclaimed.
inline constexpr std::int64_t kInstanceMemoryMib = 1024;
inline constexpr std::int64_t kInstancePids = 256;    // threads too: a pool of each of 64 processors and its like
inline constexpr std::int64_t kInstanceFiles = 1024;  // select() writes over its own stack with a higher number
// None: who alone wants the processors may have them, and where there are control groups each has an equal share.
inline constexpr std::int64_t kInstanceCpuPercent = 0;
inline constexpr std::int64_t kInstanceDiskMib = 1024;
inline constexpr std::int64_t kInstanceCallsPerSecond = 10'000;  // a fifth of what the loop can answer; a batch is one
inline constexpr auto kBusyDelay = 50ms;  // until a call over that rate is answered: its thread cannot ask again sooner
inline constexpr std::size_t kCallBytesUnderWayMax = 16U << 20;  // of one instance; a single call may be larger
inline constexpr auto kRefusalsTold = 10s;                       // between two lines of the log that count them
// What the host looks at itself (supervisor/resource_watch.h, disk_watch.h).
inline constexpr auto kWatchTick = 200ms;              // between two turns; a turn without alarm takes some 10 µs
inline constexpr std::size_t kWatchLooksPerTick = 10;  // 50 a second, some 40 µs each: 0.2 % of a processor
inline constexpr std::size_t kWatchAlarmLooks = 250;   // of one turn, after the whole machine took much at once
inline constexpr auto kWatchAlarmEvery = 1s;           // at most
inline constexpr std::uint64_t kWatchAlarmBytes = 64U << 20;  // of memory between two turns…
inline constexpr std::uint64_t kWatchAlarmThreads = 100;      // …or threads: more than a start of a worker takes
inline constexpr auto kWatchEvery = 2s;           // of one worker that is far from its limits, if there are few
inline constexpr auto kWatchCpuSpan = 2s;         // over which a share of the processors is taken
inline constexpr auto kWatchCpuOver = 60s;        // a batch may take a minute; who takes more for longer is ended
inline constexpr auto kGroupRefusalsEvery = 30s;  // what the kernel refused in a group is asked for so often
inline constexpr auto kGroupRemoveAgain = 100ms;  // a group is removed once the last process in it has ended
inline constexpr auto kDiskWatchTick = 1s;
inline constexpr auto kDiskWatchEvery = 30s;     // of one folder that is far from its limit…
inline constexpr auto kDiskWatchNear = 2s;       // …over half of it, or over it and waiting for room…
inline constexpr auto kDiskWatchPerEntry = 1ms;  // …and never more than one part in some hundred of a processor
inline constexpr std::uint64_t kDiskAlarmBytes = 64U << 20;  // taken from the file system between two turns
inline constexpr std::size_t kDiskEntriesPerStep = 2'000;  // about 5 ms of the job thread; then others have their turn
inline constexpr std::size_t kDiskEntriesMax = 1'000'000;  // more cannot be counted in time: that is over the limit too

// --- Crash records, stacks and refusals (host/protocol/crash_report.h)
inline constexpr std::size_t kPageStacksBytes = 20U << 10;  // touched only when a worker makes no progress
inline constexpr std::size_t kStackThreadsMax = 64;         // whose stacks are taken; main is the first
inline constexpr std::size_t kStackFramesMax = 32;          // of each
inline constexpr std::size_t kCrashFramesMax = 64;          // of the thread that crashed
inline constexpr std::size_t kModulesMax = 20;              // with names; the header stays one page of memory a worker
inline constexpr std::size_t kSystemCallsMax = 512;         // the kernel's numbers end at about 470
inline constexpr std::size_t kDeniedKindsMax = 64;  // of one instance are counted and told: real ones have a few
inline constexpr auto kStacksTimeout = 500ms;       // for the threads of a worker that hangs to write where they are
inline constexpr auto kStacksStep = 20ms;           // between two looks at what they wrote

// --- The watchdog. A look that comes later than this part of a heartbeat does not count, nor does one of which the
// worker had less than the rest for itself; of a time that it waited for a processor all along so small a part counts.
inline constexpr int kHeartbeatSlack = 4;
inline constexpr int kHeartbeatSharesMax = 64;

}  // namespace longhaul::host
