// What the HTTP front needs of the host's other side: to give a request to an instance and to get its answer, piece by
// piece both ways, with no more under way than the windows say. `supervisor` implements it and `daemon` binds the two,
// so that `http` knows nothing of workers. Loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::host::services {

struct HttpField {
  std::string name;  // lower case
  std::string value;
};

// A request as it was checked and is written anew: no hop-by-hop field, nothing that says how long the body is.
struct HttpAsked {
  std::string instance{};  // its name
  std::string method{};
  std::string path{};  // what follows /instance/execute/NAME, with the leading "/", still percent-encoded
  std::optional<std::string> query{};  // without "?"; nothing: there was none
  std::string request_uri{};           // the whole target, as the client sent it
  std::string scheme{};                // "http", "https"
  std::string host{};                  // of the field Host
  std::string client_address{};        // without a port; "unix" of one on the daemon's socket
  std::string user{};                  // who the route's access let in; empty: nobody was asked for
  std::vector<HttpField> fields{};
  std::int64_t content_length = 0;  // -1: unknown
  bool is_web_socket = false;       // a checked upgrade to WebSocket 13
};

// Why there is no answer, or no whole one.
struct HttpFailure {
  int status = 502;       // 404, 413, 502, 503, 504
  std::string detail{};   // a sentence
  int retry_after_s = 0;  // with 503; 0: no such field
};

enum class HttpMessageKind : std::uint8_t { Text = 1, Binary = 2 };

// What comes of a request, in this order: onWindow at any time; onHead, onBody…, onEnd; or onFailed at any point, as
// the last. After onHead(101): onMessage…, then onClose. Never from inside of a call to the exchange; from inside of an
// event the exchange may be called, and ended.
class HttpEvents {
 public:
  virtual ~HttpEvents() = default;
  // So many bytes more of the body, or of messages, may be sent. Before the first one: none.
  virtual void onWindow(std::size_t bytes) = 0;
  // content_length -1: unknown. 101: it takes the WebSocket up; the subprotocol is among the fields.
  virtual void onHead(int status, std::vector<HttpField> fields, std::int64_t content_length) = 0;
  virtual void onBody(std::string_view bytes) = 0;
  virtual void onMessage(HttpMessageKind kind, std::string_view message) = 0;
  virtual void onClose(std::uint16_t code, std::string_view reason) = 0;
  virtual void onEnd() = 0;
  virtual void onFailed(const HttpFailure& failure) = 0;
};

// What a message takes of a window, of either side, beside its bytes: empty ones are not free.
inline constexpr std::size_t kHttpMessageCost = 16;

// One request under way. Its end before onEnd, onClose or onFailed means that the client is gone.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  // Within the window that was given; more is a fault of the caller.
  virtual void sendBody(std::string_view bytes) = 0;
  // Once, also where there is no body; not of a WebSocket.
  virtual void endBody() = 0;
  // So many bytes that onBody or onMessage gave have left: the plugin may send as many again.
  virtual void consumed(std::size_t bytes) = 0;
  // While the window is above zero; a message goes as a whole, and may take the window below it. So does the plugin's.
  virtual void sendMessage(HttpMessageKind kind, std::string_view message) = 0;
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
};

class InstanceHttp {
 public:
  virtual ~InstanceHttp() = default;
  // Never fails at once: what is wrong comes by onFailed, in a later turn of the loop. While the instance is swapped or
  // started the request waits, bounded in number and time. `events` outlives the exchange.
  virtual std::unique_ptr<HttpExchange> open(HttpAsked asked, HttpEvents& events) = 0;
};

}  // namespace longhaul::host::services
