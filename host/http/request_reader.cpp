#include "host/http/request_reader.h"

#include <utility>

#include "host/base/limits.h"

namespace longhaul::host::http {

RequestReader::State RequestReader::read(std::string& input) {
  if (!refusal_.detail.empty()) return State::Failed;
  if (!input.empty()) inside_ = true;
  if (!body_) {
    if (const State state = readHead(input); state != State::Complete) return state;
  }
  return readBody(input);
}

// Complete: the header is read.
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
  input.erase(0, end + 4);
  if (isRouted(header_.target)) {
    inside_ = false;
    return State::Routed;
  }
  continue_wanted_ = header_.expects_continue;
  body_ = header_.chunked ? BodyReader::ofChunks(kRequestBodyBytesMax) : BodyReader::ofLength(header_.content_length);
  return State::Complete;
}

RequestReader::State RequestReader::readBody(std::string& input) {
  std::size_t taken = 0;
  while (true) {
    const BodyReader::Step step = body_->read(std::string_view(input).substr(taken), kRequestBodyBytesMax);
    if (step.state == BodyReader::State::Failed) return fail(body_->refusal());
    request_.body += step.piece;
    taken += step.taken;
    if (step.state != BodyReader::State::Piece) break;
  }
  input.erase(0, taken);
  if (!body_->isDone()) return State::NeedMore;
  request_.method = std::move(header_.method);
  request_.target = std::move(header_.target);
  request_.keep_alive = header_.keep_alive;
  request_.last_event_id = std::move(header_.last_event_id);
  request_.authorization = std::move(header_.authorization);
  request_.if_match = std::move(header_.if_match);
  request_.if_none_match = std::move(header_.if_none_match);
  request_.accept_encoding = std::move(header_.accept_encoding);
  request_.host = std::move(header_.host);
  for (services::HttpField& field : header_.fields) {
    if (field.name == "origin") request_.origin = std::move(field.value);
    if (field.name == "cookie") request_.cookie += (request_.cookie.empty() ? "" : "; ") + field.value;
  }
  body_.reset();
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

Header RequestReader::takeHeader() {
  return std::exchange(header_, {});
}

}  // namespace longhaul::host::http
