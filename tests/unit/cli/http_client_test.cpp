#include "host/cli/http_client.h"

#include <catch2/catch.hpp>

#include "host/base/files.h"
#include "host/base/limits.h"
#include "tests/unit/cli/test_server.h"

namespace longhaul::host::cli {
namespace {

Result<HttpAnswer> ask(const std::filesystem::path& socket, const HttpRequest& request,
                       std::chrono::milliseconds timeout = std::chrono::seconds{30}) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto exchange = HttpExchange::start(socket, request, deadline);
  if (!exchange) return std::move(exchange).error();
  return exchange->finish(deadline);
}

}  // namespace

TEST_CASE("A request has a host, its length and its body, and the answer comes whole") {
  TestServer server;
  server.raw("POST /x", "HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
  const auto answer = ask(server.socket(), {.method = "POST", .target = "/x", .body = "{\"a\":1}"});
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->content_type == "text/plain");
  CHECK(answer->body == "hello");
  const SeenRequest seen = server.seen().at(0);
  CHECK_THAT(seen.head, Catch::Contains("Host: localhost") && Catch::Contains("Content-Length: 7") &&
                            Catch::Contains("Content-Type: application/json"));
  CHECK(seen.body == "{\"a\":1}");
}

TEST_CASE("Chunked answers, and those that end with the connection, come whole") {
  TestServer server;
  server.raw("GET /chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  server.raw("GET /to-the-end", "HTTP/1.1 200 OK\r\n\r\nall of it");
  CHECK(ask(server.socket(), {.target = "/chunked"})->body == "abcde");
  CHECK(ask(server.socket(), {.target = "/to-the-end"})->body == "all of it");
}

TEST_CASE("A large answer comes whole") {
  TestServer server;
  const std::string large(5U << 20, 'x');
  server.raw("GET /large", fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", large.size(), large));
  CHECK(ask(server.socket(), {.target = "/large"})->body == large);
}

TEST_CASE("An answer that was cut off is no answer") {
  TestServer server;
  server.raw("GET /cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  server.raw("GET /nothing", "");
  for (const char* target : {"/cut", "/nothing"}) {
    const auto answer = ask(server.socket(), {.target = target});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Code::Closed);
    CHECK_THAT(answer.error().message, Catch::Contains("closed the connection before"));
  }
}

TEST_CASE("An answer that comes before the request was read counts") {
  TestServer server;
  server.sayAtOnce("HTTP/1.1 413 X\r\nContent-Length: 3\r\n\r\nbig");
  const auto answer = ask(server.socket(), {.method = "POST", .target = "/", .body = std::string(8U << 20, 'x')});
  REQUIRE(answer);
  CHECK(answer->status == 413);
}

TEST_CASE("What does not speak HTTP is told apart from a daemon") {
  TestServer server;
  server.raw("GET /", "SSH-2.0-OpenSSH_9.2\r\n");
  const auto answer = ask(server.socket(), {.target = "/"});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Code::Invalid);
  CHECK_THAT(answer.error().message, Catch::Contains("does not speak HTTP"));
}

TEST_CASE("No answer in time is a timeout") {
  test::TempFolder folder;
  const UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (folder.path() / "silent.sock").native();
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  const auto answer = ask(path, {.target = "/"}, std::chrono::milliseconds{20});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Code::Timeout);
}

TEST_CASE("Where nobody listens the sentence names the socket and how to start the daemon") {
  test::TempFolder folder;
  const auto missing = ask(folder.path() / "none.sock", {.target = "/"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Code::Closed);
  CHECK_THAT(missing.error().message, Catch::Contains((folder.path() / "none.sock").native()) &&
                                          Catch::Contains("longhauld") && Catch::Contains("--address"));
  std::filesystem::path left_over;
  {
    TestServer server;
    left_over = folder.path() / "left.sock";
    std::filesystem::rename(server.socket(), left_over);
  }
  const auto refused = ask(left_over, {.target = "/"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Closed);
  CHECK_THAT(refused.error().message, Catch::Contains("nobody listens"));
}

TEST_CASE("A path that no socket can have is refused with its length") {
  const auto answer = ask("/" + std::string(kUnixPathBytesMax, 'x'), {.target = "/"});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Code::Invalid);
  CHECK_THAT(answer.error().message, Catch::Contains("108 bytes"));
}

TEST_CASE("Globs and everything else that means something in a target are encoded") {
  CHECK(percentEncoded("edge-*?[a]") == "edge-%2A%3F%5Ba%5D");
  CHECK(percentEncoded("a b+c/ü&=#") == "a%20b%2Bc%2F%C3%BC%26%3D%23");
  CHECK(percentEncoded("A.z_0~9-") == "A.z_0~9-");
}

}  // namespace longhaul::host::cli
