// The one buffer that the loop receives packets into: one packet is handled before the next is read. Loop only.
#pragma once

#include <array>

#include "host/base/limits.h"

namespace longhaul::host::ipc {

using PacketBuffer = std::array<char, kPacketBytesMax>;

PacketBuffer& packetBuffer();

}  // namespace longhaul::host::ipc
