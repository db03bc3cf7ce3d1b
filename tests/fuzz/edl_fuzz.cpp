// What a stranger can ask of the edl plugin, and what an indicator can hold: a path and a query become a view, HTTP's
// conditions are read, items become lists. Whatever the bytes, a text list has as many lines as entries.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "conditions.h"
#include "longhaul/sdk/detail/json_object.hpp"
#include "source.h"
#include "view.h"

namespace {

using namespace edl_plugin;

void must(bool holds) {
  if (!holds) std::abort();
}

void list(const std::string& bytes, View view) {
  const std::size_t half = bytes.size() / 2;
  const std::vector<Item> items{{bytes, "URL", 3, "", ""},
                                {bytes.substr(0, half), "Domain", 0, bytes.substr(half), ""},
                                {bytes.substr(half), bytes.substr(0, half), 1, "", ""}};
  for (const Format format : {Format::kText, Format::kCsv, Format::kJson}) {
    view.format = format;
    const Rendering out = render(items, view);
    must(out.entries <= view.limit && out.total + out.left_out <= items.size());
    const auto lines = static_cast<std::size_t>(std::count(out.bytes.begin(), out.bytes.end(), '\n'));
    if (format == Format::kText) must(lines == out.entries);
    if (format == Format::kJson) must(longhaul::detail::checkJson(out.bytes));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  View otherwise;
  otherwise.limit = 100;
  const Wanted wanted = readView("/" + bytes, {{"t", bytes}, {"n", bytes}, {"s", bytes}, {"v", bytes}}, otherwise);
  must(wanted.view.limit >= 1 && wanted.view.limit <= 100);
  list(bytes, otherwise);
  otherwise.device = Device::kPanos;
  list(bytes, otherwise);
  isUnchanged({bytes, {}}, "\"a\"", 1);
  isUnchanged({{}, bytes}, "\"a\"", 1);
  takesGzip(bytes);
  guessedType(bytes);
  if (const auto time = readHttpDate(bytes)) must(httpDate(*time).size() >= 29);
  std::vector<Item> items;
  try {
    readPage(bytes, 0, items);
  } catch (const std::invalid_argument&) {
  }
  for (const Item& item : ownList(bytes))
    must(!item.value.empty());
  return 0;
}
