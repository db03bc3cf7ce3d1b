// The body of one HTTP/1.1 message, cut out of its connection's bytes: of a known length, or in chunks. Strict: what
// two readers could understand differently fails. Keeps no byte of the body. Loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/http/header_check.h"

namespace longhaul::host::http {

class BodyReader {
 public:
  enum class State {
    NeedMore,  // of the input
    NeedRoom,  // there are bytes of the body, and no room for them
    Piece,     // `piece` is the next of the body
    Done,      // what follows belongs to the next message
    Failed,    // refusal() says why
  };
  struct Step {
    State state = State::NeedMore;
    std::size_t taken = 0;     // of the input's front
    std::string_view piece{};  // within the input, at most `room` bytes
  };

  static BodyReader ofLength(std::uint64_t bytes);
  static BodyReader ofChunks(std::uint64_t bytes_max);

  // One step. With Piece there may be more in the same input: ask again with what follows.
  Step read(std::string_view input, std::size_t room);
  bool isDone() const { return part_ == Part::Done; }
  const Refusal& refusal() const { return refusal_; }

 private:
  enum class Part { Data, DataEnd, Size, Trailer, Done, Failed };

  explicit BodyReader(Part part) : part_(part) {}
  Step readData(std::string_view input, std::size_t room);
  Step readSize(std::string_view line, std::size_t taken);
  Step fail(int status, std::string detail);

  Part part_;
  bool chunked_ = false;
  std::uint64_t left_ = 0;       // of the length or of the chunk
  std::uint64_t allowance_ = 0;  // of the body, in chunks
  std::size_t trailer_bytes_ = 0;
  Refusal refusal_;
};

}  // namespace longhaul::host::http
