// Bounds-checked access to untrusted bytes: no offset or size from a file is used before it went through here. Pure;
// any thread; borrows the bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

namespace longhaul::host::catalog {

class ElfBytes {
 public:
  explicit ElfBytes(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t size() const { return bytes_.size(); }

  // No sum is made that could wrap around.
  bool contains(std::uint64_t offset, std::uint64_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  std::optional<std::string_view> slice(std::uint64_t offset, std::uint64_t size) const {
    if (!contains(offset, size)) return std::nullopt;
    return bytes_.substr(offset, size);
  }
  // A copy, so alignment does not matter.
  template <class T>
  std::optional<T> read(std::uint64_t offset) const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (!contains(offset, sizeof(T))) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }
  // The text up to a NUL byte that stands within `size_max` bytes; nothing: there is none.
  std::optional<std::string_view> text(std::uint64_t offset, std::uint64_t size_max) const {
    if (offset >= bytes_.size()) return std::nullopt;
    const std::string_view rest = bytes_.substr(offset, size_max);
    const auto end = rest.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    return rest.substr(0, end);
  }

 private:
  std::string_view bytes_;
};

}  // namespace longhaul::host::catalog
