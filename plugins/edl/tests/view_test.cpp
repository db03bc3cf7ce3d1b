// Items to lists: types, formats, devices, pages.
#include "view.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "longhaul/sdk/detail/json_object.hpp"

using namespace edl_plugin;

namespace {

View all() {
  View view;
  view.limit = 100;
  return view;
}

const std::vector<Item> kItems{{"192.0.2.1", "IP", 3, "2026-11-24T12:00:00Z", ""},
                               {"Example.COM.", "Domain", 2, "", ""},
                               {"https://example.com:8443/a?b,c", "URL", 3, "", ""},
                               {"192.0.2.1", "IP", 1, "", ""},
                               {"example.com", "Domain", 0, "", ""}};

}  // namespace

TEST_CASE("a text list has a line an entry, each once") {
  const Rendering list = render(kItems, all());
  CHECK(list.bytes == "192.0.2.1\nexample.com\nhttps://example.com:8443/a?b,c\n");
  CHECK(list.entries == 3);
  CHECK(list.total == 3);
}

TEST_CASE("types choose, and pages cut") {
  View view = all();
  view.types = {"domain", "ip"};
  CHECK(render(kItems, view).bytes == "192.0.2.1\nexample.com\n");
  view.offset = 1;
  view.limit = 1;
  const Rendering page = render(kItems, view);
  CHECK(page.bytes == "example.com\n");
  CHECK(page.total == 2);
  view.offset = 5;
  CHECK(render(kItems, view).bytes.empty());
}

TEST_CASE("CSV and JSON") {
  View view = all();
  view.format = Format::kCsv;
  CHECK(render(kItems, view).bytes ==
        "indicator,type,score,created,modified\n192.0.2.1,IP,3,2026-11-24T12:00:00Z,\nexample.com,Domain,2,,\n"
        "\"https://example.com:8443/a?b,c\",URL,3,,\n");
  view.format = Format::kJson;
  const std::string json = render(kItems, view).bytes;
  CHECK(longhaul::detail::checkJson(json));
  CHECK(json.find("{\"value\":\"192.0.2.1\",\"type\":\"IP\",\"score\":3,\"created\":\"2026-11-24T12:00:00Z\"}") !=
        std::string::npos);
  CHECK(longhaul::detail::checkJson(render({}, view).bytes));
}

TEST_CASE("no value becomes two lines, or a comment") {
  const auto value = GENERATE(values<std::string>(
      {"", " ", "1.2.3.4\n0.0.0.0/0", "a b", "#comment", std::string("a\0b", 3), "a\rb", "a\tb", "a\x7F"}));
  const Rendering list = render({{value, "IP", 3, "", ""}, {"192.0.2.1", "IP", 3, "", ""}}, all());
  CHECK(list.bytes == "192.0.2.1\n");
  CHECK(list.left_out == 1);
}

TEST_CASE("PAN-OS: URLs without scheme and port, and with an end") {
  const auto [url, line] = GENERATE(table<const char*, const char*>({
      {"https://Example.com/A/b", "example.com/A/b"},
      {"http://example.com", "example.com/"},
      {"example.com:8080", "example.com/"},
      {"http://user:pw@example.com:8080/x", "example.com/x"},
      {"http://[2001:db8::1]:80/x", "[2001:db8::1]/x"},
      {"http://[2001:db8::1]", "[2001:db8::1]/"},
      {"example.com?q=a:b@c/d", "example.com/?q=a:b@c/d"},
      {"*.example.com/", "*.example.com/"},
  }));
  CHECK(lineOf({url, "URL", 3, "", ""}, Device::kPanos) == std::string(line));
  CHECK(lineOf({url, "URL", 3, "", ""}, Device::kPlain) == std::string(url));
  CHECK_FALSE(lineOf({"http://", "URL", 3, "", ""}, Device::kPanos));
  CHECK_FALSE(lineOf({"http://a.b/" + std::string(1100, 'x'), "URL", 3, "", ""}, Device::kPanos));
  CHECK(lineOf({"192.0.2.0/24", "CIDR", 3, "", ""}, Device::kPanos) == "192.0.2.0/24");
}

TEST_CASE("a view is read from path and query") {
  const Wanted plain = readView("/", {}, all());
  CHECK(plain.error.empty());
  CHECK(plain.view.key() == all().key());
  CHECK(readView("/list.csv", {}, all()).view.format == Format::kCsv);
  CHECK(readView("/a/b.txt", {}, all()).view.format == Format::kText);
  const Wanted full =
      readView("/x.txt", {{"v", "json"}, {"t", "URL,IP, ip"}, {"n", "5"}, {"s", "10"}, {"device", "panos"}}, all());
  CHECK(full.view.format == Format::kJson);
  CHECK(full.view.types == std::vector<std::string>{"ip", "url"});
  CHECK(full.view.limit == 5);
  CHECK(full.view.offset == 10);
  CHECK(full.view.device == Device::kPanos);
  CHECK(readView("/", {{"n", "1000000"}}, all()).view.limit == 100);
  CHECK(readView("/", {{"utm", "x"}}, all()).error.empty());
  View many = all();
  many.limit = 200'000;
  CHECK(readView("/", {{"device", "fortinet"}}, many).view.limit == 131'072);
}

TEST_CASE("what is no view says why") {
  CHECK_FALSE(readView("/list", {}, all()).found);
  CHECK_FALSE(readView("/list.exe", {}, all()).found);
  CHECK_FALSE(readView("/a.csv/b", {}, all()).found);
  const auto [name, value] = GENERATE(table<const char*, const char*>(
      {{"v", "xml"}, {"n", "0"}, {"n", "-1"}, {"n", "many"}, {"s", "x"}, {"n", "9999999999"}, {"device", "toaster"}}));
  const Wanted wanted = readView("/", {{name, value}}, all());
  CHECK(wanted.found);
  CHECK(wanted.error.find(std::string(name) + " is \"" + value + "\"; write ") == 0);
}
