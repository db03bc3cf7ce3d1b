// Cuts requests out of the bytes of one connection: header (header_check.h), then body (body_reader.h). Of a request
// for an instance's route it gives the header alone. One connection an object; loop only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "host/http/body_reader.h"
#include "host/http/header_check.h"
#include "host/http/request.h"

namespace longhaul::host::http {

class RequestReader {
 public:
  enum class State {
    NeedMore,
    Complete,  // take() gives it; what follows it stays in the input
    Routed,    // takeHeader() gives its header; the input begins with its body, which somebody else reads
    Failed,    // refusal() says why; nothing more can be read from this connection
  };

  // Takes from the front of `input` what belongs to the request under way.
  State read(std::string& input);

  // Something of a request came, and it is not complete.
  bool isInside() const { return inside_; }
  // Once a request: its sender waits for "100 Continue" before it sends the body.
  bool takeContinue();
  Request take();
  Header takeHeader();
  const Refusal& refusal() const { return refusal_; }

 private:
  State readHead(std::string& input);
  State readBody(std::string& input);
  State fail(Refusal refusal);

  std::optional<BodyReader> body_;  // while in the body
  std::size_t searched_ = 0;        // of the input, for the end of the header
  bool inside_ = false;
  bool continue_wanted_ = false;
  Header header_;
  Request request_;
  Refusal refusal_;
};

}  // namespace longhaul::host::http
