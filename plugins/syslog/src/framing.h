// Cuts a TCP stream into syslog messages (RFC 6587): octet counting and newline framing, told apart at each frame.
//
// A frame that begins with "LENGTH SP <" is counted. "LENGTH SP" without "<" is counted too if the frame before it was:
// a counting sender does not lose its place over one message that lacks its PRI. Anything else ends at a line feed; a
// CR or NUL before it is dropped, as is what stands empty between frames.
//
// Bounds: a message keeps `limit_bytes`; the rest of it is read over and the message is marked truncated. Buffered are
// at most the limit and what was fed last, as long as next() is asked until it has nothing before feed() is called.
// One connection's, its thread's; owns the buffer that the views of a Frame point into.
#ifndef SYSLOG_PLUGIN_FRAMING_H
#define SYSLOG_PLUGIN_FRAMING_H

#include <cstddef>
#include <string>
#include <string_view>

namespace syslog_plugin {

struct Frame {
  std::string_view text;  // valid until the next call of the framer
  bool truncated = false;
};

class Framer {
 public:
  explicit Framer(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  void feed(std::string_view bytes);

  // The next whole message; false: more bytes are needed.
  bool next(Frame& frame);

  // After the stream's end, once next() has nothing: the last message, if it lacks its end. A counted one that is not
  // whole is marked truncated; a line without its line feed is a line.
  bool finish(Frame& frame);

  // Whether bytes are held that next() has not been asked about since they came.
  bool hasUnread() const { return unread_; }

 private:
  enum class Place { Start, Line, Counted, SkipLine, SkipCounted };

  bool start();
  bool takeLine(Frame& frame);
  bool takeCounted(Frame& frame);
  bool skip();
  std::string_view rest() const { return std::string_view(buffer_).substr(at_); }
  bool give(Frame& frame, std::size_t size_bytes, bool truncated);

  const std::size_t limit_bytes_;
  std::string buffer_;
  std::size_t at_ = 0;          // where the present frame's bytes begin
  std::size_t searched_ = 0;    // bytes of the present line that hold no line feed
  std::size_t left_bytes_ = 0;  // of a counted message, still to come or to skip
  Place place_ = Place::Start;
  bool counted_before_ = false;  // the frame before the present one was counted
  bool unread_ = false;
};

// What stands around a message and is not of it: line feeds, CR and NUL at the end, also of a datagram.
std::string_view withoutTrailer(std::string_view text);

}  // namespace syslog_plugin

#endif
