// Who comes by TCP: names of this host, a request's session, the page that an act comes from, and who guesses.
#include "host/http/web_door.h"

#include <catch2/catch.hpp>

#include "host/http/guess_limit.h"
#include "host/http/session_cookie.h"

using namespace longhaul::host;
using namespace longhaul::host::http;
using namespace std::chrono_literals;

TEST_CASE("a session is the cookie of this port, whatever else a browser has for the machine") {
  Request request{.host = "edge:8440"};
  CHECK(WebDoor::sessionOf(request).empty());
  request.cookie = "theme=dark; longhaul_session_8441=other; longhaul_session_8440=mine; longhaul_session_84=x";
  CHECK(WebDoor::sessionOf(request) == "mine");
  request.host = "[::1]:8441";
  CHECK(WebDoor::sessionOf(request) == "other");
  request.host = "edge.example.org";
  CHECK(WebDoor::sessionOf(request).empty());
  request.cookie = "longhaul_session_default=usual";
  CHECK(WebDoor::sessionOf(request) == "usual");
}

TEST_CASE("an act counts as the page's own by scheme, name and port together") {
  const Peer plain{.address = "127.0.0.1"};
  const Peer tls{.address = "127.0.0.1", .tls = true};
  Request request{.host = "Edge.example.org:8440", .origin = "https://edge.example.org:8440"};
  CHECK(isSameOrigin(request, tls));
  CHECK_FALSE(isSameOrigin(request, plain));
  for (const char* other : {"", "null", "https://edge.example.org", "https://edge.example.org:8441", "https://evil.org",
                            "https://edge.example.org:8440.evil.org"}) {
    request.origin = other;
    CHECK_FALSE(isSameOrigin(request, tls));
  }
}

TEST_CASE("who guesses too often waits until the window is over, and nobody else") {
  GuessLimit limit{3, 1min, 2};
  const TimePoint start{};
  CHECK(limit.waitS("a", start) == 0);
  for (int i = 0; i < 3; ++i)
    limit.wrong("a", start + 1s * i);
  CHECK(limit.waitS("a", start + 2s) == 58);
  CHECK(limit.waitS("b", start + 2s) == 0);
  CHECK(limit.waitS("a", start + 60s) == 0);
  limit.wrong("a", start + 61s);  // begins anew
  CHECK(limit.waitS("a", start + 61s) == 0);
  SECTION("only so many are remembered") {
    limit.wrong("b", start + 62s);
    limit.wrong("c", start + 63s);  // "a" goes
    for (int i = 0; i < 2; ++i)
      limit.wrong("a", start + 64s);
    CHECK(limit.waitS("a", start + 64s) == 0);
  }
}

TEST_CASE("a session goes to no instance, and comes from none") {
  CHECK(withoutSessions("longhaul_session_8440=lh_1") == "");
  CHECK(withoutSessions("a=1; longhaul_session_8440=lh_1; b=2;longhaul_session_default=x") == "a=1; b=2");
  CHECK(withoutSessions("a=longhaul; Longhaul_Session_1=x") == "a=longhaul");
  CHECK(withoutSessions("=longhaul_session_1=x; c") == "=longhaul_session_1=x; c");  // its name is empty
  CHECK(withoutSessions("") == "");
  CHECK(setsSession("longhaul_session_8440=x; Path=/"));
  CHECK(setsSession(" LONGHAUL_session_1=x"));
  CHECK(setsSession("=longhaul_session_8440=x"));  // sent back as if it had the name
  CHECK_FALSE(setsSession("theirs=longhaul; Path=/"));
}
