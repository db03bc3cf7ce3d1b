// The configuration's parsers on any bytes, as YAML, as JSON and as a file of instances. Each must give a value within
// its bounds or problems that say where; what was taken must survive its way through JSON and through the store's
// record, and a plan of it must be possible.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/config/document.h"
#include "host/config/instances.h"
#include "host/config/plan.h"

namespace {

using namespace longhaul::host;
using namespace longhaul::host::config;

void require(bool held) {
  if (!held) std::abort();
}

// All texts are UTF-8, all levels within the limit.
void checkValue(const Json& value, int depth) {
  require(depth <= kJsonDepthMax);
  if (value.is_string()) require(isUtf8(value.get_ref<const std::string&>()));
  if (value.is_object()) {
    for (const auto& [key, part] : value.items())
      require(isUtf8(key));
  }
  if (!value.is_structured()) return;
  for (const Json& part : value)
    checkValue(part, depth + 1);
}

void checkProblems(const std::vector<Problem>& problems) {
  for (const Problem& problem : problems) {
    require(!problem.message.empty() && isUtf8(problem.message) && isUtf8(problem.pointer));
    require(problem.place.line > 0 && problem.place.column > 0);
  }
}

// Every value has a place, and is found by its pointer.
void checkPlaces(const Document& document, const Json& value, const std::string& pointer) {
  const Place place = document.placeOf(pointer);
  require(place.line > 0 && place.column > 0);
  require(document.value().at(Json::json_pointer(pointer)) == value);
  if (value.is_array()) {
    for (std::size_t i = 0; i < std::min<std::size_t>(value.size(), 3); ++i)
      checkPlaces(document, value[i], pointerTo(pointer, i));
  } else if (value.is_object() && !value.empty()) {
    checkPlaces(document, value.begin().value(), pointerTo(pointer, value.begin().key()));
  }
}

void checkDocument(const Document& document) {
  require(document.problems().size() <= 1);
  checkProblems(document.problems());
  if (!document.problems().empty()) return require(document.value().is_null());
  checkValue(document.value(), 0);
  checkPlaces(document, document.value(), "");
  // As JSON it is the same value. A number keeps its value and may change its type (1e3, -0).
  const Document again = Document::parse(dumpJson(document.value()), "again.json");
  require(again.problems().empty() && again.value() == document.value());
}

void checkInstances(std::string_view text) {
  const InstanceSet set = parseInstances(text, "a.yaml", RestartConfig{});
  checkProblems(set.problems);
  require(set.problems.empty() || set.instances.empty());
  PlanInput input;
  input.desired = &set;
  for (const InstanceConfig& instance : set.instances) {
    require(isName(instance.name) && isName(instance.plugin));
    const std::string record = recordOf(instance);
    const auto read = fromRecord(instance.name, instance.plugin, record, RestartConfig{});
    require(read.has_value() && recordOf(*read) == record && read->restart == instance.restart);
    input.current.push_back({instance.name, instance.plugin, true, false, record, "", Owner::File, "a.yaml"});
  }
  // The same again changes nothing but the grants, which nobody approved yet.
  const Plan plan = makePlan(input);
  require(isUtf8(toText(plan)) && !dumpJson(toJson(plan)).empty());
  for (const PlannedInstance& planned : plan.instances) {
    const bool same = planned.action == Action::Unchanged || planned.action == Action::Change;
    require(set.problems.empty() ? same : planned.action == Action::Keep || planned.action == Action::Refuse);
    for (const std::string& change : planned.changes)
      require(change == "grants");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  checkDocument(Document::parse(text, "a.yaml"));
  checkDocument(Document::parse(text, "a.json"));
  checkInstances(text);
  return 0;
}
