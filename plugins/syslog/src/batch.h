// The lines between two commits: each is parsed, counted and, where a rule chooses it, added as an incident's JSON. One
// thread; owns the text. Knows nothing of sockets and of the host.
#ifndef SYSLOG_PLUGIN_BATCH_H
#define SYSLOG_PLUGIN_BATCH_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "counters.h"
#include "settings.h"

namespace syslog_plugin {

class Batch {
 public:
  static constexpr std::size_t kLinesMax = 500;           // read, then committed once
  static constexpr std::size_t kJsonBytesMax = 4u << 20;  // with the last incident still under the host's 16 MiB

  explicit Batch(const Settings& settings) : settings_(settings) {}

  // The views are needed until return only. Not on a full batch.
  void take(std::string_view raw, std::string_view source, std::string_view transport, bool truncated,
            std::int64_t now_us);

  bool isFull() const { return lines_ == kLinesMax || json_.size() >= kJsonBytesMax; }
  std::size_t lines() const { return lines_; }
  std::size_t incidents() const { return begins_.size(); }

  // The incidents [first, last) as a JSON array.
  std::string incidentsJson(std::size_t first, std::size_t last) const;

  // What the lines of this batch add to the totals, incidents and refused ones not counted yet.
  const Counters& counted() const { return counted_; }

  void clear();

 private:
  const Settings& settings_;
  std::string json_;                 // the incidents with commas between
  std::vector<std::size_t> begins_;  // of each in json_
  std::size_t lines_ = 0;
  Counters counted_;
};

}  // namespace syslog_plugin

#endif
