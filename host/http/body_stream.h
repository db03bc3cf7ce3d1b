// A body that goes on: the connection takes what is there whenever its peer took what was before, and is woken when
// there is more. So a slow peer holds back nothing but itself. Loop only.
#pragma once

#include <functional>
#include <string>

namespace longhaul::host::http {

class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // What there is to send now, of a bounded size; empty: nothing yet.
  virtual std::string take() = 0;
  // `wake` is called when take() may have something, never from inside of take(); until the stream's end.
  virtual void setWake(std::function<void()> wake) = 0;
};

}  // namespace longhaul::host::http
