// A plugin that was built against the headers of a former minor runs on the table of today, here on the fake server.
// The integration tests load the same files into a real worker.
#include <dlfcn.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "longhaul/sdk/testing.hpp"

TEST_CASE("the plugin of each frozen minor gets every answer that its headers promise", "[abi]") {
  namespace fs = std::filesystem;
  std::size_t count = 0;
  for (const auto& file : fs::directory_iterator(ABI_PLUGINS)) {
    if (file.path().extension() != ".so") continue;
    ++count;
    INFO(file.path().string());
    void* library = ::dlopen(file.path().c_str(), RTLD_NOW | RTLD_LOCAL);  // never unloaded, as in a worker
    INFO((library == nullptr ? ::dlerror() : ""));
    REQUIRE(library != nullptr);
    const auto entry = reinterpret_cast<longhaul::testing::PluginRun::Entry>(::dlsym(library, "longhaulPluginEntry"));
    REQUIRE(entry != nullptr);

    const auto getExtension = entry(LONGHAUL_ABI_VERSION)->getExtension;
    const bool migrates =
        getExtension != nullptr && getExtension(longhaul::detail::textOf(LONGHAUL_MIGRATE_ID)) != nullptr;
    CHECK(migrates == (file.path().stem() >= "abi-0.3"));
    if (migrates) {
      longhaul::testing::FakeServer downgraded;
      downgraded.setContext(R"({"a":1})");
      downgraded.setContextSchemas(3, 2);
      longhaul::testing::PluginRun run(downgraded, entry);
      CHECK(run.finish().migrate == longhaul::Status::kInvalid);
      CHECK(run.finish().error == "there is no way back");
      CHECK(downgraded.context() == R"({"a":1})");
    }

    longhaul::testing::FakeServer server;
    server.setContext(R"({"a":1})");
    if (migrates) server.setContextSchemas(1, 2);
    longhaul::testing::PluginRun run(server, entry);
    CHECK(server.waitUntil([&] { return server.health().has_value(); }));
    if (run.test().status != longhaul::Status::kAbsent) {
      CHECK(run.test().text == "ok");
      CHECK(run.execute("send-notification", R"({"message":"a"})", R"({"incidentId":"1"})").text ==
            R"({"message":"a"} {"incidentId":"1"})");
      CHECK(run.execute("nothing").text == "there is no such command");
    }
    const bool has_http =
        getExtension != nullptr && getExtension(longhaul::detail::textOf(LONGHAUL_HTTP_ID)) != nullptr;
    CHECK(has_http == (file.path().stem() >= "abi-0.4"));
    if (has_http) {
      longhaul::testing::HttpCall call{"POST", "/a/b?c=d"};
      call.body = "hello";
      const auto answer = run.http(call);
      CHECK(answer.status == 200);
      CHECK(answer.body == "POST /a/b c=d hello");
      CHECK(answer.is_whole);
      call.is_web_socket = true;
      call.messages = {{true, "one"}, {true, "close"}};
      const auto talked = run.http(call);
      CHECK(talked.messages.size() == 1);
      CHECK(talked.close_code == 3000);
    }
    run.stop();
    const auto ended = run.finish();
    CHECK(ended.loop == longhaul::Status::kOk);
    CHECK(ended.migrate == (migrates ? std::optional(longhaul::Status::kOk) : std::nullopt));
    CHECK(ended.error == "");
    CHECK(server.health()->text == "abi " + file.path().stem().string().substr(4) + ": all calls answered as promised");
    CHECK(server.incidents().size() >= 2);
    CHECK(server.entries().size() == 2);
  }
  CHECK(count == ABI_FROZEN_COUNT);
}
