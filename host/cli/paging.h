// Lists that come in pages: -n, --all, --cursor, and the note that more is left.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/cli/session.h"

namespace longhaul::host::cli {

// -n, --all and --cursor.
const std::vector<OptionSpec>& pageOptions();

// Asks `target` page by page and gives each to `show`, until there is no more, or -n rows were shown.
Exit showPages(Session& session, const Arguments& arguments, const Target& target, std::string_view rows_key,
               const std::function<void(const Json& rows)>& show);

}  // namespace longhaul::host::cli
