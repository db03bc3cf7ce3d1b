// The checksum of a stored value: SQLite's own checks miss most flipped bits inside a value. Any thread; pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace longhaul::host::store {

// 64 bits over everything that makes the row what it is. Each step is a bijection of the state, so a change inside one
// aligned group of eight bytes is always found. Part of the database's format: never changed without a migration.
class Checksum {
 public:
  Checksum& add(std::int64_t number);
  // With its length, so that "ab","c" is not "a","bc".
  Checksum& add(std::string_view text);
  std::int64_t value() const;

 private:
  void mix(std::uint64_t word);
  std::uint64_t state_ = 0x6c6f6e676861756cULL;  // "longhaul"
};

}  // namespace longhaul::host::store
