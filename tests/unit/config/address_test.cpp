#include "host/config/address.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "host/base/limits.h"

using namespace longhaul::host;
using namespace longhaul::host::config;

namespace {

Address addressOf(const Json& value) {
  const auto address = parseAddress(value);
  INFO((address ? std::string() : address.error().message));
  REQUIRE(address.has_value());
  return *address;
}

}  // namespace

TEST_CASE("an address is read into its canonical form") {
  const auto [written, canonical] = GENERATE(table<Json, std::string>({
      {"127.0.0.1:5514", "127.0.0.1:5514"},
      {"0.0.0.0:0", "0.0.0.0:0"},
      {"[::1]:5514", "[::1]:5514"},
      {"[0:0::0:1]:5514", "[::1]:5514"},
      {"[::FFFF:10.0.0.1]:1", "[::ffff:10.0.0.1]:1"},
      {":5514", ":5514"},
      {"5514", ":5514"},
      {5514, ":5514"},
      {0, ":0"},
      {65535, ":65535"},
      {"unix:/run/x.sock", "unix:/run/x.sock"},
      {"/run/x.sock", "unix:/run/x.sock"},
  }));
  CAPTURE(written);
  const Address address = addressOf(written);
  CHECK(toText(address) == canonical);
  CHECK(addressOf(toText(address)) == address);
}

TEST_CASE("what is no address gets the sentence that mends it") {
  const auto [written, remedy] = GENERATE(table<Json, std::string>({
      {"localhost:5514", "write \"127.0.0.1:5514\" or \"[::1]:5514\""},
      {"*:5514", "write \":5514\" for every address"},
      {"::1:5514", "an IPv6 address stands in brackets: \"[::1]:5514\""},
      {"example.org:5514", "names are not looked up, write the numeric address"},
      {"127.0.0.1", "the port is missing"},
      {"::1", "the port is missing"},
      {"127.0.0.1:", "the port is a number from 0 to 65535, not \"\""},
      {"127.0.0.1:65536", "the port is a number from 0 to 65535, not \"65536\""},
      {"127.0.0.1:-1", "the port is a number"},
      {"127.0.0.1:+1", "the port is a number"},
      {"127.0.0.1:http", "not \"http\""},
      {"127.1:5514", "names are not looked up"},
      {"[fe80::1%eth0]:5514", "without a zone"},
      {"[127.0.0.1]:5514", "between [ and ] stands a numeric IPv6 address"},
      {"unix:run/x.sock", "the path begins with / and names a file"},
      {"/run/", "names a file"},
      {"", "the port is a number"},
      {65536, "found the number 65536, wanted an address"},
      {-1, "found the number -1"},
      {5514.5, "found the number 5514.5"},
      {true, "found true, wanted an address"},
      {Json::array({"a"}), "found a list of 1"},
  }));
  CAPTURE(written);
  const auto address = parseAddress(written);
  REQUIRE_FALSE(address.has_value());
  CHECK_THAT(address.error().message, Catch::Contains(remedy));
}

TEST_CASE("a socket's path that the system cannot take is refused with its length") {
  const std::string most = "/" + std::string(kUnixPathBytesMax - 1, 'x');
  CHECK(addressOf(most).unix_path == most);
  const auto longer = parseAddress(most + "x");
  REQUIRE_FALSE(longer.has_value());
  CHECK_THAT(longer.error().message, Catch::Contains("has 108 bytes, wanted at most 107"));
  CHECK_FALSE(parseAddress(std::string("/a\0b", 4)).has_value());
}

TEST_CASE("two addresses collide when the system would give only one of them") {
  const auto [one, other, expected] = GENERATE(table<const char*, const char*, bool>({
      {"127.0.0.1:1", "127.0.0.1:1", true},
      {"127.0.0.1:1", "127.0.0.1:2", false},
      {"127.0.0.1:1", "127.0.0.2:1", false},
      {"127.0.0.1:0", "127.0.0.1:0", false},
      {":0", ":0", false},
      {":1", "127.0.0.1:1", true},
      {":1", "[::1]:1", true},
      {"0.0.0.0:1", "10.0.0.1:1", true},
      {"0.0.0.0:1", "[::1]:1", false},
      {"[::]:1", "10.0.0.1:1", true},
      {"[::1]:1", "127.0.0.1:1", false},
      {"/run/a", "/run/a", true},
      {"/run/a", "/run/b", false},
      {"/run/a", ":1", false},
  }));
  CAPTURE(one, other);
  CHECK(collide(addressOf(one), addressOf(other)) == expected);
  CHECK(collide(addressOf(other), addressOf(one)) == expected);
}
