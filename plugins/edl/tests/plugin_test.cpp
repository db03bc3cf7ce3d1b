// The plugin on the fake server: its commands and its end.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "longhaul/sdk/testing.hpp"

using longhaul::Status;
using longhaul::testing::FakeServer;
using longhaul::testing::PluginRun;

namespace {

// The plugin writes its copy into the data folder, which is where a worker runs.
class DataFolder {
 public:
  DataFolder() : before_(std::filesystem::current_path()) {
    std::string name = (std::filesystem::temp_directory_path() / "longhaul-edl-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    std::filesystem::current_path(path_);
  }
  ~DataFolder() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(path_);
  }
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

 private:
  std::filesystem::path before_;
  std::filesystem::path path_;
};

std::string manifest() {
  std::ifstream file(MANIFEST);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the operator's list is kept by commands") {
  const DataFolder folder;
  FakeServer server;
  server.useManifest(manifest());
  server.setParameter("indicators", "false");
  PluginRun run(server, longhaulPluginEntry);
  CHECK(run.execute("edl-add", R"({"values":"192.0.2.1, example.com"})").text == "2 entries are on the list");
  CHECK(run.execute("edl-add", R"({"values":["192.0.2.1"]})").text == "1 entry is on the list");
  CHECK(run.execute("edl-add", R"({"values":"intranet","type":"Host"})").status == Status::kOk);
  const auto refused = run.execute("edl-add", R"({"values":"localhost"})");
  CHECK(refused.status == Status::kInvalid);
  CHECK(refused.text.find("write its type behind it") != std::string::npos);
  CHECK(run.execute("edl-remove", R"({"values":"example.com,absent"})").text == "1 of the list removed");
  CHECK(run.execute("edl-remove", R"({"values":"example.com"})").status == Status::kInvalid);
  const std::string list = run.execute("edl-list").text;
  CHECK(list.find("192.0.2.1") != std::string::npos);
  CHECK(list.find("example.com") == std::string::npos);
  CHECK(run.execute("edl-status").text.find("\"entries\":2") != std::string::npos);
  CHECK(run.test().text == "ok: 2 entries");
  run.stop();
  CHECK(run.finish().loop == Status::kOk);
}
