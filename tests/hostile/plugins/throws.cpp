// Class 2: exceptions across the C table: out of longRunningExecution, of a thread, out of a noexcept function.
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include "longhaul/plugin.h"

namespace {

struct State {
  const longhaul_server_t* server;
  std::string fault;
} state;

longhaul_text_t textOf(const char* text) {
  return {text, std::strlen(text)};
}

void put(void* self, longhaul_text_t text) {
  static_cast<std::string*>(self)->assign(text.data, text.size);
}

void prove(const char* text) {
  std::FILE* file = std::fopen(".proof.new", "w");
  std::fprintf(file, "1 %s", text);
  std::fclose(file);
  std::rename(".proof.new", "proof");
}

[[noreturn]] void throwIt(const char* text) {
  prove(text);
  throw std::runtime_error(text);
}

void noThrow() noexcept {
  throwIt("out of a noexcept function");
}

longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  state.server = server;
  longhaul_sink_t sink{put, &state.fault};
  server->parameter(server, textOf("fault"), &sink);
  *out = reinterpret_cast<longhaul_plugin_t*>(&state);
  if (state.fault == "create") throwIt("out of create");
  return LONGHAUL_OK;
}

// Out of the sink, through the worker's frames, and caught again on this side: longjmp's brother (class 28).
void throwingSink(void*, longhaul_text_t) {
  throwIt("out of a sink");
}

longhaul_status_t run(longhaul_plugin_t*) {
  const std::string& fault = state.fault;
  if (fault == "loop") throwIt("out of the loop");
  if (fault == "thread") std::thread([] { throwIt("out of a thread"); }).join();
  if (fault == "noexcept") noThrow();
  if (fault == "integer") {
    prove("an integer");
    throw 42;
  }
  if (fault == "sink") {
    longhaul_sink_t sink{throwingSink, nullptr};
    try {
      state.server->params(state.server, &sink);
    } catch (const std::exception&) {
    }
    for (int i = 0; i < 100; ++i)
      state.server->info(state.server, textOf("after a throw through the table"));
  }
  state.server->waitForStop(state.server, UINT32_MAX);
  return LONGHAUL_OK;
}

void nothing(longhaul_plugin_t*) {}

const longhaul_descriptor_t descriptor = {
    sizeof descriptor, LONGHAUL_ABI_VERSION, create, run, nothing, nothing, nullptr};

}  // namespace

extern "C" LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t) {
  return &descriptor;
}
