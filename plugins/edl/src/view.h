// What of the list is asked for, and in which form: from a request's path and query to the bytes of the answer. Pure;
// any thread.
#ifndef EDL_PLUGIN_VIEW_H
#define EDL_PLUGIN_VIEW_H

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "item.h"

namespace edl_plugin {

enum class Format { kText, kCsv, kJson };

// Whose rules a text line follows.
enum class Device {
  kPlain,
  kPanos,     // URLs without scheme, credentials and port, and with a slash behind a bare host; at most 1023 bytes
  kFortinet,  // at most 131,072 lines
};

struct View {
  Format format = Format::kText;
  Device device = Device::kPlain;
  std::vector<std::string> types;  // in lower case; empty: all
  std::size_t offset = 0;
  std::size_t limit = 0;  // at least 1

  // The same for the same view: the name of its rendering.
  std::string key() const;
};

constexpr std::size_t kFortinetLinesMax = 131'072;
constexpr std::size_t kPanosLineBytesMax = 1023;

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Wanted {
  View view;
  std::string error;  // not empty: why there is no such view (400)
  bool found = true;  // false: no such path (404)
};

// Path: "/", or any name with .txt, .csv or .json. Query: v (text, csv, json), t (types), n (how many), s (from which
// one on), device (plain, panos, fortinet). `otherwise` has what is not said; n is at most its limit.
Wanted readView(std::string_view path, const Parameters& query, const View& otherwise);

struct Rendering {
  std::string bytes;
  std::size_t entries = 0;   // in bytes
  std::size_t total = 0;     // of the view, whatever its offset and limit
  std::size_t left_out = 0;  // that cannot stand in a list of this form
};

Rendering render(const std::vector<Item>& items, const View& view);

// A value as the device takes it; nothing for one that it cannot take.
std::optional<std::string> lineOf(const Item& item, Device device);

const char* contentTypeOf(Format format);

std::optional<Format> formatNamed(std::string_view name);
std::optional<Device> deviceNamed(std::string_view name);

}  // namespace edl_plugin

#endif
