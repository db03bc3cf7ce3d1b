#include "batch.h"

#include "incident.h"
#include "line.h"

namespace syslog_plugin {

void Batch::take(std::string_view raw, std::string_view source, std::string_view transport, bool truncated,
                 std::int64_t now_us) {
  Line line;
  line.raw = raw;
  line.message = parseMessage(raw);
  line.source = source;
  line.transport = transport;
  line.truncated = truncated;
  line.received_us = now_us;

  ++lines_;
  ++counted_.received;
  if (line.message.layout == Layout::Unparsed) ++counted_.malformed;
  if (truncated) ++counted_.truncated;

  Captures captures{};
  const Rule* rule = settings_.rules.find(line, captures);
  if (rule == nullptr) return;
  if (!json_.empty()) json_ += ',';
  begins_.push_back(json_.size());
  appendIncident(json_, line, *rule, captures, settings_.zone);
}

std::string Batch::incidentsJson(std::size_t first, std::size_t last) const {
  const std::size_t begin = begins_.at(first);
  const std::size_t end = last == begins_.size() ? json_.size() : begins_[last] - 1;
  std::string array;
  array.reserve(end - begin + 2);
  array += '[';
  array.append(json_, begin, end - begin);
  array += ']';
  return array;
}

void Batch::clear() {
  json_.clear();
  begins_.clear();
  lines_ = 0;
  counted_ = {};
}

}  // namespace syslog_plugin
