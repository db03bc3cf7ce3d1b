// Bodies to documents.
#include "document.h"

#include <catch2/catch.hpp>

#include "requests.h"

using namespace webhook_plugin;

namespace {

std::string textOfBody(const Request& request) {
  const Document document = readDocument(request);
  REQUIRE_FALSE(document.refusal);
  return document.json.dump();
}

std::string reasonOf(const Request& request, unsigned status) {
  const Document document = readDocument(request);
  REQUIRE(document.refusal);
  CHECK(document.refusal->status == status);
  return document.refusal->reason;
}

}  // namespace

TEST_CASE("JSON of any content type that is JSON") {
  const auto type = GENERATE("application/json", "Application/JSON; charset=UTF-8", "text/json",
                             "application/cloudevents+json", "application/json;charset=\"utf-8\"");
  CHECK(textOfBody(post(R"( {"a": [1, "ü"]} )", {}, type)) == R"({"a":[1,"ü"]})");
}

TEST_CASE("a form is an object of texts") {
  CHECK(textOfBody(form("name=disk+full&host=db%2D1&tag=a&tag=b&tag=c&empty=&flag")) ==
        R"({"empty":"","flag":"","host":"db-1","name":"disk full","tag":["a","b","c"]})");
  CHECK(textOfBody(form("a=%FF%zz")) == "{\"a\":\"\xEF\xBF\xBD%zz\"}");
  SECTION("whose payload, if it is JSON, is the document") {
    CHECK(textOfBody(form("payload=%7B%22action%22%3A%22opened%22%7D")) == R"({"action":"opened"})");
    CHECK(textOfBody(form("payload=plain")) == R"({"payload":"plain"})");
    CHECK(reasonOf(form("payload=%7Bx"), 400).find("the form's field payload is not JSON") == 0);
  }
}

TEST_CASE("a refusal says what was found and what is wanted") {
  CHECK(reasonOf(post("{}", {}, ""), 415).find("there is no Content-Type") == 0);
  CHECK(reasonOf(post("{}", {}, "text/plain"), 415).find("\"text/plain\"; wanted is application/json") !=
        std::string::npos);
  CHECK(reasonOf(post("{}", {}, "application/json; charset=latin1"), 415).find("latin1") != std::string::npos);
  CHECK(reasonOf(post("{}", {{"content-encoding", "gzip"}}), 415).find("\"gzip\"") != std::string::npos);
  CHECK(reasonOf(post(""), 400) == "the body is empty, JSON is wanted");
  CHECK(reasonOf(post("{\"a\":}"), 400) == "the body is not JSON: at byte 5, a value is wanted");
  CHECK(reasonOf(post("{\"a\":1}x"), 400).find("at byte 7, nothing more may follow") != std::string::npos);
  CHECK(reasonOf(post("\"\xFF\""), 400).find("not UTF-8") != std::string::npos);
  CHECK(reasonOf(post(std::string(65, '[') + std::string(65, ']')), 400).find("64 levels") != std::string::npos);
  CHECK(reasonOf(post("[1e999]"), 400).find("too large") != std::string::npos);
  CHECK(reasonOf(form(""), 400) == "the form is empty");
  CHECK(reasonOf(form("=x"), 400).find("has no name") != std::string::npos);
}
