// Who gave wrong credentials too often, by whatever names them (an address, an address and a route): they wait until
// their window is over. Pure; loop only.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "host/base/timer_queue.h"

namespace longhaul::host::http {

class GuessLimit {
 public:
  // `most` wrong ones in `window`; at most `kept` names are remembered, and of more the oldest goes.
  GuessLimit(std::size_t most, Duration window, std::size_t kept) : most_(most), window_(window), kept_(kept) {}

  // How many seconds this one has to wait; 0: it may try.
  int waitS(std::string_view who, TimePoint now) const;
  void wrong(std::string_view who, TimePoint now);

 private:
  struct Guesses {
    TimePoint since;
    std::size_t count = 0;
  };
  std::size_t most_;
  Duration window_;
  std::size_t kept_;
  std::map<std::string, Guesses, std::less<>> guesses_;
};

}  // namespace longhaul::host::http
