#include "conditions.h"

#include <zlib.h>

#include <catch2/catch.hpp>
#include <tuple>

using namespace edl_plugin;

namespace {

constexpr std::int64_t kTime = 784'111'777;  // RFC 9110's example

std::string unzipped(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("dates in the three forms of HTTP") {
  CHECK(httpDate(kTime) == "Sun, 06 Nov 1994 08:49:37 GMT");
  const auto text =
      GENERATE("Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994");
  CHECK(readHttpDate(text) == kTime);
  const auto wrong = GENERATE("", "yesterday", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT",
                              "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT");
  CHECK_FALSE(readHttpDate(wrong));
}

TEST_CASE("entity tags come before dates") {
  const auto [tags, date, unchanged] = GENERATE(table<const char*, const char*, bool>({
      {"\"a\"", nullptr, true},
      {"W/\"a\"", nullptr, true},
      {"\"x\", \"a\"", nullptr, true},
      {"*", nullptr, true},
      {"\"b\"", nullptr, false},
      {"a", nullptr, false},
      {"", nullptr, false},
      {"\"b\"", "Sun, 06 Nov 1994 08:49:37 GMT", false},
      {nullptr, "Sun, 06 Nov 1994 08:49:37 GMT", true},
      {nullptr, "Sun, 06 Nov 1994 08:49:36 GMT", false},
      {nullptr, "soon", false},
      {nullptr, nullptr, false},
  }));
  Conditions conditions;
  if (tags != nullptr) conditions.if_none_match = tags;
  if (date != nullptr) conditions.if_modified_since = date;
  CHECK(isUnchanged(conditions, "\"a\"", kTime) == unchanged);
}

TEST_CASE("who takes gzip") {
  const auto [field, takes] = GENERATE(table<const char*, bool>({{"gzip", true},
                                                                 {"deflate, GZIP;q=0.5", true},
                                                                 {"gzip;q=0", false},
                                                                 {"gzip;q=0.0", false},
                                                                 {"", false},
                                                                 {"identity", false},
                                                                 {"*", true},
                                                                 {"*;q=0", false},
                                                                 {"br, x-gzip", true},
                                                                 {"gzip;q=0, *", false}}));
  CHECK(takesGzip(field) == takes);
}

TEST_CASE("gzip gives back what went in, and the same for the same") {
  const std::string text(100'000, 'x');
  CHECK(unzipped(gzipped(text)) == text);
  CHECK(gzipped(text) == gzipped(text));
  CHECK(gzipped(text).size() < 1000);
  CHECK(unzipped(gzipped("")) == "");
}

TEST_CASE("a digest is SHA-256") {
  CHECK(digestOf("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
