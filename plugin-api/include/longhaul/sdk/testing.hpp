// For the tests of a plugin, with any framework and no daemon: #include <longhaul/sdk/testing.hpp>.
//   FakeServer   the server's table in memory, with the host's rules; records calls, makes them fail
//   HttpCall     a request for PluginRun::http
//   PluginRun    drives a plugin on it: create, longRunningExecution, stop, destroy
#ifndef LONGHAUL_SDK_TESTING_HPP
#define LONGHAUL_SDK_TESTING_HPP

#include "longhaul/sdk/testing/fake_http.hpp"
#include "longhaul/sdk/testing/fake_server.hpp"
#include "longhaul/sdk/testing/plugin_run.hpp"

#endif
