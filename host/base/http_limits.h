// Bounds of requests that go to plugins (longhaul.http/1). Value, unit, reason, as in limits.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "host/base/limits.h"

namespace longhaul::host {

inline constexpr std::size_t kHttpAtOnce = 64;   // in one worker, a thread each; more wait in the host
inline constexpr std::size_t kHttpWaitMax = 64;  // of one instance, for a worker or for a free thread of it
inline constexpr auto kHttpWaitTimeout = 30s;    // of one that waits: a start or a swap takes a second or two
inline constexpr auto kHttpHeadTimeout = 60s;    // from the worker's having it to the answer's head: nginx's too
inline constexpr int kHttpRetryAfterS = 1;       // told where a worker is on its way or busy
inline constexpr int kHttpRetryLaterS = 30;      // told where it fails again and again
// Of a body or of messages under way, each way of one request: a slow reader holds so much and no more.
inline constexpr std::size_t kHttpWindowBytes = 256U << 10;
inline constexpr std::size_t kHttpMessageBytesMax = 1U << 20;  // one WebSocket message
inline constexpr std::size_t kHttpFieldsBytesMax = 32U << 10;  // all fields of a request or an answer
inline constexpr std::size_t kHttpCloseReasonBytesMax = 123;   // RFC 6455: a control frame's 125 less the code

}  // namespace longhaul::host
