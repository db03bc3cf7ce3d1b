#include "host/cli/daemon_address.h"

#include <catch2/catch.hpp>
#include <map>

#include "host/base/files.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::cli {
namespace {

config::Environment environmentOf(std::map<std::string, std::string> variables) {
  config::Environment environment;
  environment.variable = [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  return environment;
}

std::string sentence(const std::string& flag, std::map<std::string, std::string> variables = {}) {
  const auto address = findAddress(flag, environmentOf(std::move(variables)));
  return address ? "" : address.error().message;
}

}  // namespace

TEST_CASE("An address is a socket, or a host with its port and scheme") {
  const auto [text, host, port, tls, field] = GENERATE(table<const char*, const char*, int, bool, const char*>({
      {"https://edge.example.org:8440", "edge.example.org", 8440, true, "edge.example.org:8440"},
      {"https://edge.example.org", "edge.example.org", 443, true, "edge.example.org:443"},
      {"https://10.0.0.1:1/", "10.0.0.1", 1, true, "10.0.0.1:1"},
      {"https://[2001:db8::1]:8440", "2001:db8::1", 8440, true, "[2001:db8::1]:8440"},
      {"http://127.0.0.1:8080", "127.0.0.1", 8080, false, "127.0.0.1:8080"},
      {"http://localhost", "localhost", 80, false, "localhost:80"},
      {"http://[::1]:65535", "::1", 65'535, false, "[::1]:65535"},
  }));
  INFO(text);
  const auto address = findAddress(std::string(text), environmentOf({}));
  REQUIRE(address);
  CHECK_FALSE(address->isUnix());
  CHECK(address->host == host);
  CHECK(address->port == port);
  CHECK(address->is_tls == tls);
  CHECK(address->hostField() == field);
  CHECK(address->token.empty());
}

TEST_CASE("What is no address is told with what is wanted") {
  const auto [text, part] = GENERATE(table<const char*, const char*>({
      {"https://", "wanted https://HOST:PORT"},
      {"https://edge:0", "from 1 to 65535"},
      {"https://edge:65536", "from 1 to 65535"},
      {"https://edge:8440x", "from 1 to 65535"},
      {"https://edge:", "from 1 to 65535"},
      {"https://edge:8440/api", "nothing behind it"},
      {"https://user@edge:8440", "nothing behind it"},
      {"https://2001:db8::1", "in brackets"},
      {"https://[2001:db8::1", "bracket does not end"},
      {"http://edge.example.org", "without TLS"},
      {"ftp://edge", "wanted unix:"},
  }));
  INFO(text);
  CHECK(sentence(text).find(part) != std::string::npos);
}

TEST_CASE("A socket asks for no token, and a token goes to nobody but who is asked over TCP") {
  const auto environment = environmentOf({{"LONGHAUL_TOKEN", "lh_1"}, {"LONGHAUL_CA", "/ca.pem"}});
  const auto socket = findAddress(std::string("unix:/run/x.sock"), environment);
  REQUIRE(socket);
  CHECK(socket->isUnix());
  CHECK(socket->token.empty());
  CHECK(socket->text() == "unix:/run/x.sock");
  const auto tcp = findAddress(std::string("https://edge:1"), environment);
  REQUIRE(tcp);
  CHECK(tcp->token == "lh_1");
  CHECK(tcp->ca == "/ca.pem");
  CHECK(tcp->text() == "https://edge:1");
}

TEST_CASE("A token comes out of its file without the line's end, and nothing in it makes a header of its own") {
  const test::TempFolder folder;
  const auto file = folder / "token";
  REQUIRE(writeFileDurably(file, "lh_abc\n", 0600));
  const auto address =
      findAddress(std::string("https://edge:1"), environmentOf({{"LONGHAUL_TOKEN_FILE", file.native()}}));
  REQUIRE(address);
  CHECK(address->token == "lh_abc");
  CHECK(sentence("https://edge:1", {{"LONGHAUL_TOKEN", "a\r\nX: b"}}).find("is no token") != std::string::npos);
  CHECK(sentence("https://edge:1", {{"LONGHAUL_TOKEN_FILE", (folder / "none").native()}}).find("LONGHAUL_TOKEN_FILE") !=
        std::string::npos);
}

}  // namespace longhaul::host::cli
