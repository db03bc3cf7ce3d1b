// What ends a page besides its number of rows: an entry, an incident or an indicator may be a megabyte, and a thousand
// of them would be an answer that stops the loop for seconds. Values; one thread.
#pragma once

#include <cstddef>

#include "host/store/indicators.h"
#include "host/store/values.h"

namespace longhaul::host::store {

// As much as one entry may have: a page is at most twice as large, and an answer of it is made in a few milliseconds.
inline constexpr std::size_t kPageBytesMax = 1U << 20;

inline std::size_t bytesOf(const Entry& entry) {
  return entry.text.size() + entry.author.size();
}
inline std::size_t bytesOf(const Incident& incident) {
  return incident.body.size() + incident.name.size();
}
inline std::size_t bytesOf(const Indicator& indicator) {
  return indicator.body.size() + indicator.value.size();
}

class PageBytes {
 public:
  // True: with this row, the `count`-th, the page is over its bytes, so it ends before it. The first row always fits.
  template <class Row>
  bool spentBy(const Row& row, std::size_t count) {
    used_ += bytesOf(row);
    return used_ > kPageBytesMax && count > 1;
  }

 private:
  std::size_t used_ = 0;
};

// The same for a page that is there whole.
template <class AnyPage>
void cutToBytes(AnyPage& page) {
  PageBytes bytes;
  for (std::size_t i = 0; i < page.rows.size(); ++i) {
    if (!bytes.spentBy(page.rows[i], i + 1)) continue;
    page.rows.resize(i);
    page.more = true;
  }
}

}  // namespace longhaul::host::store
