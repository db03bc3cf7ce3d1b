// A sink that keeps what a plugin puts. Only the first counts, as longhaul/types.h says. One thread.
#pragma once

#include <string>
#include <string_view>

#include "longhaul/types.h"

namespace longhaul::host::worker {

struct KeptText {
  KeptText() = default;
  KeptText(const KeptText&) = delete;  // the sink points here
  KeptText& operator=(const KeptText&) = delete;

  longhaul_sink_t sink{put, this};
  std::string text;
  bool said = false;

 private:
  static void put(void* self, longhaul_text_t given) {
    auto* kept = static_cast<KeptText*>(self);
    if (kept->said) return;
    kept->said = true;
    if (given.data != nullptr) kept->text.assign(given.data, given.size);
  }
};

inline longhaul_text_t textOf(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace longhaul::host::worker
