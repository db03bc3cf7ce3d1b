#include "host/worker/plugin_library.h"

#include <dlfcn.h>

#include <cstddef>
#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

namespace longhaul::host::worker {
namespace {

constexpr const char* kEntryName = "longhaulPluginEntry";
constexpr std::string_view kKnownExtensions[] = {"longhaul.commands/1", "longhaul.http/1", "longhaul.migrate/1"};

std::string versionText(std::uint32_t abi_version) {
  return std::to_string(abi_version >> 16) + "." + std::to_string(abi_version & 0xffff);
}

std::string missing(const char* callback) {
  return std::string{"the descriptor's "} + callback + " is NULL; every plugin must have one";
}

}  // namespace

std::string descriptorFault(const longhaul_descriptor_t& descriptor) {
  constexpr std::size_t kNeededBytes = offsetof(longhaul_descriptor_t, getExtension) + sizeof(descriptor.getExtension);
  if (descriptor.struct_size < kNeededBytes) {
    return "the descriptor's struct_size is " + std::to_string(descriptor.struct_size) + ", at least " +
           std::to_string(kNeededBytes) + " is wanted; set it to sizeof(longhaul_descriptor_t)";
  }
  const std::uint32_t theirs = descriptor.abi_version;
  if (theirs >> 16 != LONGHAUL_VERSION_MAJOR || (theirs & 0xffff) > LONGHAUL_VERSION_MINOR) {
    return "the plugin was built for ABI " + versionText(theirs) + ", this host has " +
           versionText(LONGHAUL_ABI_VERSION) + "; build it with this host's headers, or run a host of its version";
  }
  if (descriptor.create == nullptr) return missing("create");
  if (descriptor.longRunningExecution == nullptr) return missing("longRunningExecution");
  if (descriptor.stop == nullptr) return missing("stop");
  if (descriptor.destroy == nullptr) return missing("destroy");
  return {};
}

bool loadPlugin(const char* path, LoadedPlugin& plugin, LoadFailure& failure) {
  // Never closed: its threads, its exit handlers and what it gave to libraries outlive every pointer that we have.
  static auto* const library = new boost::dll::shared_library;
  boost::dll::fs::error_code error;
  library->load(path, error, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  if (error) {
    // Boost's code says "bad file descriptor" for all; the linker's text names the symbol or the library.
    const char* text = ::dlerror();
    failure = {protocol::Stage::Load, text != nullptr ? text : error.message()};
    return false;
  }
  if (!library->has(kEntryName)) {
    failure = {protocol::Stage::Entry, std::string{"the file exports no "} + kEntryName +
                                           "; build it with longhaul_add_plugin, or export the entry"};
    return false;
  }
  plugin.descriptor = library->get<decltype(longhaulPluginEntry)>(kEntryName)(LONGHAUL_ABI_VERSION);
  if (plugin.descriptor == nullptr) {
    failure = {protocol::Stage::Entry, std::string{kEntryName} + " gave no descriptor for a host with ABI " +
                                           versionText(LONGHAUL_ABI_VERSION) +
                                           ": the plugin cannot run here; take a build of it for this version"};
    return false;
  }
  if (std::string fault = descriptorFault(*plugin.descriptor); !fault.empty()) {
    failure = {protocol::Stage::Descriptor, std::move(fault)};
    return false;
  }
  if (plugin.descriptor->getExtension != nullptr) {
    for (const std::string_view id : kKnownExtensions) {
      const void* table = plugin.descriptor->getExtension(longhaul_text_t{id.data(), id.size()});
      if (table == nullptr) continue;
      plugin.extensions.push_back(id);
      if (id == LONGHAUL_COMMANDS_ID) plugin.commands = static_cast<const longhaul_commands_t*>(table);
      if (id == LONGHAUL_HTTP_ID) plugin.http = static_cast<const longhaul_http_t*>(table);
      if (id == LONGHAUL_MIGRATE_ID) plugin.migrate = static_cast<const longhaul_migrate_t*>(table);
    }
    if (const auto* commands = plugin.commands;
        commands != nullptr &&
        (!LONGHAUL_HAS(commands, longhaul_commands_t, test) || !LONGHAUL_HAS(commands, longhaul_commands_t, execute))) {
      failure = {protocol::Stage::Descriptor, std::string{"the table "} + LONGHAUL_COMMANDS_ID +
                                                  " lacks test or execute: fill both, and set its struct_size to "
                                                  "sizeof(longhaul_commands_t)"};
      return false;
    }
    if (plugin.http != nullptr && !LONGHAUL_HAS(plugin.http, longhaul_http_t, handle)) {
      failure = {protocol::Stage::Descriptor, std::string{"the table "} + LONGHAUL_HTTP_ID +
                                                  " lacks handle: fill it, and set its struct_size to "
                                                  "sizeof(longhaul_http_t)"};
      return false;
    }
    if (plugin.migrate != nullptr && !LONGHAUL_HAS(plugin.migrate, longhaul_migrate_t, migrate)) {
      failure = {protocol::Stage::Descriptor, std::string{"the table "} + LONGHAUL_MIGRATE_ID +
                                                  " lacks migrate: fill it, and set its struct_size to "
                                                  "sizeof(longhaul_migrate_t)"};
      return false;
    }
  }
  return true;
}

}  // namespace longhaul::host::worker
