// The daemon's API (docs/API.md) as calls that give JSON: targets, problem documents, waits. Blocking; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "host/base/json.h"
#include "host/base/limits.h"
#include "host/cli/http_client.h"

namespace longhaul::host::cli {

// "/api/v1" + path, with a query of encoded pairs.
class Target {
 public:
  explicit Target(std::string_view path) : text_("/api/v1") { text_ += path; }
  // One more step of the path, encoded.
  Target& step(std::string_view name);
  Target& literal(std::string_view path);  // "/logs"
  Target& query(std::string_view key, std::string_view value);
  Target& query(std::string_view key, std::int64_t value) { return query(key, std::to_string(value)); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool has_query_ = false;
};

struct ApiAnswer {
  int status = 0;
  Json body;         // JSON, or null
  std::string text;  // as it came
  bool ok() const { return status < 400; }
};

// The error of a problem document: its sentence, and its hint as a second line.
Error problemOf(const ApiAnswer& answer);
// The code that the answer names, else the one that fits its status.
Code codeOf(const ApiAnswer& answer);
// Of an answer that came through an exchange.
Result<ApiAnswer> decode(HttpAnswer answer);

class Api {
 public:
  explicit Api(DaemonAddress address) : address_(std::move(address)) {}
  const DaemonAddress& address() const { return address_; }

  // Any status; an Error only when there was no answer.
  Result<ApiAnswer> call(const HttpRequest& request, std::chrono::milliseconds timeout = kAnswerTimeout) const;
  // The body of a success.
  Result<Json> get(const Target& target) const;
  Result<Json> send(std::string_view method, const Target& target, const Json& body) const;

  Result<HttpExchange> start(const HttpRequest& request, std::chrono::milliseconds timeout) const;

 private:
  DaemonAddress address_;
};

// Members of answers, where a daemon of another version may leave them out: then empty, 0 or false.
std::string textAt(const Json& value, std::string_view key);
std::int64_t numberAt(const Json& value, std::string_view key);
bool flagAt(const Json& value, std::string_view key);
// Null when it is not there.
const Json& memberAt(const Json& value, std::string_view key);
// A time's text as microseconds; 0: not there.
std::int64_t timeAt(const Json& value, std::string_view key);

}  // namespace longhaul::host::cli
