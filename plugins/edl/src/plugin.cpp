// The plugin itself: parameters in, the loop that reads the list, requests, the commands of the operator's own list.
#include <algorithm>
#include <ctime>
#include <mutex>
#include <stdexcept>

#include "http_side.h"
#include "longhaul/sdk.hpp"
#include "longhaul/sdk/commands.hpp"
#include "publisher.h"
#include "settings.h"
#include "settings_error.h"
#include "source.h"
#include "text.h"

namespace edl_plugin {
namespace {

constexpr const char* kFile = "last-good.json";  // in the instance's data folder

std::string nowText() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// The argument `values`: an array, or words with commas or line breaks between.
std::vector<std::string> valuesOf(const longhaul::Command& command) {
  const std::string text = command.argument("values", "");
  std::vector<std::string> values;
  if (!text.empty() && text[0] == '[') {
    for (const std::string& element : longhaul::jsonElements(text))
      values.emplace_back(trimmed(longhaul::jsonText(element)));
  } else {
    for (const std::string_view value : splitList(text, ",\n"))
      values.emplace_back(value);
  }
  if (values.empty()) throw std::invalid_argument("values is empty; write one or more, with commas between");
  return values;
}

class Edl : public longhaul::CommandPlugin {
 public:
  explicit Edl(longhaul::Server server)
      : CommandPlugin(server),
        settings_(readSettings([&](std::string_view name) { return server.parameter(name); })),
        publisher_(server, settings_, kFile) {
    onCommand("edl-add", [this](const longhaul::Command& command) { return add(command); });
    onCommand("edl-remove", [this](const longhaul::Command& command) { return remove(command); });
    onCommand("edl-list",
              [this](const longhaul::Command&) { return listJson(ownList(this->server().getIntegrationContext())); });
    onCommand("edl-refresh", [this](const longhaul::Command&) {
      publisher_.refresh();
      return publisher_.status();
    });
    onCommand("edl-status", [this](const longhaul::Command&) { return publisher_.status(); });
  }

  std::optional<std::string> test() override {
    const Collected collected = collect(server(), settings_);
    if (!collected.error.empty()) throw std::runtime_error("the list cannot be read: " + collected.error);
    return "ok: " + std::to_string(collected.items.size()) + " entries";
  }

  void longRunningExecution() override {
    do {
      publisher_.refresh();
    } while (!stopToken().waitFor(settings_.refresh));
  }

  void handle(const longhaul_http_request_t& request, const longhaul_http_exchange_t& exchange) {
    sendAnswer(exchange, publisher_.answer(askedBy(request)));
  }
  void failed(const char* what) const { server().error(std::string("a request failed: ") + what); }

  static const void* getExtension(std::string_view id) noexcept {
    return id == LONGHAUL_HTTP_ID ? &HttpTable<Edl>::kTable : nullptr;
  }

 private:
  std::string add(const longhaul::Command& command) {
    const std::string type = command.argument("type", "");
    std::vector<Item> items;
    for (const std::string& value : valuesOf(command)) {
      try {
        auto item = readItem(value + " " + type);
        if (!item) throw SettingsError("\"" + value + "\" is a comment");
        item->created = nowText();
        items.push_back(std::move(*item));
      } catch (const SettingsError& error) {
        throw std::invalid_argument(error.what());
      }
    }
    const std::lock_guard lock(list_);
    server().mergeIntegrationContext("list", listJson(items), "value");
    publisher_.refresh();
    return std::to_string(items.size()) + (items.size() == 1 ? " entry is" : " entries are") + " on the list";
  }

  std::string remove(const longhaul::Command& command) {
    const auto values = valuesOf(command);
    const std::lock_guard lock(list_);
    std::vector<Item> kept = ownList(server().getIntegrationContext());
    const std::size_t before = kept.size();
    kept.erase(std::remove_if(kept.begin(), kept.end(),
                              [&](const Item& item) {
                                return std::find(values.begin(), values.end(), item.value) != values.end();
                              }),
               kept.end());
    if (kept.size() == before) throw std::invalid_argument("none of these is on the list; edl-list shows it");
    server().patchIntegrationContext("{\"list\":" + listJson(kept) + "}");
    publisher_.refresh();
    return std::to_string(before - kept.size()) + " of the list removed";
  }

  const Settings settings_;
  Publisher publisher_;
  std::mutex list_;  // over reading and writing the operator's list
};

}  // namespace
}  // namespace edl_plugin

LONGHAUL_PLUGIN(edl_plugin::Edl);
