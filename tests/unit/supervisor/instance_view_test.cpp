#include "host/supervisor/instance_view.h"

#include <catch2/catch.hpp>

namespace longhaul::host::supervisor {

TEST_CASE("The remedy of what is tried again points to deaths and logs only where a worker ended") {
  const auto state = GENERATE(lifecycle::PublicState::Backoff, lifecycle::PublicState::CrashLoop);
  CHECK_THAT(remedyOf(state, "edge", true), Catch::Contains("`longhaul deaths edge`"));
  CHECK(remedyOf(state, "edge", false) == "it is tried again by itself; `longhaul release edge` tries now");
}

}  // namespace longhaul::host::supervisor
