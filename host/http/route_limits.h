// Bounds of the instances' routes: value, unit, reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace longhaul::host::http {

// A body goes through by pieces; this ends one that never would.
inline constexpr std::uint64_t kRouteBodyBytesMax = 1ULL << 40;
inline constexpr std::size_t kChunkLineBytesMax = 256;           // its size and its extensions; real ones have 10
inline constexpr std::size_t kTrailerBytesMax = 8U << 10;        // of a chunked body; they are read and dropped
inline constexpr std::size_t kAnswerHeaderBytesMax = 32U << 10;  // LONGHAUL_HTTP_HEADER_BYTES_MAX
inline constexpr std::size_t kMessageBytesMaxHttp = 1U << 20;    // LONGHAUL_HTTP_MESSAGE_BYTES_MAX

// A peer keeps one of the instance's threads busy while it sends or reads: in the long run it has to be this fast.
inline constexpr auto kRoutePatience = std::chrono::seconds{30};
inline constexpr std::int64_t kRouteBytesPerSecondLeast = 500;

// A WebSocket whose peer said nothing for so long is asked whether it is there, and has as long again to answer.
inline constexpr auto kWebSocketPing = std::chrono::seconds{30};
// Of answers to pings and of messages that the peer has not read yet; above it nothing is read from it.
inline constexpr std::size_t kWebSocketUnsentMax = 64U << 10;

}  // namespace longhaul::host::http
