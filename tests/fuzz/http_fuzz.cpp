// What a client can send: requests and WebSocket frames. The first byte says which, and how the rest is cut. However it
// is cut the same must come out, and Beast's parser must find the same request in what is taken for one here.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "host/http/request_reader.h"
#include "host/http/route_request.h"
#include "host/http/web_socket_frames.h"

namespace {

using namespace longhaul::host::http;
namespace beast = boost::beast::http;

void require(bool good) {
  if (!good) std::abort();
}

struct Taken {
  Request request;
  std::size_t end = 0;  // in the whole
};

std::vector<Taken> requestsIn(std::string_view whole, std::size_t step, bool& failed) {
  RequestReader reader;
  std::string input;
  std::vector<Taken> taken;
  failed = false;
  for (std::size_t at = 0; at < whole.size() && !failed;) {
    const std::size_t count = std::min(step, whole.size() - at);
    input += whole.substr(at, count);
    at += count;
    while (true) {
      const auto state = reader.read(input);
      failed = state == RequestReader::State::Failed;
      if (state == RequestReader::State::Routed) {
        Header header = reader.takeHeader();
        if (auto target = readRouteTarget(header.target); auto* route = std::get_if<RouteTarget>(&target)) {
          (void)toRouteRequest(std::move(header), std::move(*route), {.address = "unix", .scheme = "http"});
        }
        failed = true;
      }
      if (state != RequestReader::State::Complete) break;
      taken.push_back({reader.take(), at - input.size()});
    }
  }
  return taken;
}

void checkRequests(std::string_view whole, std::size_t step) {
  bool failed_at_once = false;
  bool failed_in_steps = false;
  const auto once = requestsIn(whole, whole.size(), failed_at_once);
  const auto steps = requestsIn(whole, step, failed_in_steps);
  require(failed_at_once == failed_in_steps && once.size() == steps.size());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < once.size(); ++i) {
    require(once[i].request.body == steps[i].request.body && once[i].end == steps[i].end);
    beast::request_parser<beast::string_body> parser;
    parser.header_limit(1U << 20);
    parser.body_limit(1U << 30);
    parser.eager(true);
    boost::system::error_code error;
    std::string_view rest = whole.substr(begin, once[i].end - begin);
    while (!parser.is_done() && !rest.empty() && !error) {
      rest.remove_prefix(parser.put(boost::asio::const_buffer(rest.data(), rest.size()), error));
    }
    require(!error && parser.is_done() && rest.empty());
    require(parser.get().method_string() == once[i].request.method);
    require(parser.get().target() == once[i].request.target);
    require(parser.get().body() == once[i].request.body);
    begin = once[i].end;
  }
}

std::vector<std::string> framesIn(std::string_view whole, std::size_t step) {
  WebSocketReader reader(WebSocketReader::From::Client, 1000);
  std::string input;
  std::vector<std::string> seen;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t count = std::min(step, whole.size() - at);
    input += whole.substr(at, count);
    at += count;
    while (true) {
      const auto found = reader.read(input);
      require(found.taken <= input.size());
      input.erase(0, found.taken);
      if (found.kind == WebSocketReader::Kind::NeedMore) break;
      seen.push_back(std::to_string(static_cast<int>(found.kind)) + ":" + std::to_string(found.code) + found.text);
      if (found.kind == WebSocketReader::Kind::Close || found.kind == WebSocketReader::Kind::Failed) return seen;
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view whole{reinterpret_cast<const char*>(data + 1), size - 1};
  const std::size_t step = 1 + (data[0] & 0x3fU);
  if ((data[0] & 0x80U) != 0) {
    require(framesIn(whole, whole.size()) == framesIn(whole, step));
  } else {
    checkRequests(whole, step);
  }
  return 0;
}
