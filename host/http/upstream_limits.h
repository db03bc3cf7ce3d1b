// Bounds of requests to plugins that have an HTTP server of their own: value, unit, reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace longhaul::host::http {

inline constexpr std::size_t kUpstreamAtOnce = 128;  // of one instance: two descriptors each, with the client's
inline constexpr std::size_t kUpstreamIdleMax = 8;   // connections of one instance that are kept
inline constexpr auto kUpstreamIdle = std::chrono::seconds{4};  // under the 5 s after which many servers close
inline constexpr auto kUpstreamConnectTimeout = std::chrono::seconds{10};
inline constexpr auto kUpstreamConnectAgain = std::chrono::milliseconds{20};  // its queue of connections is full
inline constexpr auto kUpstreamAnswerTimeout = std::chrono::seconds{60};  // from the request's last byte to the header
inline constexpr auto kUpstreamBodyTimeout = std::chrono::minutes{5};     // between two pieces of an answer
inline constexpr std::size_t kUpstreamWindowBytes = 256U << 10;    // under way in either direction, of one request
inline constexpr std::size_t kUpstreamHeaderBytesMax = 32U << 10;  // LONGHAUL_HTTP_HEADER_BYTES_MAX
inline constexpr std::size_t kUpstreamFieldsMax = 100;
inline constexpr int kUpstreamInterimMax = 16;  // answers 1xx before the one that counts

}  // namespace longhaul::host::http
