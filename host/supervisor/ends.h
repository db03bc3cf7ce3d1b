// What is shown of an end that was stored. Private to this room; pure.
#pragma once

#include "host/store/values.h"
#include "host/supervisor/instance_view.h"

namespace longhaul::host::supervisor {

EndView endViewOf(const store::Death& death);

}  // namespace longhaul::host::supervisor
