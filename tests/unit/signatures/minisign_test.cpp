#include "host/signatures/minisign.h"

#include <catch2/catch.hpp>

#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::signatures;

namespace {

std::string fixture(const std::string& name) {
  return test::readText(LONGHAUL_SIGNATURES "/" + name);
}

PublicKey key(const std::string& name) {
  const auto parsed = parsePublicKey(fixture(name));
  REQUIRE(parsed.has_value());
  return *parsed;
}

Signature signature(const std::string& text) {
  const auto parsed = parseSignature(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

// The text with one character of the line's base64 changed for another.
std::string flipped(std::string text, std::size_t line, std::size_t column) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < line; ++i)
    at = text.find('\n', at) + 1;
  char& c = text.at(at + column);
  c = c == 'A' ? 'B' : 'A';
  return text;
}

std::string faultOf(const std::string& text) {
  const auto parsed = parseSignature(text);
  return parsed ? "parsed" : parsed.error().message;
}

}  // namespace

TEST_CASE("what minisign signed is verified, in both of its formats") {
  const std::string message = fixture("message.txt");
  const auto prehashed = signature(fixture("message.txt.minisig"));
  CHECK(prehashed.prehashed);
  CHECK(toText(prehashed.key_id) == "022E1C889FBC75D7");
  CHECK(prehashed.trusted_comment == "syslog 1.4.0, built 2026-11-24");
  CHECK(verify(prehashed, message, key("first.pub")).has_value());

  const auto legacy = signature(fixture("legacy.minisig"));
  CHECK_FALSE(legacy.prehashed);
  CHECK(legacy.trusted_comment == "in the legacy format");
  CHECK(verify(legacy, message, key("first.pub")).has_value());

  const auto other = signature(fixture("by_second.minisig"));
  CHECK(verify(other, message, key("second.pub")).has_value());
}

TEST_CASE("a comment may be of any bytes and is covered by the second signature") {
  const auto hostile = signature(fixture("hostile.minisig"));
  CHECK(hostile.trusted_comment == "red \x1b[31m and \xff");
  CHECK(verify(hostile, fixture("message.txt"), key("first.pub")).has_value());
}

TEST_CASE("other bytes, another comment, another key: each is told") {
  const std::string message = fixture("message.txt");
  const std::string text = fixture("message.txt.minisig");
  for (const auto* name : {"message.txt.minisig", "legacy.minisig"}) {
    for (const std::string& changed : {message + " ", message.substr(1), std::string{}}) {
      const auto verdict = verify(signature(fixture(name)), changed, key("first.pub"));
      REQUIRE_FALSE(verdict.has_value());
      CHECK_THAT(verdict.error().message, Catch::Contains("not key 022E1C889FBC75D7's signature of these bytes"));
    }
  }
  const auto comment = verify(signature(replaced(text, "1.4.0", "1.5.0")), message, key("first.pub"));
  REQUIRE_FALSE(comment.has_value());
  CHECK_THAT(comment.error().message, Catch::Contains("its trusted comment is not what key 022E1C889FBC75D7 signed"));
  const auto global = verify(signature(flipped(text, 3, 20)), message, key("first.pub"));
  REQUIRE_FALSE(global.has_value());
  CHECK_THAT(global.error().message, Catch::Contains("its trusted comment"));
  const auto first = verify(signature(flipped(text, 1, 60)), message, key("first.pub"));
  REQUIRE_FALSE(first.has_value());
  CHECK_THAT(first.error().message, Catch::Contains("signature of these bytes"));
  // The untrusted comment is nobody's.
  CHECK(verify(signature(replaced(text, "secret key", "other key")), message, key("first.pub")).has_value());

  const auto stranger = verify(signature(text), message, key("second.pub"));
  REQUIRE_FALSE(stranger.has_value());
  CHECK_THAT(stranger.error().message,
             Catch::Contains("by key 022E1C889FBC75D7, wanted " + toText(key("second.pub").id)));
  // Another key under the same id.
  PublicKey impostor = key("second.pub");
  impostor.id = key("first.pub").id;
  CHECK_FALSE(verify(signature(text), message, impostor).has_value());
  // A prehashed signature is none of the bytes themselves, and the reverse.
  Signature turned = signature(text);
  turned.prehashed = false;
  CHECK_FALSE(verify(turned, message, key("first.pub")).has_value());
}

TEST_CASE("a key is the file or its line, and nothing else") {
  const std::string file = fixture("first.pub");
  const std::string line = file.substr(file.find('\n') + 1);
  for (const std::string& text : {file, line, line.substr(0, line.size() - 1), replaced(file, "\n", "\r\n")}) {
    const auto parsed = parsePublicKey(text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->bytes == key("first.pub").bytes);
  }
  for (const std::string& text :
       {std::string{}, std::string{"RW"}, line + line, "x" + line, line.substr(0, 40), fixture("message.txt.minisig"),
        replaced(line, "RW", "RU"), " " + line, std::string(10'000, 'A')}) {
    const auto parsed = parsePublicKey(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK_THAT(parsed.error().message, Catch::Contains("no public key of minisign"));
  }
}

TEST_CASE("a signature's text that is cut, grown or bent anywhere is told by its line") {
  const std::string text = fixture("message.txt.minisig");
  for (std::size_t size = 0; size < text.size() - 1; ++size) {
    INFO(size);
    CHECK(faultOf(text.substr(0, size)) != "parsed");
  }
  CHECK(faultOf(text.substr(0, text.size() - 1)) == "parsed");  // without the last line feed
  CHECK(faultOf(replaced(replaced(text, "key\n", "key\r\n"), "24\n", "24\r\n")) == "parsed");
  CHECK_THAT(faultOf(text + "more\n"), Catch::Contains("it has 5 lines, wanted the four of minisign"));
  CHECK_THAT(faultOf(""), Catch::Contains("it has 0 lines"));
  CHECK_THAT(faultOf("untrusted" + text), Catch::Contains("first line"));
  CHECK_THAT(faultOf(replaced(text, "RU", "R!")), Catch::Contains("second line"));
  CHECK_THAT(faultOf(replaced(text, "RU", "QU")), Catch::Contains("its algorithm is"));
  CHECK_THAT(faultOf(replaced(text, "\ntrusted comment: ", "\ntrusted: ")), Catch::Contains("third line"));
  CHECK_THAT(faultOf(replaced(text, "==\n", "==AA\n")), Catch::Contains("fourth line"));
}
