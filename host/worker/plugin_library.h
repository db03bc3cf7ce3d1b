// Loads a plugin through Boost.DLL and checks what it offers: entry, descriptor, optional tables. Main thread. The one
// file that names Boost.DLL and the one place where a plugin's file becomes code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/protocol/messages.h"
#include "longhaul/commands.h"
#include "longhaul/http.h"
#include "longhaul/migrate.h"
#include "longhaul/plugin.h"

namespace longhaul::host::worker {

struct LoadedPlugin {
  const longhaul_descriptor_t* descriptor = nullptr;
  std::vector<std::string_view> extensions;  // ids for which it gave a table
  const longhaul_commands_t* commands = nullptr;
  const longhaul_http_t* http = nullptr;
  const longhaul_migrate_t* migrate = nullptr;
};

struct LoadFailure {
  protocol::Stage stage = protocol::Stage::Load;
  std::string text;
};

// The library stays loaded until the process ends. False: `failure` says why.
bool loadPlugin(const char* path, LoadedPlugin& plugin, LoadFailure& failure);

// What is wrong with a descriptor; empty: nothing.
std::string descriptorFault(const longhaul_descriptor_t& descriptor);

}  // namespace longhaul::host::worker
