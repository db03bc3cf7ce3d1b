// The small reader of JSON against a second one: both take and refuse the same texts.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "longhaul/sdk/detail/json_object.hpp"

TEST_CASE("texts changed at random are judged as by another reader", "[json][random]") {
  static const std::string seeds[] = {
      "{\"a\":[1,-2.5e3,{\"b\":null}],\"c\":\"\\u00e4\\ud83d\\ude00 \xC3\xA4\xF0\x9F\x98\x80\",\"d\":true}",
      "[[],{},[{}],\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",0,-0,10,0.5,1E+2,false]",
      " { \"key\" : [ 1 , 2 ] } ",
  };
  static const std::string alphabet =
      "{}[]\":,\\ufalsetruenull0123456789.-+eE \n\t/\x01\x7F\x80\xBF\xC3\xE2\xED\xF0\xFF";
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  std::size_t taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = seeds[below(std::size(seeds))];
    for (std::size_t changes = below(4); changes > 0; --changes) {
      const std::size_t at = below(text.size());
      const char letter = alphabet[below(alphabet.size())];
      switch (below(3)) {
        case 0:
          text[at] = letter;
          break;
        case 1:
          text.insert(at, 1, letter);
          break;
        default:
          text.erase(at, 1);
      }
      if (text.empty()) text = "0";
    }
    bool wanted = true;
    try {
      const auto parsed = nlohmann::json::parse(text);
      wanted = !parsed.is_discarded();
    } catch (const nlohmann::json::out_of_range&) {
      continue;  // 1e999: the other reader makes numbers, this one leaves them text
    } catch (const nlohmann::json::parse_error&) {
      wanted = false;
    }
    taken += wanted ? 1 : 0;
    if (longhaul::detail::checkJson(text) != wanted) {
      INFO(text);
      REQUIRE(longhaul::detail::checkJson(text) == wanted);
    }
    std::vector<longhaul::detail::JsonMember> members;
    if (longhaul::detail::splitJsonObject(text, members)) {
      const auto whole = nlohmann::json::parse(text);
      for (const auto& member : members) {
        const auto value = nlohmann::json::parse(member.value.begin(), member.value.end());
        // Of a key that stands twice the last one counts there.
        if (&member == &members.back()) REQUIRE(whole.at(member.key) == value);
      }
    }
  }
  CHECK(taken > 1000);
}
