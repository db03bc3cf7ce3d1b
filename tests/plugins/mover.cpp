// Its context has a form for each stateSchema, FORM of this build: {"form": FORM, "count": N, …}. What it does on its
// way to the next form the context itself says, under "how" (migrate) and "then" (the constructor); the rest it carries
// on.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <longhaul/sdk.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

std::string memberOr(std::string_view object, std::string_view key, std::string_view otherwise) {
  return longhaul::jsonMember(object, key).value_or(std::string(otherwise));
}

#ifndef PLAIN
std::string withForm(std::string_view context, std::int64_t form) {
  std::string out = "{\"form\":" + std::to_string(form) + ",\"count\":" + memberOr(context, "count", "0");
  for (const char* key : {"how", "then", "big"})
    if (const auto value = longhaul::jsonMember(context, key))
      out += ",\"" + std::string(key) + "\":" + longhaul::quoteJson(*value);
  return out + "}";
}
#endif

class Mover : public longhaul::CommandPlugin {
 public:
  explicit Mover(longhaul::Server server) : CommandPlugin(server) {
    const std::string context = server.getIntegrationContext();
    if (FORM == 2 && memberOr(context, "then", "") == "fails")
      throw std::runtime_error("the constructor does not like it");
    onCommand("show", [this](const longhaul::Command&) { return this->server().getIntegrationContext(); });
    onCommand("count", [this](const longhaul::Command&) {
      const std::string now = this->server().getIntegrationContext();
      const std::string next = std::to_string(std::stoll(memberOr(now, "count", "0")) + 1);
      this->server().patchIntegrationContext("{\"form\":" + std::to_string(FORM) + ",\"count\":" + next + "}");
      return next;
    });
  }

  void longRunningExecution() override { stopToken().wait(); }

#ifndef PLAIN
  static std::string migrate(std::int64_t from, std::int64_t to, std::string_view context) {
    const std::string how = memberOr(context, "how", "");
    if (to != FORM) throw std::invalid_argument("to is " + std::to_string(to));
    if (how == "throws") throw std::invalid_argument("there is no way from " + std::to_string(from));
    if (how == "crashes") std::abort();
    if (how == "hangs")
      for (;;)
        ::pause();
    if (how == "gives-a-list") return "[]";
    if (how == "gives-too-much") {
      std::string much = "{\"form\":2";
      for (int i = 0; i < 5; ++i)
        much += ",\"" + std::to_string(i) + "\":\"" + std::string((1U << 20) - 100, 'x') + '"';
      return much + "}";
    }
    return withForm(context, to);
  }
#endif
};

}  // namespace

LONGHAUL_PLUGIN(Mover);
