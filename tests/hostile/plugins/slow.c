/* Class 33: slow to start, to stop and to answer; asks for more time without end. */
#define ON_CREATE \
  if (is("start")) slow(3600 * 1000)
#define ON_STOP \
  if (is("stop")) slow(3600 * 1000)
#define EXTENSION extension
static void slow(int ms);
#include "longhaul/types.h"
static const void* extension(longhaul_text_t id);
#include "hostile.h"
#include "longhaul/commands.h"

static void slow(int ms) {
  prove(1, the_fault);
  wait_ms(ms);
}

static longhaul_status_t test(longhaul_plugin_t* plugin, longhaul_sink_t* result, longhaul_sink_t* error) {
  (void)plugin;
  (void)result;
  (void)error;
  return LONGHAUL_OK;
}

static longhaul_status_t execute(longhaul_plugin_t* plugin, const longhaul_command_t* command, longhaul_sink_t* result,
                                 longhaul_sink_t* error) {
  (void)plugin;
  (void)error;
  if (command->name.size == 4) { /* wait: past the caller's deadline */
    prove(1, "an answer that does not come in time");
    wait_ms((int)command->deadline_ms + 500);
  }
  result->put(result->self, text_of("\"answered\""));
  return LONGHAUL_OK;
}

static const longhaul_commands_t commands = {sizeof commands, 0, test, execute};

static const void* extension(longhaul_text_t id) {
  return id.size == strlen(LONGHAUL_COMMANDS_ID) && memcmp(id.data, LONGHAUL_COMMANDS_ID, id.size) == 0 ? &commands
                                                                                                        : NULL;
}

static longhaul_status_t loop(void) {
  if (is("extend")) {
    for (int i = 0; i < 100; ++i)
      server->extendTimeout(server, UINT32_MAX);
    prove(100, "times more time");
  }
  if (is("late")) { /* stops, and takes the rest of its deadline for its end */
    server->waitForStop(server, UINT32_MAX);
    prove(1, "a late end");
    wait_ms(300);
    return LONGHAUL_OK;
  }
  if (is("stop")) wait_for_ever();
  return wait_for_stop();
}
