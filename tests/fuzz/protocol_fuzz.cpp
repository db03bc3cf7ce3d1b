// What a worker can send, on any bytes: packets into two reassemblers that share a budget, and the payload as each kind
// of message. A message that decodes must encode to the bytes that it came from; a text may lie only within its
// payload; the budget must be back when nothing is open.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/limits.h"
#include "host/protocol/fragments.h"
#include "host/protocol/messages.h"

namespace {

using namespace longhaul::host;
using namespace longhaul::host::protocol;

void require(bool held) {
  if (!held) std::abort();
}

template <class Type>
void checkMessage(std::string_view payload) {
  Type message;
  if (!decode(payload, message)) return;
  std::string encoded;
  encode(message, encoded);
  require(encoded == payload);
}

void checkMessages(std::string_view payload) {
  checkMessage<Hello>(payload);
  checkMessage<Loaded>(payload);
  checkMessage<Start>(payload);
  checkMessage<Stop>(payload);
  checkMessage<Bye>(payload);
  checkMessage<Failed>(payload);
  checkMessage<ContextChange>(payload);
  checkMessage<ContextApplied>(payload);
  checkMessage<Extend>(payload);
  checkMessage<Execute>(payload);
  checkMessage<CommandDone>(payload);
  checkMessage<CreateIncidents>(payload);
  checkMessage<AddEntry>(payload);
  checkMessage<UpdateModuleHealth>(payload);
  checkMessage<SetIntegrationContext>(payload);
  checkMessage<PatchIntegrationContext>(payload);
  checkMessage<MergeIntegrationContext>(payload);
  checkMessage<SetLastRun>(payload);
  checkMessage<Commit>(payload);
  checkMessage<FindUser>(payload);
  checkMessage<HandleEntitlement>(payload);
  checkMessage<MirrorInvestigation>(payload);
  checkMessage<DirectMessage>(payload);
  checkMessage<CreateIndicators>(payload);
  checkMessage<SearchIndicators>(payload);
  checkMessage<Reply>(payload);
}

// The input as packets: a byte whose lowest bit is the socket, two of length, and the packet.
void checkPackets(std::string_view input) {
  ReassemblyBudget budget{.bytes_max = 200'000};
  {
    Reassembler sockets[2] = {Reassembler{budget}, Reassembler{budget}};
    bool ended[2] = {false, false};
    while (input.size() >= 3) {
      const std::size_t socket = static_cast<std::size_t>(input[0]) & 1;
      const std::size_t size = static_cast<unsigned char>(input[1]) | std::size_t{static_cast<unsigned char>(input[2])}
                                                                          << 8;
      const std::string packet(input.substr(3, size));
      input.remove_prefix(std::min(input.size(), 3 + size));
      if (ended[socket]) continue;
      const auto fed = sockets[socket].feed(packet);
      require(budget.used_bytes <= budget.bytes_max);
      if (const auto* violation = std::get_if<Violation>(&fed)) {
        require(!violation->text.empty());
        ended[socket] = true;
      } else if (const auto* message = std::get_if<Message>(&fed)) {
        require(message->payload.size() == message->frame.total_bytes && message->frame.offset_bytes == 0);
        checkMessages(message->payload);
      }
    }
  }
  require(budget.used_bytes == 0);
}

// Cut into packets and put together, a payload is the same.
void checkRoundTrip(std::string_view payload) {
  std::string large;
  while (!payload.empty() && large.size() < 2 * kPacketBytesMax)
    large += payload;
  ReassemblyBudget budget;
  Reassembler reassembler{budget};
  std::size_t whole = 0;
  for (Fragments f{Frame{.kind = 64, .request_id = 7}, large}; !f.done(); f.next()) {
    require(whole == 0);
    std::string packet(sizeof(Frame), '\0');
    std::memcpy(packet.data(), &f.frame(), sizeof(Frame));
    packet += f.chunk();
    require(packet.size() <= kPacketBytesMax);
    const auto fed = reassembler.feed(packet);
    require(!std::holds_alternative<Violation>(fed));
    const auto* message = std::get_if<Message>(&fed);
    if (message == nullptr) continue;
    require(message->payload == large && message->frame.request_id == 7);
    ++whole;
  }
  require(whole == 1 && budget.used_bytes == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  checkMessages(input);
  checkPackets(input);
  if (size <= 64) checkRoundTrip(input);  // the rest of the time goes to what is received
  return 0;
}
