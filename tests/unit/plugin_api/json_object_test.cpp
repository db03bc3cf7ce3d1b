#include "longhaul/sdk/detail/json_object.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <tuple>

using namespace longhaul::detail;

TEST_CASE("an object is split into decoded keys and untouched values", "[json]") {
  std::vector<JsonMember> members;
  REQUIRE(splitJsonObject(" { \"a\" : 1.50 , \"\\u00e4\\n\\ud83d\\ude00\":{\"x\": [1, 2]},\"\":\"\\\"\" } ", members));
  REQUIRE(members.size() == 3);
  CHECK(members[0].key == "a");
  CHECK(members[0].value == "1.50");
  CHECK(members[1].key == "\xC3\xA4\n\xF0\x9F\x98\x80");
  CHECK(members[1].value == "{\"x\": [1, 2]}");
  CHECK(members[2].key.empty());
  CHECK(members[2].value == "\"\\\"\"");
  CHECK(joinJsonObject(members) == "{\"a\":1.50,\"\xC3\xA4\\n\xF0\x9F\x98\x80\":{\"x\": [1, 2]},\"\":\"\\\"\"}");
}

TEST_CASE("an empty object, an empty array and their joins", "[json]") {
  std::vector<JsonMember> members;
  std::vector<std::string_view> elements;
  CHECK(splitJsonObject("{ }", members));
  CHECK(members.empty());
  CHECK(splitJsonArray(" [ ] ", elements));
  CHECK(elements.empty());
  CHECK(joinJsonObject(std::map<std::string, std::string>()) == "{}");
}

TEST_CASE("an array is split into its elements", "[json]") {
  std::vector<std::string_view> elements;
  REQUIRE(splitJsonArray("[1, \"a,]\" ,{\"b\":[]}, null]", elements));
  CHECK(elements == std::vector<std::string_view>{"1", "\"a,]\"", "{\"b\":[]}", "null"});
}

TEST_CASE("what is JSON is taken", "[json]") {
  const auto text = GENERATE(as<std::string>(), "0", "-0", "-12.5e+3", "1E9", "0.1", "true", "false", "null", "\"\"",
                             "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\"", "[[],{},[{}]]", "\"\xF4\x8F\xBF\xBF\"",
                             "\"\x7F\"", " \t\r\n1 ");
  INFO(text);
  CHECK(checkJson(text));
}

TEST_CASE("what is not JSON is refused with its place", "[json]") {
  const auto [text, offset] = GENERATE(table<std::string, std::size_t>({
      {"", 0},
      {"tru", 0},
      {"True", 0},
      {"01", 1},
      {"-", 1},
      {"1.", 2},
      {".5", 0},
      {"+1", 0},
      {"1e", 2},
      {"NaN", 0},
      {"[1,]", 3},
      {"[1 2]", 3},
      {"[", 1},
      {"]", 0},
      {"{\"a\":1,}", 7},
      {"{\"a\" 1}", 5},
      {"{a:1}", 1},
      {"{\"a\":1]", 6},
      {"[1}", 2},
      {"\"abc", 4},
      {"\"a\nb\"", 2},
      {"\"\\x\"", 2},
      {"\"\\u12g4\"", 5},
      {"\"\\ud800\"", 7},
      {"\"\\udc00\"", 7},
      {"\"\\ud800\\u0041\"", 13},
      {"\"\xC0\x80\"", 1},
      {"\"\xED\xA0\x80\"", 1},
      {"\"\xF5\x80\x80\x80\"", 1},
      {"\"\xE2\x82\"", 1},
      {"\"\xFF\"", 1},
      {"1 1", 2},
      {"{} x", 3},
      {std::string("\0", 1), 0},
      {"/* */ 1", 0},
  }));
  INFO(text);
  JsonFault fault;
  CHECK_FALSE(checkJson(text, &fault));
  CHECK(fault.offset == offset);
  CHECK(std::string(fault.what) != "");
}

TEST_CASE("64 levels are taken and 65 are not, alone and inside of a split", "[json]") {
  const auto nested = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK(checkJson(nested(64)));
  CHECK_FALSE(checkJson(nested(65)));
  CHECK_FALSE(checkJson(std::string(1'000'000, '[')));
  std::vector<JsonMember> members;
  CHECK(splitJsonObject("{\"a\":" + nested(63) + "}", members));
  CHECK_FALSE(splitJsonObject("{\"a\":" + nested(64) + "}", members));
  std::vector<std::string_view> elements;
  CHECK(splitJsonArray("[" + nested(63) + "]", elements));
  CHECK_FALSE(splitJsonArray("[" + nested(64) + "]", elements));
}

TEST_CASE("objects and arrays are told apart at each of the 64 levels", "[json]") {
  std::string text;
  for (int i = 0; i < 32; ++i)
    text += "{\"a\":[";
  for (int i = 0; i < 32; ++i)
    text += "]}";
  CHECK(checkJson(text));
  text.replace(text.size() - 2, 1, "}");
  CHECK_FALSE(checkJson(text));
}

TEST_CASE("every cut of a document is refused", "[json]") {
  const std::string whole = "{\"a\":[1,{\"b\":\"\\u00e4\\ud83d\\ude00 \xC3\xA4\"}],\"c\":-1.5e3,\"d\":null}";
  std::vector<JsonMember> members;
  REQUIRE(splitJsonObject(whole, members));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK_FALSE(splitJsonObject(std::string_view(whole).substr(0, size), members));
  }
}

TEST_CASE("a string survives quoting and decoding", "[json]") {
  std::string text = "plain \"quoted\" back\\slash / tab\t nul ";
  text.push_back('\0');
  text += "\x1F\x7F \xC3\xA4 \xF0\x9F\x98\x80\r\n";
  std::string again;
  REQUIRE(decodeJsonString(quoteJson(text), again));
  CHECK(again == text);
}

TEST_CASE("bytes that are not UTF-8 are quoted as U+FFFD", "[json]") {
  CHECK(quoteJson("a\xFFz\xC3") == "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\"");
  CHECK(checkJson(quoteJson("\xED\xA0\x80\xC0\xAF")));
}

TEST_CASE("what is not one string is not decoded", "[json]") {
  std::string out = "before";
  CHECK_FALSE(decodeJsonString("12", out));
  CHECK(out.empty());
  CHECK_FALSE(decodeJsonString("\"a\" \"b\"", out));
  CHECK(out.empty());
}
