#include "host/supervisor/scrubber.h"

#include <catch2/catch.hpp>

using longhaul::host::supervisor::Scrubber;

TEST_CASE("a secret is taken out wherever it stands, also twice and within another") {
  const Scrubber scrubber{{"hunter2", "hunter2-long"}};
  CHECK(scrubber.scrubbed("login hunter2, then hunter2-long and hunter2hunter2") == "login ***, then *** and ******");
  CHECK(scrubber.scrubbed("hunter") == "hunter");
  CHECK(scrubber.scrubbed("").empty());
  CHECK(Scrubber{}.scrubbed("hunter2") == "hunter2");
}

TEST_CASE("the lines of a secret are taken out one by one, and as JSON writes them") {
  const Scrubber scrubber{{"first line\nsecond \"line\"\n"}};
  CHECK(scrubber.scrubbed("a first line b") == "a *** b");
  CHECK(scrubber.scrubbed("second \"line\"") == "***");
  CHECK(scrubber.scrubbed(R"({"key":"first line\nsecond \"line\"\n"})") == R"({"key":"***"})");
}

TEST_CASE("short values are left, since they stand in ordinary text") {
  CHECK(Scrubber{{"admin"}}.scrubbed("admin logged in") == "admin logged in");
}

TEST_CASE("text without a secret is not copied") {
  const Scrubber scrubber{{"hunter2"}};
  std::string buffer;
  const std::string_view text = "nothing";
  CHECK(scrubber.scrub(text, buffer).data() == text.data());
}

TEST_CASE("a secret inside of base64 is taken out wherever it begins, and as a URL has it") {
  const Scrubber scrubber{{"pass word!?>"}};
  // base64 of "user:pass word!?>", "u:pass word!?>" and "us:pass word!?>", the last in the alphabet of URLs.
  for (const char* text : {"dXNlcjpwYXNzIHdvcmQhPz4=", "dTpwYXNzIHdvcmQhPz4=", "dXM6cGFzcyB3b3JkIT8-"}) {
    const std::string scrubbed = scrubber.scrubbed(text);
    CAPTURE(text, scrubbed);
    CHECK(scrubbed.find("***") != std::string::npos);
    CHECK(scrubbed.size() < 16);
  }
  CHECK(scrubber.scrubbed("?token=pass%20word%21%3F%3E&a=1") == "?token=***&a=1");
}

TEST_CASE("of a text that was cut the begin of a secret goes too") {
  const Scrubber scrubber{{"canary-7f3a9e-secret"}};
  CHECK(scrubber.scrubbedCut("canary-7f3a9e-s") == "***");
  CHECK(scrubber.scrubbedCut("in canary-7f") == "in ***");
  CHECK(scrubber.scrubbedCut("in canar") == "in canar");
  CHECK(scrubber.scrubbedCut("canary-7f3a9e-secret") == "***");
  CHECK(scrubber.scrubbedCut("receiver") == "receiver");
  CHECK(Scrubber{}.scrubbedCut("receiver") == "receiver");
}
