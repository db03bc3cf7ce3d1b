#include <fmt/format.h>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/protocol/messages.h"
#include "host/services/areas.h"
#include "host/services/outcome.h"

namespace longhaul::host::services {

std::string encodeReply(const store::Committed& committed, std::string_view result) {
  protocol::Reply reply;
  reply.result = result;
  if (committed.context) {
    reply.context_version = committed.context->version;
    reply.whole = committed.context->whole ? 1 : 0;
    reply.changes.reserve(committed.context->changes.size());
    for (const auto& [key, value] : committed.context->changes) {
      reply.changes.push_back({key, value ? protocol::OptionalText{*value} : std::nullopt});
    }
  }
  if (committed.last_run) {
    reply.last_run_version = committed.last_run->version;
    reply.last_run = committed.last_run->object;
  }
  std::string payload;
  protocol::encode(reply, payload);
  return payload;
}

Outcome failure(const Error& error) {
  Outcome outcome;
  outcome.status = static_cast<std::int32_t>(error.code);
  outcome.payload = cutAtCharacter(error.message, kErrorTextBytesMax);
  return outcome;
}

Outcome success(std::string_view result) {
  Outcome outcome;
  outcome.payload = encodeReply({}, result);
  return outcome;
}

Error queueFull() {
  return {Code::Busy, fmt::format("the store's queue is full ({} writes or {} bytes): try again", kStoreQueueWritesMax,
                                  kStoreQueueBytesMax)};
}

Error readersBusy() {
  return {Code::Busy, fmt::format("{} reads of the store wait already: try again", kStoreQueriesMax)};
}

}  // namespace longhaul::host::services
