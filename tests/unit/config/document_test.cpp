#include "host/config/document.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/config/fixture.h"

using namespace longhaul::host;
using namespace longhaul::host::config;
using longhaul::host::test::textOf;

namespace {

Json valueOf(std::string_view yaml) {
  const Document document = Document::parse(yaml, "a.yaml");
  INFO(textOf(document.problems()));
  REQUIRE(document.problems().empty());
  return document.value();
}

std::string problemOf(std::string_view yaml, const char* file = "a.yaml") {
  const Document document = Document::parse(yaml, file);
  REQUIRE(document.problems().size() == 1);
  CHECK(document.value().is_null());
  CHECK(isUtf8(document.problems()[0].message));
  return toText(document.problems()[0]);
}

std::string repeated(std::string_view what, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i)
    text += what;
  return text;
}

}  // namespace

TEST_CASE("a plain scalar means what YAML 1.2's core schema says") {
  const auto [yaml, json] = GENERATE(table<std::string, std::string>({
      // The words of YAML 1.1 are texts.
      {"no", R"("no")"},
      {"yes", R"("yes")"},
      {"on", R"("on")"},
      {"off", R"("off")"},
      {"y", R"("y")"},
      {"NO", R"("NO")"},
      {"true", "true"},
      {"True", "true"},
      {"FALSE", "false"},
      {"tRUE", R"("tRUE")"},
      {"~", "null"},
      {"null", "null"},
      {"NULL", "null"},
      {"nULL", R"("nULL")"},
      {"0", "0"},
      {"-0", "0"},
      {"+12", "12"},
      {"-17", "-17"},
      {"18446744073709551615", "18446744073709551615"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"0x1F", "31"},
      {"0o17", "15"},
      {"0b11", R"("0b11")"},
      {"-0x10", R"("-0x10")"},
      {"1_000", R"("1_000")"},
      {"1.5", "1.5"},
      {".5", "0.5"},
      {"1.", "1.0"},
      {"-1e3", "-1000.0"},
      {"1e", R"("1e")"},
      {".", R"(".")"},
      {"1.2.3", R"("1.2.3")"},
      // No sexagesimal numbers, no dates.
      {"12:30:45", R"("12:30:45")"},
      {"22:22", R"("22:22")"},
      {"2026-11-24", R"("2026-11-24")"},
      {"127.0.0.1:5514", R"("127.0.0.1:5514")"},
      {"30s", R"("30s")"},
      {"${env:TOKEN}", R"("${env:TOKEN}")"},
      {"a b  c", R"("a b  c")"},
      {"'5514'", R"("5514")"},
      {"\"true\"", R"("true")"},
      {"\"\\u00e9\\n\"", R"("é\n")"},
      {"'it''s'", R"("it's")"},
      {"!!str 5", R"("5")"},
      {"!!int 5", "5"},
      {"!!float 5", "5"},
      {"!!null ~", "null"},
      {"! 5", R"("5")"},
      {"|\n   two\n   lines\n", R"("two\nlines\n")"},
      {">-\n   two\n   words\n", R"("two words")"},
  }));
  CAPTURE(yaml);
  CHECK(dumpJson(valueOf("a: " + yaml).at("a")) == json);
}

TEST_CASE("keys are texts, whatever they look like") {
  CHECK(valueOf("5: a\ntrue: b\nno: c\n") == Json{{"5", "a"}, {"true", "b"}, {"no", "c"}});
  CHECK(valueOf("\"a: b\": 1\n") == Json{{"a: b", 1}});
  CHECK(valueOf("? a\n: 1\n") == Json{{"a", 1}});
}

TEST_CASE("an alias is the value of its anchor once more") {
  CHECK(valueOf("a: &x {p: 1}\nb: *x\nc: [*x, *x]\n") ==
        Json{{"a", {{"p", 1}}}, {"b", {{"p", 1}}}, {"c", {{{"p", 1}}, {{"p", 1}}}}});
  CHECK(valueOf("a: &x 1\nb: &x 2\nc: *x\n").at("c") == 2);
}

TEST_CASE("a file without a value, with a BOM, a directive or comments is read") {
  CHECK(valueOf("").is_null());
  CHECK(valueOf("# only words\n").is_null());
  CHECK(valueOf("---\n...\n").is_null());
  CHECK(valueOf("\xef\xbb\xbf"
                "a: 1\n") == Json{{"a", 1}});
  CHECK(valueOf("%YAML 1.2\n---\na: 1 # one\n") == Json{{"a", 1}});
  CHECK(valueOf("a: 1\r\nb: 2\r\n") == Json{{"a", 1}, {"b", 2}});
}

TEST_CASE("JSON is read as JSON, with the place of every value") {
  const Document document = Document::parse("{\"a\": [1, 2.5,\n\t{\"b\": \"\\ud83d\\ude00\"}]}", "a.json");
  INFO(textOf(document.problems()));
  REQUIRE(document.problems().empty());
  CHECK(document.value() == Json{{"a", {1, 2.5, {{"b", "😀"}}}}});
  CHECK(document.placeOf("/a") == Place{1, 7});
  CHECK(document.placeOfKey("/a") == Place{1, 2});
  CHECK(document.placeOf("/a/1") == Place{1, 11});
  CHECK(document.placeOf("/a/2/b") == Place{2, 8});
  CHECK(document.placeOfKey("/a/2/b") == Place{2, 3});
}

TEST_CASE("brackets in a file of YAML may be YAML's") {
  CHECK(valueOf("[a, 'b', yes]") == Json{"a", "b", "yes"});
  CHECK(valueOf("{a: 1, b: {c: d}}") == Json{{"a", 1}, {"b", {{"c", "d"}}}});
  CHECK(valueOf("{\"a\": \"\\ud83d\\ude00\"}") == Json{{"a", "😀"}});
}

TEST_CASE("each value knows its place, and what lies within an alias has the alias'") {
  const Document document = Document::parse("a: &x\n  - p: 1\n    \"q\": two\nb: *x\nc:\n", "a.yaml");
  CHECK(document.placeOf("") == Place{1, 1});
  CHECK(document.placeOf("/a/0/p") == Place{2, 8});
  CHECK(document.placeOfKey("/a/0/p") == Place{2, 5});
  CHECK(document.placeOf("/a/0/q") == Place{3, 10});
  CHECK(document.placeOf("/b") == Place{4, 4});
  CHECK(document.placeOf("/b/0/q") == Place{4, 4});
  CHECK(document.placeOfKey("/b") == Place{4, 1});
  CHECK(document.placeOf("/c").line >= 5);
  // What is not there has the place of what is around it.
  CHECK(document.placeOf("/a/0/none/x") == document.placeOf("/a/0"));
  CHECK(toText(document.problemAt("/a/0/p", "wrong")) == "a.yaml:2:8: wrong");
  CHECK(toText(document.problemAtKey("/a/0/p", "wrong")) == "a.yaml:2:5: wrong");
}

TEST_CASE("a fault is one sentence with its line and column") {
  const auto [yaml, text] = GENERATE(table<std::string, std::string>({
      {"a: 007",
       "a.yaml:1:4: 007 could be a text, a decimal or an octal number; wanted one meaning: write \"007\" for "
       "the text, or the number without leading zeros"},
      {"a: 1\nb: -01\n", "a.yaml:2:4: -01 could be a text"},
      {"a: 18446744073709551616", "a.yaml:1:4: the number 18446744073709551616 does not fit 64 bits"},
      {"a: -9223372036854775809", "a.yaml:1:4: the number -9223372036854775809 does not fit 64 bits"},
      {"a: 0x10000000000000000", "a.yaml:1:4: the number 0x10000000000000000 does not fit 64 bits"},
      {"a: 1e400", "a.yaml:1:4: the number 1e400 does not fit"},
      {"a: .inf", "a.yaml:1:4: .inf is no number that can be used here"},
      {"a: -.INF", "a.yaml:1:4: -.INF is no number"},
      {"a: .NaN", "a.yaml:1:4: .NaN is no number"},
      {"a: 1\nb: 2\na: 3\n", "a.yaml:3:1: the key \"a\" stands twice, first in line 1; keep one of them"},
      {"a: {b: 1, \"b\": 2}", "a.yaml:1:11: the key \"b\" stands twice, first in line 1"},
      {"x: &x {a: 1}\ny:\n  <<: *x\n", "a.yaml:3:3: merge keys (<<) are not in YAML 1.2"},
      {"a: &x [*x]", "a.yaml:1:8: the alias stands inside of what it names"},
      {"a: *nobody", "a.yaml:1:4: the alias names an anchor that is not there"},
      {"a: !secret 5", "a.yaml:1:4: the tag !secret has no meaning here; take it out"},
      {"a: !!binary aGk=", "a.yaml:1:4: the tag tag:yaml.org,2002:binary has no meaning here"},
      {"a: !!int yes", "a.yaml:1:4: \"yes\" does not fit its tag !!int"},
      {"a: !!map [1]", "a.yaml:1:4: the tag tag:yaml.org,2002:map has no meaning here"},
      {"a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document begins here"},
      {"a: 1\nb\n", "a.yaml:2:1: found \"b\", wanted a key with its value: the \": \" is missing"},
      {"a: 1\nb:2\n", "a.yaml:2:1: found \"b:2\", wanted a key with its value"},
      {"a: b: c", "a.yaml:1:5: a \": \" stands where no value can be"},
      {"a:\n\tb: 1\n", "a.yaml:2:1: a tab stands in the indentation; use spaces"},
      {"a: \"open\nb: 1\n", "a.yaml:1:4: the quote \" is opened here and never closed"},
      {"a: 'open\nb: 1\n", "a.yaml:1:4: the quote ' is opened here and never closed"},
      {"a: [1, 2\n", "a.yaml:1:4: the [ is opened here and never closed"},
      {"a: {b: 1\n", "a.yaml:1:4: the { is opened here and never closed"},
      {"a: 1\n b: 2\n", "a.yaml:2:"},
      {"- a\nb: 1\n", "a.yaml:2:1: "},
      {"{a: 1}: b\n", "a.yaml:1:1: found a mapping as a key, wanted a text"},
      {"[a]: b\n", "a.yaml:1:1: found a list as a key, wanted a text"},
      {"a: {{ x }}\n", "a.yaml:1:5: found a mapping as a key"},
      {"a: @x\n", "a.yaml:1:4: "},
      {"a: \xff\n", "a.yaml:1:4: the byte 0xff is not UTF-8"},
      {"a: 1\nb: x\xc3\n", "a.yaml:2:5: the byte 0xc3 is not UTF-8"},
      {std::string("a: \0", 4), "a.yaml:1:4: the control character 0x00 cannot stand in a configuration"},
      {"a: x\x1b[0m", "a.yaml:1:5: the control character 0x1b"},
      {"\xff\xfe"
       "a",
       "a.yaml:1:1: the file is UTF-16; wanted UTF-8"},
  }));
  CAPTURE(yaml);
  CHECK_THAT(problemOf(yaml), Catch::Contains(text));
}

TEST_CASE("a fault in JSON has its place, and its sentence stays short UTF-8") {
  CHECK_THAT(problemOf("{\"a\": 1,\n \"a\": 2}", "a.json"), Catch::Contains("a.json:2:2: the key \"a\" stands twice"));
  CHECK_THAT(problemOf("{\"a\": 18446744073709551616}", "a.json"), Catch::Contains("does not fit 64 bits"));
  CHECK_THAT(problemOf("{\"a\": }", "a.json"), Catch::Contains("a.json:1:7: this is not JSON"));
  CHECK_THAT(problemOf("{\"a\": 1} x", "a.json"), Catch::Contains("a.json:1:10: this is not JSON"));
  CHECK_THAT(problemOf("{\"a\": NaN}", "a.json"), Catch::Contains("this is not JSON"));
  CHECK_THAT(problemOf("{\"a\": \"\\ud800\"}", "a.json"), Catch::Contains("this is not JSON"));
  CHECK_THAT(problemOf("a: 1", "a.json"), Catch::Contains("a.json:1:1: this is not JSON"));
  // The reader stops in the midst of a character.
  CHECK_THAT(problemOf("{\"a\": é}", "a.json"), Catch::Contains("this is not JSON"));
  CHECK(problemOf("{\"a\": \"" + std::string(100'000, 'x'), "a.json").size() < 400);
}

TEST_CASE("a long word is cut where a sentence shows it") {
  const std::string digits(100'000, '9');
  CHECK(problemOf("a: " + digits).size() < 300);
  CHECK(problemOf("a: 0" + digits).size() < 400);
  CHECK(problemOf("a: !" + std::string(50'000, 't') + " 1").size() < 300);
  const std::string key(1000, 'k');
  CHECK(problemOf(key + ": 1\n" + key + ": 2\n").size() < 300);
  CHECK(describe(std::string(59, 'x') + "éé") == "\"" + std::string(59, 'x') + "…\"");
}

TEST_CASE("nesting ends at the limit, in YAML of either style and in JSON") {
  const std::size_t most = kJsonDepthMax;
  CHECK(valueOf(repeated("[", most) + repeated("]", most)).is_array());
  CHECK_THAT(problemOf(repeated("[", most + 1) + repeated("]", most + 1)), Catch::Contains("nested deeper than 64"));
  CHECK_THAT(problemOf(repeated("[", most + 1) + repeated("]", most + 1), "a.json"), Catch::Contains("nested deeper"));
  CHECK_THAT(problemOf(repeated("- ", most + 1) + "x"), Catch::Contains("nested deeper than 64"));
  // No recursion that a long row could exhaust.
  CHECK_THAT(problemOf(repeated("[", 400'000)), Catch::Contains("never closed"));
  CHECK_THAT(problemOf(repeated("[", 400'000), "a.json"), Catch::Contains("nested deeper"));
  CHECK_THAT(problemOf(repeated("{a: ", 400'000)), Catch::Contains("never closed"));
  CHECK_THAT(problemOf(repeated("- ", 400'000)), Catch::Contains("nested deeper"));
  CHECK_THAT(problemOf(repeated("[", kConfigNodesMax + 1)), Catch::Contains("opening brackets"));
}

TEST_CASE("aliases count as often as they are used") {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 1; j < 10; ++j)
      yaml += ", " + before;
    yaml += "]\n";
  }
  CHECK_THAT(problemOf(yaml), Catch::Contains("more than 500000 values, aliases counted as often as they are used"));

  yaml = "a: &a " + std::string(1 << 20, 'x') + "\nb:\n" + repeated("- *a\n", 20);
  CHECK_THAT(problemOf(yaml), Catch::Contains("the texts of the file are more than 16777216 bytes"));

  // Each level of an alias counts for the depth.
  yaml = "a: &a " + repeated("[", 40) + repeated("]", 40) + "\nb: " + repeated("[", 30) + "*a" + repeated("]", 30);
  CHECK_THAT(problemOf(yaml), Catch::Contains("nested deeper"));
}

TEST_CASE("anchors inside of anchors do not multiply what is kept") {
  std::string yaml;
  for (int i = 0; i < 50; ++i)
    yaml += "&a" + std::to_string(i) + " [";
  for (int i = 0; i < 20'000; ++i)
    yaml += "x, ";
  CHECK_THAT(problemOf(yaml + repeated("]", 50)), Catch::Contains("anchors stand inside of anchors"));
}

TEST_CASE("a long key over many values is refused before its pointers fill the memory") {
  const std::string key = "\"" + std::string(100'000, 'k') + "\"";
  const std::string values = ": [" + repeated("1, ", 1000) + "1]\n";
  CHECK_THAT(problemOf("? " + key + "\n" + values), Catch::Contains("the keys around this are too long"));
  CHECK_THAT(problemOf("{" + key + values + "}", "a.json"), Catch::Contains("the keys around this are too long"));
}

TEST_CASE("a file over the limit, one that is not there and a folder are told by name") {
  CHECK_THAT(problemOf("# " + std::string(kConfigFileBytesMax, 'x')), Catch::Contains("wanted at most 4194304: split"));
  const test::TempFolder folder;
  const auto message = [](const std::filesystem::path& path) {
    const Document document = Document::read(path);
    REQUIRE(document.problems().size() == 1);
    return toText(document.problems()[0]);
  };
  CHECK_THAT(message(folder / "none.yaml"),
             Catch::Contains("none.yaml") && Catch::Contains("name a file that is there"));
  CHECK_THAT(message(folder.path()), Catch::Contains(folder.path().native()));
  test::writeText(folder / "good.yaml", "a: 1\n");
  CHECK(Document::read(folder / "good.yaml").value() == Json{{"a", 1}});
}

TEST_CASE("a problem is told as text, as JSON and in a list that ends") {
  const Problem whole{.file = "a.yaml", .place = {3, 4}, .pointer = "/x", .message = "wrong"};
  CHECK(toJson(whole) == Json{{"file", "a.yaml"}, {"line", 3}, {"column", 4}, {"pointer", "/x"}, {"message", "wrong"}});
  CHECK(toText(Problem{.pointer = "/x", .message = "wrong"}) == "/x: wrong");
  CHECK(toText(Problem{.message = "wrong"}) == "wrong");
  CHECK(toText(Problem{.file = "a.yaml", .message = "wrong"}) == "a.yaml: wrong");
  CHECK(toJson(Problem{.message = "wrong"}) == Json{{"message", "wrong"}});
  const Error error = toError(std::vector<Problem>(kConfigProblemsMax + 7, whole));
  CHECK(error.code == Code::Invalid);
  CHECK_THAT(error.message, Catch::EndsWith("\n… and 7 more"));
}
