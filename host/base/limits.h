// Every bound of the host in one place: value, unit, reason. A bound that operators can change has its default here.
// Plugin authors see theirs in plugin-api/include/longhaul/types.h; the worker's build checks that they agree.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace longhaul::host {

using namespace std::chrono_literals;

// --- Texts and JSON
// nlohmann::json recurses on copy and dump; 100,000 levels overflow the stack, 64 is more than any real document.
inline constexpr int kJsonDepthMax = 64;
// A war-room entry; XSOAR truncates near this size.
inline constexpr std::size_t kEntryBytesMax = 1U << 20;
// One value and the whole of an instance's context. Each worker holds a copy, so this is memory a worker.
inline constexpr std::size_t kContextValueBytesMax = 1U << 20;
inline constexpr std::size_t kContextBytesMax = 4U << 20;
inline constexpr std::size_t kContextKeysMax = 10'000;
inline constexpr std::size_t kContextKeyBytesMax = 1024;
inline constexpr std::size_t kLastRunBytesMax = 1U << 20;
inline constexpr std::size_t kIdempotencyKeyBytesMax = 256;
inline constexpr auto kIdempotencyKept = 24h;  // the least that server-api.md promises
inline constexpr std::size_t kIncidentsPerCallMax = 1000;
inline constexpr std::size_t kIncidentNameBytesMax = 4096;
inline constexpr std::size_t kHealthTextBytesMax = 4096;
inline constexpr std::size_t kUserTextBytesMax = 1024;     // each name, address, number and identity of a user
inline constexpr std::size_t kIdentitiesPerUserMax = 100;  // one a chat and address; nobody has more
inline constexpr std::size_t kAuditDetailBytesMax = 64U << 10;
inline constexpr std::size_t kEntryTagsMax = 32;
inline constexpr std::size_t kQuestionBytesMax = 64U << 10;  // a question, its answer, its options: chats cut earlier
inline constexpr std::size_t kQuestionOptionsMax = 32;
inline constexpr std::size_t kIndicatorsPerCallMax = 1000;
inline constexpr std::size_t kIndicatorValueBytesMax = 4096;  // a long URL; it is an index's key
inline constexpr std::size_t kIndicatorBodyBytesMax = 256U << 10;
inline constexpr std::int64_t kIndicatorsCountedMax = 10'000;  // matches of a search that are counted exactly
inline constexpr std::size_t kDirectMessageBytesMax = 64U << 10;
inline constexpr std::size_t kDirectMessageRows = 10;       // of one page of a list in a chat
inline constexpr std::size_t kInvestigationUsersMax = 100;  // given back by mirrorInvestigation
inline constexpr std::size_t kMirrorBatchEntries = 100;     // read at once for one mirror
inline constexpr std::size_t kHealthHistoryMax = 100;
inline constexpr std::size_t kDeathsKeptMax = 100;
inline constexpr std::size_t kErrorTextBytesMax = 1024;  // what lastError() gives a plugin

// --- Channel
// A packet must fit the sender's SO_SNDBUF; stock Debian's 212,992 refuses 512 KiB. 64 KiB also bounds one read.
inline constexpr std::size_t kPacketBytesMax = 65'536;
inline constexpr std::size_t kMessageBytesMax = 16U << 20;
inline constexpr std::size_t kMessageOverheadBytes = 256;  // numbers and lengths around the texts of one call
inline constexpr std::size_t kFailedTextBytesMax = 4096;   // why a worker could not start; a linker's text can be long
// What one worker may have in reassembly at once, over all of its sockets: the same as one whole message.
inline constexpr std::size_t kReassemblyBytesMax = kMessageBytesMax;
inline constexpr std::size_t kCallSocketsMax = 64;  // calls of one worker in flight; more wait in the worker
inline constexpr auto kCallSocketIdle = 60s;        // an extra call socket unused for so long is closed
inline constexpr auto kCallSocketAskAgain = 1s;     // after the host had no further call socket to give
inline constexpr std::size_t kCallBufferKeptBytes = 64U << 10;  // a larger buffer of a call is given back after it
// Changes of the context that came before one that they build on: one a call in flight, and a few of operators.
inline constexpr std::size_t kContextChangesPendingMax = 1000;
inline constexpr std::size_t kPageHeaderBytes = 4096;
inline constexpr std::size_t kLogRingBytes = 256U << 10;    // about 1,700 lines of 150 bytes while the host is busy
inline constexpr std::size_t kPageStacksBytes = 20U << 10;  // touched only when a worker makes no progress
inline constexpr std::size_t kStackThreadsMax = 64;         // whose stacks are taken; main is the first
inline constexpr std::size_t kStackFramesMax = 32;          // of each
inline constexpr std::size_t kCrashFramesMax = 64;          // of the thread that crashed
inline constexpr std::size_t kModulesMax = 20;              // with names; the header stays one page of memory a worker
inline constexpr std::size_t kSystemCallsMax = 512;         // the kernel's numbers end at about 470
inline constexpr std::size_t kDeniedKindsMax = 64;  // of one instance are counted and told: real ones have a few
inline constexpr std::size_t kLogLineBytesMax = 16U << 10;
inline constexpr std::uint32_t kLogLinesPerSecond = 10'000;
inline constexpr std::uint32_t kLogLinesBurst = 20'000;
inline constexpr std::size_t kStderrTailBytes = 4096;  // kept for the crash card
inline constexpr std::size_t kLastCallsKept = 20;      // server calls of a worker, for the crash card
inline constexpr auto kClosedGrace = 1s;               // from a worker's closed channel to its end, else it is killed
inline constexpr auto kByeGrace = 4s;                  // from BYE to its end: SIGTERM's time
inline constexpr auto kContextAppliedTimeout = 1s;     // an operator's write waits so long for the worker
inline constexpr std::size_t kPipeBytesPerTurn = 256U << 10;  // of stdout and stderr: others get their turn

// --- Store
inline constexpr std::size_t kStoreQueueWritesMax = 10'000;  // about 5 s of work at one commit a write
inline constexpr std::size_t kStoreQueueBytesMax = 64U << 20;
inline constexpr std::size_t kStoreBatchWritesMax = 1000;
inline constexpr std::size_t kStoreBatchBytesMax = 8U << 20;
inline constexpr std::size_t kPageRowsMax = 1000;  // rows of one page of a list
inline constexpr std::size_t kPageRowsDefault = 100;
inline constexpr std::size_t kStoreQueriesMax = 256;         // reads that wait for the reader thread; more: BUSY
inline constexpr auto kStoreIdle = 100ms;                    // nothing queued for so long: the writer tidies up
inline constexpr auto kStoreLockTimeout = 5s;                // for a lock that another program holds on the database
inline constexpr std::size_t kStoreWalIdleBytes = 1U << 20;  // a larger write-ahead log is checkpointed when idle…
inline constexpr std::size_t kStoreWalBytesMax = 16U << 20;  // …and this one between two batches: its tail stays small
inline constexpr std::size_t kStoreCacheBytes = 16U << 20;   // pages of the writing connection
inline constexpr std::size_t kContextSnapshotsMax = 5;       // an instance; each holds a whole context
inline constexpr std::size_t kIdempotencyPruneEvery = 64;    // keyed writes between two steps…
inline constexpr std::size_t kIdempotencyPruneRows =
    256;  // …that look at so many rows: expired ones stay under a third

// --- Lifecycle (reasons: docs/LIFECYCLE.md)
inline constexpr auto kLoadTimeout = 10s;
inline constexpr auto kReadyTimeout = 30s;
inline constexpr auto kReadyTimeoutMax = 10min;
inline constexpr auto kStopTimeout = 10s;
inline constexpr auto kStopTimeoutMax = 90s;
inline constexpr auto kTermTimeout = 4s;       // SIGTERM to SIGKILL
inline constexpr auto kReapTimeout = 2s;       // SIGKILL to gone, else reported
inline constexpr auto kReapAdoptedEvery = 1s;  // at most: one look at all children for many ends
inline constexpr auto kHostStopTimeout = 30s;
inline constexpr auto kOrphanSweepTimeout = 10s;  // at start: SIGKILL to all, and until the last is gone
inline constexpr auto kSpawnSlotTimeout = 1s;     // LOADED takes milliseconds: a slower one must not hold up the others
// The watchdog. A look that comes later than this part of a heartbeat does not count, nor does one of which the worker
// had less than the rest for itself; of a time that it waited for a processor all along so small a part counts.
inline constexpr int kHeartbeatSlack = 4;
inline constexpr int kHeartbeatSharesMax = 64;
inline constexpr auto kStacksTimeout = 500ms;  // for the threads of a worker that hangs to write where they are
inline constexpr auto kStacksStep = 20ms;      // between two looks at what they wrote
inline constexpr auto kFenceRetry = 1s;
inline constexpr auto kFenceGiveUp = 30s;
inline constexpr auto kRestartDelayFirst = 1s;
inline constexpr auto kRestartDelayMax = 60s;
inline constexpr double kRestartJitter = 0.1;
inline constexpr auto kRestartForgottenAfter = 120s;  // of running: twice the longest delay
inline constexpr auto kRestartWindow = 10min;         // in which failures are counted
inline constexpr std::uint32_t kCrashLoopCount = 5;
inline constexpr std::uint32_t kQuarantineCount = 10;
inline constexpr auto kQuarantineTrial = 10min;
inline constexpr std::uint32_t kFlappingCount = 20;
inline constexpr auto kFlappingWindow = 24h;

// --- Catalog
inline constexpr std::size_t kPluginFileBytesMax = 256U << 20;
inline constexpr std::size_t kManifestBytesMax = 256U << 10;
// Lists of one manifest (parameters, commands, arguments…): more is no form that anybody fills in.
inline constexpr std::size_t kManifestListMax = 1000;
inline constexpr std::size_t kListenersMax = 32;     // one descriptor each in host and worker
inline constexpr std::size_t kGrantedPortsMax = 64;  // one rule each in the sandbox
inline constexpr std::int64_t kStateSchemaMax = 1'000'000'000;
inline constexpr auto kHeartbeatMin = 1s;  // counted in whole misses: below a second scheduling is what is measured
inline constexpr auto kHeartbeatMax = 10min;
inline constexpr auto kManifestTimeoutMin = 100ms;
// Libraries, symbol versions and exported names read from one file, and the bytes of one name: real ones have dozens,
// and 64 KiB covers what templates make of a name.
inline constexpr std::size_t kElfNamesMax = 1000;
inline constexpr std::size_t kElfNameBytesMax = 64U << 10;
inline constexpr std::size_t kLoaderCacheBytesMax = 16U << 20;  // ld.so.cache; a desktop's has some 100 KiB
inline constexpr auto kRescan = 30s;
inline constexpr auto kRescanNetwork = 2s;              // inotify tells nothing of what another machine writes
inline constexpr std::size_t kFolderFilesMax = 10'000;  // of one plugin folder; the others are left out and told
inline constexpr auto kQuiet = 500ms;                   // after the last write to a dropped file
inline constexpr auto kQuietRename = 100ms;             // after a rename into place

// --- Log files (an operator can change the first two)
inline constexpr std::size_t kLogFileBytesMax = 16U << 20;  // with the next: 64 MiB an instance, the hard cap on disk
inline constexpr std::size_t kLogFilesMax = 4;
inline constexpr std::size_t kLogFileBytesMin = 1U << 20;  // several buffers, so that a rotation is rare
inline constexpr std::size_t kLogFilesLeast = 2;           // one would lose everything at each rotation
inline constexpr std::size_t kLogFilesCountMax = 1000;
// One write of a log; holds the longest line with each byte escaped (96 KiB) and stays in the second-level cache.
inline constexpr std::size_t kLogBufferBytes = 256U << 10;
inline constexpr std::size_t kLogBuffersKept = 8;     // free ones, for the next turn of the loop
inline constexpr std::size_t kLogFilesOpenMax = 128;  // descriptors kept open over turns, for logs in use
inline constexpr auto kLogRetry = 1s;                 // after a failed write, and between two counts of dropped lines
// What one call of the reader scans (about 10 ms) and gives: the caller goes on from the cursor.
inline constexpr std::size_t kLogScanBytesMax = 16U << 20;
inline constexpr std::size_t kLogPageLinesMax = 10'000;
inline constexpr std::size_t kLogPageBytesMax = 8U << 20;

// --- Configuration and API
inline constexpr std::size_t kConfigFileBytesMax = 4U << 20;
inline constexpr std::size_t kConfigNodesMax = 500'000;  // values of one YAML file, aliases counted as often as used
inline constexpr std::size_t kConfigExpandedBytesMax = 16U << 20;  // texts of one YAML file, aliases likewise
inline constexpr std::size_t kConfigPointerBytesMax = 64U
                                                      << 20;  // JSON pointers of one file's values: long keys repeat
inline constexpr std::size_t kConfigFilesMax = 10'000;        // of one folder
inline constexpr std::size_t kConfigProblemsMax = 100;        // shown of one file: more would not be read
inline constexpr std::size_t kSecretBytesMax = 64U << 10;     // what one reference may stand for
inline constexpr int kOrphansPercentMax = 50;                 // more of all instances at once need a yes
inline constexpr int kUdpReceiveBufferBytes = 8 << 20;        // asked for; about 20,000 datagrams over a swap
inline constexpr std::size_t kUnixPathBytesMax = 107;         // sockaddr_un's 108 less the end
inline constexpr std::size_t kRequestBodyBytesMax = 16U << 20;
inline constexpr std::size_t kHttpHeaderBytesMax = 16U << 10;  // request line and fields; nginx takes 8 KiB a field
inline constexpr std::size_t kHttpHeaderFieldsMax = 100;
inline constexpr std::size_t kHttpTargetBytesMax = 8U << 10;
inline constexpr std::size_t kHttpConnectionsMax = 256;           // a buffer and a descriptor each
inline constexpr std::size_t kHttpPipelinedBytesMax = 64U << 10;  // read ahead while one request is being answered
inline constexpr auto kHttpIdle = 75s;                            // between two requests, as nginx has it
inline constexpr auto kHttpRequestTimeout = 30s;                  // from the first byte of a request to its last
inline constexpr auto kHttpWriteTimeout = 30s;   // in which the peer takes at least something of an answer
inline constexpr auto kHttpLinger = 2s;          // what a refused peer still sends is read for so long
inline constexpr auto kHttpAcceptRetry = 100ms;  // after the system had no descriptor for a connection
inline constexpr auto kApiWaitDefault = 30s;
inline constexpr auto kApiWaitMax = 60s;              // one long poll; a client asks again for longer
inline constexpr std::size_t kApiWaitsMax = 256;      // long polls under way
inline constexpr auto kLogFollowDelay = 50ms;         // lines of so long are read and sent together
inline constexpr std::size_t kApiDeathsDefault = 20;  // shown; kDeathsKeptMax are kept

// --- Command line
inline constexpr auto kAnswerTimeout = 60s;  // of a request that does not wait; removing takes a stop deadline, 30 s
inline constexpr auto kWaitTimeout = 30s;    // for the effect of an act, without --timeout
inline constexpr auto kWaitStep = 30s;       // of one request that waits: longer waits ask again
inline constexpr auto kFollowStep = 30s;     // likewise of one that follows a log
inline constexpr auto kFollowAgain = 1s;     // until the next try, while the daemon that is followed is gone
inline constexpr std::size_t kAnswerBytesMax = 256U << 20;  // a thousand incidents with their largest names: 4 MiB
inline constexpr std::size_t kNamesPerRequest = 64;         // names and globs of 63 bytes stay under a target's 8 KiB

}  // namespace longhaul::host
