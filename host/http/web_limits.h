// Bounds of what comes by TCP, where anybody may knock.
#pragma once

#include <chrono>
#include <cstddef>

namespace longhaul::host::http {

// Beside those of the Unix socket, which they never take a place from. A buffer and a descriptor each.
inline constexpr std::size_t kWebConnectionsMax = 1024;
inline constexpr std::size_t kWebConnectionsEnding = 64;  // beyond it, while those that gave up their place end
// From a connection to the first byte of its first request, with the handshake of TLS: a slow line needs 1 s.
inline constexpr auto kWebFirstRequest = std::chrono::seconds{10};
// Wrong credentials of one address within the window; more are answered 429 until it is over. A person mistypes less.
inline constexpr std::size_t kWebGuessesMax = 10;
inline constexpr auto kWebGuessesWindow = std::chrono::minutes{1};
inline constexpr std::size_t kWebGuessersKept = 4096;  // addresses; of more the ones that guessed longest ago go

}  // namespace longhaul::host::http
