#include "host/protocol/fragments.h"

#include <cstring>

#include "host/base/check.h"

namespace longhaul::host::protocol {

const char* methodName(Method method) {
  switch (method) {
    case Method::createIncidents:
      return "createIncidents";
    case Method::addEntry:
      return "addEntry";
    case Method::updateModuleHealth:
      return "updateModuleHealth";
    case Method::setIntegrationContext:
      return "setIntegrationContext";
    case Method::patchIntegrationContext:
      return "patchIntegrationContext";
    case Method::mergeIntegrationContext:
      return "mergeIntegrationContext";
    case Method::setLastRun:
      return "setLastRun";
    case Method::commit:
      return "commit";
    case Method::findUser:
      return "findUser";
    case Method::handleEntitlementForUser:
      return "handleEntitlementForUser";
    case Method::mirrorInvestigation:
      return "mirrorInvestigation";
    case Method::directMessage:
      return "directMessage";
    case Method::createIndicators:
      return "createIndicators";
    case Method::migrateContext:
      return "migrateContext";
    case Method::searchIndicators:
      return "searchIndicators";
  }
  return nullptr;
}

Fragments::Fragments(Frame frame, std::string_view payload) : frame_(frame), payload_(payload) {
  LONGHAUL_CHECK(payload.size() <= kMessageBytesMax, "a message over the limit must be refused before it is sent");
  frame_.total_bytes = static_cast<std::uint32_t>(payload.size());
  frame_.offset_bytes = 0;
}

void Fragments::next() {
  const std::size_t sent = frame_.offset_bytes + chunk().size();
  if (sent == payload_.size()) {
    done_ = true;
  } else {
    frame_.offset_bytes = static_cast<std::uint32_t>(sent);
  }
}

std::variant<Message, Incomplete, Violation> Reassembler::feed(std::string_view packet) {
  Frame frame;
  if (packet.size() < sizeof frame) {
    return Violation{"a packet of " + std::to_string(packet.size()) + " bytes is shorter than a frame"};
  }
  std::memcpy(&frame, packet.data(), sizeof frame);
  const std::string_view chunk = packet.substr(sizeof frame);
  if (frame.total_bytes > kMessageBytesMax) {
    return Violation{"a message of " + std::to_string(frame.total_bytes) + " bytes is over the limit of " +
                     std::to_string(kMessageBytesMax)};
  }
  if (frame.flags != 0) return Violation{"unknown flags in a frame"};
  if (!open_) {
    if (frame.offset_bytes != 0) return Violation{"a message does not begin at its begin"};
    if (chunk.size() > frame.total_bytes) return Violation{"a packet is longer than its message"};
    if (chunk.size() == frame.total_bytes) return Message{frame, chunk};
    if (chunk.empty()) return Violation{"an empty fragment"};
    if (budget_.bytes_max - budget_.used_bytes < frame.total_bytes) {
      return Violation{"more than " + std::to_string(budget_.bytes_max) + " bytes in open messages"};
    }
    budget_.used_bytes += frame.total_bytes;
    reserved_ = frame.total_bytes;
    open_ = true;
    first_ = frame;
    buffer_.assign(chunk);
    return Incomplete{};
  }
  if (frame.kind != first_.kind || frame.request_id != first_.request_id || frame.status != first_.status ||
      frame.total_bytes != first_.total_bytes || frame.offset_bytes != buffer_.size()) {
    return Violation{"a fragment does not continue its message"};
  }
  if (chunk.empty() || chunk.size() > frame.total_bytes - buffer_.size()) return Violation{"a fragment of wrong size"};
  buffer_.append(chunk);
  if (buffer_.size() < frame.total_bytes) return Incomplete{};
  open_ = false;
  budget_.used_bytes -= reserved_;
  reserved_ = 0;
  first_.offset_bytes = 0;
  return Message{first_, buffer_};
}

void Reassembler::release() {
  if (!open_ && buffer_.capacity() > kPacketBytesMax) std::string{}.swap(buffer_);
}

}  // namespace longhaul::host::protocol
