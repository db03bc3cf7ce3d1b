#include "host/http/body_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "host/http/route_limits.h"

namespace longhaul::host::http {
namespace {

// Without its quotes: visible characters and blanks, none of which ends or escapes it.
bool isQuoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' &&
         text.substr(1, text.size() - 2).find_first_of("\"\\") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

// ";name", ";name=word" and ";name="text"", each any number of times (RFC 9112, 7.1.1, without its blanks).
bool areExtensions(std::string_view text) {
  while (!text.empty()) {
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    const std::string_view each = text.substr(0, text.find(';'));  // a ";" within quotes is refused as well
    const auto equals = each.find('=');
    if (!isToken(each.substr(0, equals))) return false;
    if (equals != std::string_view::npos && !isToken(each.substr(equals + 1)) && !isQuoted(each.substr(equals + 1))) {
      return false;
    }
    text.remove_prefix(each.size());
  }
  return true;
}

// A field that may stand in a trailer: nothing there changes what the message is, or where it ends (RFC 9110, 6.5.1).
bool isTrailerField(std::string_view line) {
  constexpr std::array<std::string_view, 9> kNever{"content-length",   "transfer-encoding", "host", "connection",
                                                   "proxy-connection", "upgrade",           "te",   "trailer",
                                                   "content-encoding"};
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !isToken(line.substr(0, colon))) return false;
  const std::string_view name = line.substr(0, colon);
  return std::none_of(kNever.begin(), kNever.end(), [&](std::string_view never) {
    return std::equal(name.begin(), name.end(), never.begin(), never.end(), [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
  });
}

}  // namespace

BodyReader BodyReader::ofLength(std::uint64_t bytes) {
  BodyReader reader{bytes == 0 ? Part::Done : Part::Data};
  reader.left_ = bytes;
  return reader;
}

BodyReader BodyReader::ofChunks(std::uint64_t bytes_max) {
  BodyReader reader{Part::Size};
  reader.chunked_ = true;
  reader.allowance_ = bytes_max;
  return reader;
}

BodyReader::Step BodyReader::fail(int status, std::string detail) {
  part_ = Part::Failed;
  refusal_ = {status, std::move(detail)};
  return {.state = State::Failed};
}

BodyReader::Step BodyReader::readData(std::string_view input, std::size_t room) {
  if (input.empty()) return {};
  if (room == 0) return {.state = State::NeedRoom};
  const std::size_t count = std::min<std::uint64_t>({input.size(), room, left_});
  left_ -= count;
  if (left_ == 0) part_ = chunked_ ? Part::DataEnd : Part::Done;
  return {.state = State::Piece, .taken = count, .piece = input.substr(0, count)};
}

// The line without its CR LF. What its extensions say is of no interest here.
BodyReader::Step BodyReader::readSize(std::string_view line, std::size_t taken) {
  std::uint64_t size = 0;
  const std::string_view digits = line.substr(0, line.find(';'));
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  const bool whole = !digits.empty() && digits.front() != '-' && digits.front() != '+' &&
                     end == digits.data() + digits.size() && error == std::errc{};
  if (!whole || digits.size() > 16) return fail(400, "a chunk's line does not begin with its size in hexadecimal");
  if (!areExtensions(line.substr(digits.size()))) return fail(400, "what follows a chunk's size is no extension");
  if (size > allowance_) return fail(413, "the chunks together are more than is taken");
  allowance_ -= size;
  left_ = size;
  part_ = size == 0 ? Part::Trailer : Part::Data;
  return {.taken = taken};
}

BodyReader::Step BodyReader::read(std::string_view input, std::size_t room) {
  Step step;
  while (true) {
    const std::string_view rest = input.substr(step.taken);
    if (part_ == Part::Done) return {.state = State::Done, .taken = step.taken};
    if (part_ == Part::Failed) return {.state = State::Failed};
    if (part_ == Part::Data) {
      Step piece = readData(rest, room);
      piece.taken += step.taken;
      return piece;
    }
    if (part_ == Part::DataEnd) {
      if (!std::string_view("\r\n").starts_with(rest.substr(0, 2))) return fail(400, "a chunk is longer than its size");
      if (rest.size() < 2) return step;
      step.taken += 2;
      part_ = Part::Size;
      continue;
    }
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end == std::string_view::npos ? end : end + 1);
    if (!hasCleanLines(line)) return fail(400, "a chunk's line or the trailer does not end with CR LF");
    const std::size_t most = part_ == Part::Size ? kChunkLineBytesMax : kTrailerBytesMax - trailer_bytes_;
    if (line.size() > most) return fail(431, fmt::format("a chunk's line or the trailer is over {} bytes", most));
    if (end == std::string_view::npos) return step;
    const std::string_view text = line.substr(0, line.size() - 2);
    if (part_ == Part::Size) {
      const Step size = readSize(text, line.size());
      if (size.state == State::Failed) return size;
    } else if (text.empty()) {
      part_ = Part::Done;
    } else {
      if (!isTrailerField(text)) return fail(400, "the trailer has a line that is no field of a trailer");
      trailer_bytes_ += line.size();
    }
    step.taken += line.size();
  }
}

}  // namespace longhaul::host::http
