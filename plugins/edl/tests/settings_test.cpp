#include "settings.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "settings_error.h"

using namespace edl_plugin;

namespace {

Settings settingsOf(const std::vector<std::pair<std::string, std::string>>& parameters) {
  return readSettings([&](std::string_view name) -> std::optional<std::string> {
    for (const auto& [key, value] : parameters)
      if (key == name) return value;
    return std::nullopt;
  });
}

}  // namespace

TEST_CASE("what a value looks like") {
  const auto [value, type] = GENERATE(table<const char*, const char*>({
      {"192.0.2.1", "IP"},
      {"192.0.2.0/24", "CIDR"},
      {"192.0.2.1-192.0.2.9", "IPRange"},
      {"2001:db8::1", "IPv6"},
      {"2001:db8::/32", "IPv6CIDR"},
      {"https://example.com/x", "URL"},
      {"example.com/x", "URL"},
      {"example.com", "Domain"},
      {"*.example-2.com.", "Domain"},
      {"d41d8cd98f00b204e9800998ecf8427e", "File"},
      {"192.0.2.0/33", ""},
      {"localhost", ""},
      {"a..b", ""},
      {"ex ample.com", ""},
      {"", ""},
  }));
  CAPTURE(value);
  CHECK(guessedType(value) == type);
}

TEST_CASE("entries of the operator's own") {
  const Settings settings = settingsOf({{"items", "# ours\n192.0.2.1\n\n intranet Host \nexample.com"}});
  REQUIRE(settings.own.size() == 3);
  CHECK(settings.own[1].value == "intranet");
  CHECK(settings.own[1].type == "Host");
  CHECK(settings.own[2].type == "Domain");
}

TEST_CASE("parameters that cannot be say what is wanted") {
  using Case = std::pair<std::string, std::string>;
  const auto [name, value, part] = GENERATE(table<const char*, const char*, const char*>({
      {"items", "192.0.2.1\nlocalhost", "items, line 2: \"localhost\" is neither an address"},
      {"items", "a b c", "items, line 1: \"a b c\" is no entry"},
      {"minScore", "4", "minScore is \"4\"; write a whole number from 0 to 3"},
      {"maxItems", "200001", "from 1 to 200000"},
      {"refreshSeconds", "1", "from 5 to 86400"},
      {"format", "xml", "write text, csv or json"},
      {"device", "toaster", "write plain, panos or fortinet"},
      {"indicators", "maybe", "write true or false"},
  }));
  CHECK_THROWS_WITH(settingsOf({Case{name, value}}), Catch::Contains(part));
}

TEST_CASE("types are a list") {
  CHECK(settingsOf({{"types", "IP, URL ,"}}).types == std::vector<std::string>{"IP", "URL"});
}
