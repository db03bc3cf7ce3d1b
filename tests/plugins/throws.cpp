// A plugin that lets an exception out across the raw C table, which the SDK never does.
#include <stdexcept>

#include "longhaul/migrate.h"
#include "longhaul/plugin.h"

static longhaul_status_t create(const longhaul_server_t*, longhaul_plugin_t** out) {
  *out = nullptr;
  return LONGHAUL_OK;
}

[[noreturn]] static longhaul_status_t run(longhaul_plugin_t*) {
  throw std::runtime_error("thrown over the edge");
}

static void ignore(longhaul_plugin_t*) {}

static longhaul_status_t migrate(const longhaul_migration_t*, longhaul_sink_t*, longhaul_sink_t*) {
  throw std::runtime_error("thrown over the edge of migrate");
}

static const void* getExtension(longhaul_text_t id) {
  static const longhaul_migrate_t table = {sizeof(longhaul_migrate_t), 0, migrate};
  return id.size == sizeof LONGHAUL_MIGRATE_ID - 1 ? &table : nullptr;
}

static const longhaul_descriptor_t descriptor = {
    sizeof(longhaul_descriptor_t), LONGHAUL_ABI_VERSION, create, run, ignore, ignore, getExtension,
};

extern "C" LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t) {
  return &descriptor;
}
