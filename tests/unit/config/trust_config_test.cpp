#include "host/config/trust_config.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "host/config/daemon_config.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/config/fixture.h"

using namespace longhaul::host;
using namespace longhaul::host::config;
using namespace longhaul::host::test;
using catalog::TrustMode;

namespace {

namespace fs = std::filesystem;

constexpr const char* kKey = "RWTXdbyfiBwuAhl1dMpiMPKzutfwlhi3rfDqfsuD/b74e2OwQ+Dh+P6q";

struct Files {
  TempFolder folder;
  fs::path file = folder / "longhaul.yaml";
  DaemonConfigLoaded load(const std::string& text) const {
    writeText(file, text);
    Environment environment;
    environment.uid = ::geteuid();
    environment.variable = [](const char*) { return std::optional<std::string>{"/home/u"}; };
    return loadDaemonConfig(environment, {.config_file = file});
  }
  fs::path safe(const char* name, const std::string& text) const {
    writeText(folder / name, text);
    fs::permissions(folder / name, fs::perms{0644});
    return folder / name;
  }
};

}  // namespace

TEST_CASE("trust: mode, keys and digests, inline and as files; any without a word") {
  const Files place;
  CHECK(place.load("").config.trust == catalog::TrustSettings{});
  const fs::path key = place.safe("vendor.pub", std::string{"untrusted comment: ours\n"} + kKey + "\n");
  const fs::path list = place.safe("list", std::string(64, 'a') + "  a.so\n");
  const auto loaded = place.load("trust:\n  mode: signed\n  keys:\n    - " + std::string{kKey} + "\n    - " +
                                 key.native() + "\n  digests: [" + list.native() + "]\n");
  INFO(textOf(loaded.problems));
  CHECK(loaded.problems.empty());
  CHECK(loaded.config.trust.mode == TrustMode::Signed);
  CHECK(loaded.config.trust.keys == std::vector<std::string>{kKey, key.native()});
  CHECK(loaded.config.trust.digests == std::vector<std::string>{list.native()});
  CHECK(loaded.config.origins.at("trust.keys") == place.file.native() + ":3:3");
  const Json shown = toJson(loaded.config).at("config").at("trust");
  CHECK(shown.at("mode") == "signed");
  CHECK(shown.at("keys").size() == 2);
  const auto changes = settingChanges(place.load("").config, loaded.config);
  CHECK(changes.size() == 3);
}

TEST_CASE("a fault of trust is told with its place, its entry and the remedy") {
  const Files place;
  const auto fault = [&](const std::string& text) {
    const auto problems = place.load(text).problems;
    REQUIRE(problems.size() == 1);
    return toText(problems.front());
  };
  CHECK_THAT(fault("trust: { mode: sigend }"),
             Catch::Contains("longhaul.yaml:1:16") && Catch::Contains("did you mean \"signed\""));
  CHECK_THAT(fault("trust:\n  mode: signed\n"), Catch::Contains("longhaul.yaml:2:3") &&
                                                    Catch::Contains("trust.keys is empty") &&
                                                    Catch::Contains("minisign"));
  CHECK_THAT(fault("trust: { mode: pinned, digests: [] }"), Catch::Contains("trust.digests is empty"));
  CHECK_THAT(fault("trust:\n  mode: signed\n  keys:\n    - " + std::string{kKey} + "\n    - nonsense\n"),
             Catch::Contains("longhaul.yaml:5:7") && Catch::Contains("trust.keys: nonsense: it is no public key"));
  CHECK_THAT(fault("trust: { keys: [/gone.pub] }"), Catch::Contains("open /gone.pub: No such file"));
  CHECK_THAT(fault("trust: { digests: [abc] }"), Catch::Contains("wanted the 64 hexadecimal digits"));
  CHECK_THAT(fault("trust: { key: [] }"), Catch::Contains("the key \"key\" is not known") && Catch::Contains("keys"));
  const fs::path open = place.safe("open.pub", kKey);
  fs::permissions(open, fs::perms{0666});
  CHECK_THAT(fault("trust: { keys: [" + open.native() + "] }"), Catch::Contains("chmod o-w " + open.native()));
}
