// One received line: its bytes, what the parser read in them, and how it came. Views into the receiver's buffers, valid
// until the receiver reads on. A value; one thread.
#ifndef SYSLOG_PLUGIN_LINE_H
#define SYSLOG_PLUGIN_LINE_H

#include <cstdint>
#include <string_view>

#include "message.h"

namespace syslog_plugin {

struct Line {
  std::string_view raw;
  Message message;
  std::string_view source;     // the sender's address, without its port
  std::string_view transport;  // "udp" or "tcp"
  bool truncated = false;
  std::int64_t received_us = 0;

  // The sender's address stands in for a host name that is not there, as RFC 3164 (4.3) has it.
  std::string_view hostname() const { return message.hostname.empty() ? source : message.hostname; }
};

}  // namespace syslog_plugin

#endif
