/* Class 32: a descriptor that does not fit: sizes, versions, null callbacks, half a capability; one build each
 * (-DFAULT_…). */
#define OWN_ENTRY
#include "hostile.h"
#include "longhaul/commands.h"

static longhaul_status_t loop(void) {
  return wait_for_stop();
}

#ifdef FAULT_MISSING_SYMBOL
extern void __sanitizer_longhaulTestIsNowhere(void);
#endif

UNUSED static const void* extension(longhaul_text_t id) {
#if defined(FAULT_WILD_TABLE)
  if (id.size == strlen(LONGHAUL_COMMANDS_ID)) return (const void*)8;
#elif defined(FAULT_SHORT_TABLE)
  static const longhaul_commands_t table = {8, 0, NULL, NULL};
  if (id.size == strlen(LONGHAUL_COMMANDS_ID)) return &table;
#elif defined(FAULT_EXTENSION_CRASHES)
  *(volatile int*)8 = 1;
#elif defined(FAULT_UNDECLARED)
  static const longhaul_commands_t table = {sizeof table, 0, NULL, NULL};
  if (id.size == strlen(LONGHAUL_COMMANDS_ID)) return &table;
#endif
  (void)id;
  return NULL;
}

static const longhaul_descriptor_t descriptor = {
#if defined(FAULT_OLD_SIZE)
    16,
#elif defined(FAULT_NEW_SIZE)
    UINT32_MAX,
#else
    sizeof(longhaul_descriptor_t),
#endif
#if defined(FAULT_NEW_ABI)
    LONGHAUL_ABI_VERSION + 1,
#elif defined(FAULT_OTHER_MAJOR)
    LONGHAUL_ABI_VERSION + (7u << 16),
#else
    LONGHAUL_ABI_VERSION,
#endif
#if defined(FAULT_NULL_CREATE)
    NULL,
#else
    plugin_create,
#endif
#if defined(FAULT_NULL_LOOP)
    NULL,
#else
    plugin_run,
#endif
#if defined(FAULT_NULL_STOP)
    NULL,
#else
    plugin_stop,
#endif
    plugin_destroy,
#if defined(FAULT_WILD_TABLE) || defined(FAULT_SHORT_TABLE) || defined(FAULT_EXTENSION_CRASHES) || \
    defined(FAULT_UNDECLARED)
    extension,
#else
    NULL,
#endif
};

LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  (void)host_abi_version;
  prove(1, "the entry");
#if defined(FAULT_ENTRY_CRASHES)
  *(volatile int*)8 = 1;
#elif defined(FAULT_ENTRY_HANGS)
  wait_for_ever();
#elif defined(FAULT_ENTRY_WILD)
  return (const longhaul_descriptor_t*)8;
#elif defined(FAULT_ENTRY_NULL)
  (void)descriptor;
  return NULL;
#elif defined(FAULT_MISSING_SYMBOL)
  __sanitizer_longhaulTestIsNowhere();
#endif
  return &descriptor;
}
