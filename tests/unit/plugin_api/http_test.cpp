// The SDK's classes over longhaul/http.h, on the fake that plugin authors test with.
#include "longhaul/sdk/http.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "longhaul/sdk.hpp"
#include "longhaul/sdk/testing.hpp"

namespace {

using longhaul::HttpError;
using longhaul::HttpRequest;
using longhaul::HttpResponse;
using longhaul::Status;
using longhaul::testing::FakeServer;
using longhaul::testing::HttpCall;
using longhaul::testing::PluginRun;

class Door : public longhaul::Plugin, public longhaul::HttpHandler {
 public:
  using Plugin::Plugin;
  void longRunningExecution() override { stopToken().wait(); }
  void handle(HttpRequest& request, HttpResponse& response) override {
    const std::string_view path = request.path();
    if (path == "/echo")
      return response.send(200, request.body(64), "text/x", {{"x-n", request.parameter("n").value_or("none")}});
    if (path == "/stream") {
      response.begin(200, {{"content-type", "text/event-stream"}});
      for (int i = 0; i < 10; ++i)
        response.write("piece\n");
      return;
    }
    if (path == "/refuse") throw HttpError(403, "not you", {{"x-why", "because"}});
    if (path == "/fail") throw std::runtime_error("the door is jammed");
    if (path == "/half") {
      response.begin(200, {}, 10);
      return response.write("12345");
    }
    if (path == "/much") {
      response.begin(200, {}, 2);
      return response.write("123");
    }
    if (path == "/twice") {
      response.send(200, "a");
      return response.send(200, "b");
    }
    if (path == "/injected") return response.send(200, "", "", {{"x-a", "b\r\nset-cookie: c"}});
    if (path == "/own") return response.send(200, "", "", {{"Transfer-Encoding", "chunked"}});
    if (path == "/socket") {
      auto socket = response.acceptWebSocket(request.field("Sec-WebSocket-Protocol") ? "chat" : "");
      longhaul::WebSocketMessage message;
      while (socket.receive(message, std::chrono::milliseconds(0)) == longhaul::WebSocket::Received::kMessage)
        message.is_text ? socket.send(message.bytes) : socket.sendBinary(message.bytes);
      if (message.bytes == "bye") socket.close(3000, "as asked");
    }
  }
};

class NoHttp : public longhaul::Plugin {
 public:
  using Plugin::Plugin;
  void longRunningExecution() override { stopToken().wait(); }
};

longhaul::testing::HttpAnswer ask(HttpCall call) {
  FakeServer server;
  PluginRun run(server, &longhaul::detail::Glue<Door>::entry);
  return run.http(std::move(call));
}

}  // namespace

TEST_CASE("a handler reads the request and answers as a whole", "[http]") {
  HttpCall call{"POST", "/echo?n=a%20b+c"};
  call.body = "hello";
  call.read_bytes_max = 2;
  const auto answer = ask(call);
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello");
  CHECK(answer.content_length == 5);
  CHECK(answer.is_whole);
  CHECK(answer.field("X-N") == "a b c");
  CHECK(answer.field("content-type") == "text/x");
  CHECK(answer.returned == Status::kOk);
}

TEST_CASE("a body over the limit is 413, told at once or once it is seen", "[http]") {
  HttpCall call{"POST", "/echo"};
  call.body = std::string(65, 'a');
  CHECK(ask(call).status == 413);
  call.chunked = true;
  CHECK(ask(call).status == 413);
}

TEST_CASE("pieces of an answer go until the client is gone", "[http]") {
  HttpCall call{"GET", "/stream"};
  CHECK(ask(call).body.size() == 60);
  call.client_takes = 20;
  const auto answer = ask(call);
  CHECK(answer.body.size() == 20);
  CHECK(answer.returned == Status::kClosed);
  CHECK_FALSE(answer.is_whole);
}

TEST_CASE("what a handler throws is the answer, or cuts it", "[http]") {
  CHECK(ask({"GET", "/refuse"}).status == 403);
  CHECK(ask({"GET", "/refuse"}).body == "not you\n");
  CHECK(ask({"GET", "/refuse"}).field("x-why") == "because");
  const auto failed = ask({"GET", "/fail"});
  CHECK(failed.status == 500);
  CHECK(failed.body.empty());
  CHECK(failed.error == "handle threw: the door is jammed");
  CHECK_FALSE(ask({"GET", "/half"}).is_whole);
  CHECK(ask({"GET", "/nothing"}).status == 204);
}

TEST_CASE("an answer that breaks the rules is refused", "[http]") {
  const auto path = GENERATE("/much", "/twice", "/injected", "/own");
  CAPTURE(path);
  CHECK(ask({"GET", path}).returned == Status::kInvalid);
}

TEST_CASE("a WebSocket is taken up, spoken on and closed", "[http]") {
  HttpCall call{"GET", "/socket"};
  call.is_web_socket = true;
  call.fields = {{"sec-websocket-protocol", "talk, chat"}};
  call.messages = {{true, "one"}, {false, "two"}, {true, "bye"}};
  const auto answer = ask(call);
  CHECK(answer.status == 101);
  CHECK(answer.subprotocol == "chat");
  REQUIRE(answer.messages.size() == 3);
  CHECK_FALSE(answer.messages[1].is_text);
  CHECK(answer.close_code == 3000);
  call.fields = {{"sec-websocket-protocol", "talk"}};
  CHECK(ask(call).returned == Status::kInvalid);
  call.is_web_socket = false;
  CHECK(ask(call).status == 500);
}

TEST_CASE("a plugin without HTTP gives no table", "[http]") {
  FakeServer server;
  PluginRun run(server, &longhaul::detail::Glue<NoHttp>::entry);
  CHECK(run.http({}).returned == Status::kAbsent);
  CHECK(longhaul::detail::Glue<Door>::entry(LONGHAUL_ABI_VERSION)
            ->getExtension(longhaul::detail::textOf(LONGHAUL_HTTP_ID)) != nullptr);
}

TEST_CASE("forms and escapes are decoded", "[http]") {
  const auto values = longhaul::formValues("a=1&&b=%C3%A4+x&c&d=%zz%");
  REQUIRE(values.size() == 4);
  CHECK(values[1].second == "\xC3\xA4 x");
  CHECK(values[2].second.empty());
  CHECK(values[3].second == "%zz%");
}
