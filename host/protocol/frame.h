// The frame in front of every packet between host and worker, and the kinds of messages. Little-endian, as the machines
// that Longhaul runs on. Values; any thread.
//
// A packet is a frame and at most kPacketBytesMax - sizeof(Frame) bytes of payload. A longer message is cut into
// packets that follow each other on their socket with the same kind, status and request_id, and offset_bytes counting
// on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "host/base/limits.h"

namespace longhaul::host::protocol {

// Both ends come from one build; this catches a worker binary left over from another one.
inline constexpr std::uint32_t kProtocolVersion = 6;

// What travels on the control socket, and (Call, Reply) on call sockets. Numbers are the wire.
enum class Kind : std::uint16_t {
  Hello = 1,           // worker → host, first message
  Loaded = 2,          // worker → host: library, entry and descriptor are good; no other code of the plugin ran
  Start = 3,           // host → worker: this is your generation, create and run
  Ready = 4,           // worker → host
  Stop = 5,            // host → worker
  Bye = 6,             // worker → host, the last word of a clean end
  Failed = 7,          // worker → host, the last word of an end with a reason
  ContextChange = 8,   // host → worker: an operator wrote the context
  ContextApplied = 9,  // worker → host
  MoreCalls = 10,    // worker → host: a call socket, please; host → worker: here it is (SCM_RIGHTS), or status BUSY
  Doorbell = 11,     // worker → host: there are lines in the ring, and you said that you sleep
  Extend = 12,       // worker → host: more time to become ready or to stop
  Execute = 13,      // host → worker: run a command, or the test
  CommandDone = 14,  // worker → host: what became of it
  Confine = 15,      // host → worker, its first message: what the worker does to itself before it loads anything
  HttpChannel = 16,  // host → worker, before Start: the HTTP channel (SCM_RIGHTS), of a plugin with longhaul.http/1
  Call = 64,         // + Method: on a call socket
  Reply = 32768,     // on the call socket of its call
};

// The calls that reach the host. Numbers are the indexes of longhaul_server_t's slots after its two numbers; the worker
// holds them to the header by static_assert.
enum class Method : std::uint16_t {
  createIncidents = 16,
  addEntry = 17,
  updateModuleHealth = 18,
  setIntegrationContext = 21,  // also setIntegrationContextVersioned: the version travels with it
  patchIntegrationContext = 23,
  mergeIntegrationContext = 24,
  setLastRun = 26,
  commit = 27,
  findUser = 29,
  handleEntitlementForUser = 30,
  mirrorInvestigation = 31,
  directMessage = 32,
  // Of extensions: longhaul.indicators/1.
  createIndicators = 256,
  searchIndicators = 257,
  // No call of a plugin: what longhaul.migrate/1 gave, written by the worker before create.
  migrateContext = 512,
};

// "createIncidents"; nullptr for a number that is no method.
const char* methodName(Method method);

struct Frame {
  std::uint16_t kind = 0;
  std::uint16_t flags = 0;         // none yet: must be 0
  std::uint32_t total_bytes = 0;   // payload of the whole message, at most kMessageBytesMax
  std::uint32_t offset_bytes = 0;  // of this packet's payload in it
  std::int32_t status = 0;         // of replies: longhaul_status_t
  std::uint64_t request_id = 0;    // of calls and replies: the worker's number, for traces
};
static_assert(sizeof(Frame) == 24 && std::is_trivially_copyable_v<Frame>);

inline constexpr std::size_t kPacketPayloadBytesMax = kPacketBytesMax - sizeof(Frame);

}  // namespace longhaul::host::protocol
