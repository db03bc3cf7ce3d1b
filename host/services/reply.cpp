#include "host/protocol/messages.h"
#include "host/services/areas.h"

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

}  // namespace longhaul::host::services
