// Syslog over UDP (RFC 5426): each datagram is one message. Reads the host's socket without blocking, whatever the mode
// of the shared descriptor. Datagrams that came with the last system call and had no place in the batch wait here; all
// others wait in the socket, where the next worker finds them. One thread; borrows the socket.
#ifndef SYSLOG_PLUGIN_UDP_SOURCE_H
#define SYSLOG_PLUGIN_UDP_SOURCE_H

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "batch.h"

namespace syslog_plugin {

class UdpSource {
 public:
  UdpSource(int fd, std::size_t line_bytes_max);

  int fd() const { return fd_; }

  // Moves datagrams into the batch until it is full or none is there. Throws std::runtime_error when the socket fails.
  void read(Batch& batch);

  // Only what is held here already.
  void takeHeld(Batch& batch);

  bool hasHeld() const { return held_begin_ < held_end_; }

 private:
  static constexpr std::size_t kDatagramsMax = 32;             // a system call
  static constexpr std::size_t kDatagramBytesMax = 64u << 10;  // more than UDP can carry

  std::size_t receive();

  const int fd_;
  const std::size_t line_bytes_max_;
  std::unique_ptr<char[]> bytes_;  // never written as a whole: what no datagram needed costs no memory
  std::vector<sockaddr_storage> addresses_;
  std::vector<iovec> parts_;
  std::vector<mmsghdr> headers_;
  std::size_t held_begin_ = 0;
  std::size_t held_end_ = 0;
  std::string source_;
  sockaddr_storage source_address_{};
  socklen_t source_size_ = 0;
};

}  // namespace syslog_plugin

#endif
