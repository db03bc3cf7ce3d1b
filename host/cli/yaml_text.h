// JSON as YAML 1.2 for `-o yaml`, in the block style that people edit. What another reader could take for a number, a
// boolean, null, a date or a key stands in double quotes. Pure; any thread.
#pragma once

#include <string>

#include "host/base/json.h"

namespace longhaul::host::cli {

// One document with a line feed at its end.
std::string yamlText(const Json& value);
// The same of a JSON text, with its numbers as they stand there; lists come in one line. INVALID: it is no JSON.
Result<std::string> yamlOfJson(std::string_view json);

}  // namespace longhaul::host::cli
