#include "host/http/request_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <utility>

#include "host/base/limits.h"

namespace longhaul::host::http {

namespace beast = boost::beast::http;

struct RequestReader::Parser {
  beast::request_parser<beast::string_body> parser;
};

RequestReader::RequestReader() = default;
RequestReader::~RequestReader() = default;

RequestReader::State RequestReader::read(std::string& input) {
  if (!refusal_.detail.empty()) return State::Failed;
  if (!input.empty()) inside_ = true;
  if (!parser_) {
    if (const State state = readHead(input); state != State::Complete) return state;
  }
  return readBody(input);
}

// Complete: the header is read, and the parser is fed with it.
RequestReader::State RequestReader::readHead(std::string& input) {
  const auto end = input.find("\r\n\r\n", searched_ < 3 ? 0 : searched_ - 3);
  if (end == std::string::npos || end + 4 > kHttpHeaderBytesMax) {
    searched_ = input.size();
    if (auto refusal = checkUnfinished(input)) return fail(std::move(*refusal));
    return State::NeedMore;
  }
  searched_ = 0;
  auto header = readHeader(std::string_view(input).substr(0, end + 4));
  if (auto* refusal = std::get_if<Refusal>(&header)) return fail(std::move(*refusal));
  header_ = std::move(std::get<Header>(header));
  continue_wanted_ = header_.expects_continue;

  parser_ = std::make_unique<Parser>();
  parser_->parser.header_limit(kHttpHeaderBytesMax + 1);
  parser_->parser.body_limit(kRequestBodyBytesMax);
  parser_->parser.eager(true);
  boost::system::error_code error;
  const std::size_t taken = parser_->parser.put(boost::asio::const_buffer(input.data(), end + 4), error);
  if (error == beast::error::need_more) error = {};
  if (error || taken != end + 4) return fail({400, "the header cannot be read: " + error.message()});
  input.erase(0, taken);
  return State::Complete;
}

RequestReader::State RequestReader::readBody(std::string& input) {
  auto& parser = parser_->parser;
  while (!parser.is_done() && !input.empty()) {
    boost::system::error_code error;
    const std::size_t taken = parser.put(boost::asio::const_buffer(input.data(), input.size()), error);
    input.erase(0, taken);
    if (error == beast::error::body_limit) {
      return fail({413, "the body is over " + std::to_string(kRequestBodyBytesMax) + " bytes"});
    }
    if (error && error != beast::error::need_more) return fail({400, "the body cannot be read: " + error.message()});
    if (taken == 0) {
      // The line of a chunk or a trailer that is not whole yet: these have the rules and the bound of a header.
      if (!hasCleanLines(input)) return fail({400, "a chunk's line or the trailer does not end with CR LF"});
      if (input.size() > kHttpHeaderBytesMax) return fail({431, "a chunk's line or the trailer is too long"});
      break;
    }
  }
  if (!parser.is_done()) return State::NeedMore;
  request_ = {.method = std::move(header_.method),
              .target = std::move(header_.target),
              .body = std::move(parser.get().body()),
              .keep_alive = header_.keep_alive,
              .last_event_id = std::move(header_.last_event_id),
              .authorization = std::move(header_.authorization),
              .if_match = std::move(header_.if_match),
              .if_none_match = std::move(header_.if_none_match),
              .accept_encoding = std::move(header_.accept_encoding)};
  parser_.reset();
  inside_ = continue_wanted_ = false;
  return State::Complete;
}

RequestReader::State RequestReader::fail(Refusal refusal) {
  refusal_ = std::move(refusal);
  return State::Failed;
}

bool RequestReader::takeContinue() {
  return std::exchange(continue_wanted_, false);
}

Request RequestReader::take() {
  return std::exchange(request_, {});
}

}  // namespace longhaul::host::http
