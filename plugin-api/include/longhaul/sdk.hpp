// The C++17 SDK, all of it: #include <longhaul/sdk.hpp>. Headers only, on the C table of longhaul/server.h.
#ifndef LONGHAUL_SDK_HPP
#define LONGHAUL_SDK_HPP

#include "longhaul/sdk/commands.hpp"
#include "longhaul/sdk/http.hpp"
#include "longhaul/sdk/json.hpp"
#include "longhaul/sdk/migrate.hpp"
#include "longhaul/sdk/outcome.hpp"
#include "longhaul/sdk/plugin.hpp"
#include "longhaul/sdk/server.hpp"
#include "longhaul/sdk/stop_token.hpp"
#include "longhaul/sdk/values.hpp"

#endif
