#include "counters.h"

#include <array>
#include <utility>
#include <vector>

#include "longhaul/sdk/detail/json_object.hpp"
#include "text.h"

namespace syslog_plugin {
namespace {

struct Named {
  std::string_view name;
  std::int64_t Counters::*value;
};

constexpr std::array<Named, 8> kAll{{{"received", &Counters::received},
                                     {"incidents", &Counters::incidents},
                                     {"malformed", &Counters::malformed},
                                     {"truncated", &Counters::truncated},
                                     {"refused", &Counters::refused},
                                     {"dropped", &Counters::dropped},
                                     {"socket", &Counters::socket},
                                     {"socketDropped", &Counters::socket_dropped}}};
constexpr std::string_view kKey = "counters";
constexpr std::uint64_t kCountMax = 999'999'999'999'999'999;

}  // namespace

void Counters::add(const Counters& more) {
  received += more.received;
  incidents += more.incidents;
  malformed += more.malformed;
  truncated += more.truncated;
  refused += more.refused;
  dropped += more.dropped;
}

bool Counters::operator==(const Counters& other) const {
  for (const Named& one : kAll) {
    if (this->*one.value != other.*one.value) return false;
  }
  return true;
}

std::string toContext(const Counters& counters) {
  std::string out = "{\"" + std::string(kKey) + "\":{";
  for (const Named& one : kAll) {
    appendJsonComma(out);
    out += '"';
    out += one.name;
    out += "\":" + std::to_string(counters.*one.value);
  }
  return out + "}}";
}

Counters countersOf(std::string_view context) {
  Counters counters;
  std::vector<longhaul::detail::JsonMember> members;
  std::vector<longhaul::detail::JsonMember> counts;
  if (!longhaul::detail::splitJsonObject(context, members)) return counters;
  for (const auto& member : members) {
    if (member.key != kKey || !longhaul::detail::splitJsonObject(member.value, counts)) continue;
    for (const auto& count : counts) {
      for (const Named& one : kAll) {
        const auto number = parseNumber(count.value, 0, kCountMax);
        if (one.name == count.key && number) counters.*one.value = static_cast<std::int64_t>(*number);
      }
    }
  }
  return counters;
}

}  // namespace syslog_plugin
