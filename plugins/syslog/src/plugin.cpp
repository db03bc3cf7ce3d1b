// The plugin itself: parameters in, the receiver's loop out. Everything else is in the other files.
#include "longhaul/sdk.hpp"
#include "receiver.h"
#include "settings.h"

namespace syslog_plugin {
namespace {

class Syslog : public longhaul::Plugin {
 public:
  explicit Syslog(longhaul::Server server)
      : Plugin(server), settings_(readSettings([&](std::string_view name) { return server.parameter(name); })) {}

  void longRunningExecution() override {
    Receiver receiver(server(), settings_);
    server().info(std::string("receiving syslog over ") + (settings_.udp ? "UDP" : "") +
                  (settings_.udp && settings_.tcp ? " and " : "") + (settings_.tcp ? "TCP" : "") +
                  "; rules: " + std::to_string(settings_.rules.rules().size()));
    receiver.run();
  }

 private:
  Settings settings_;
};

}  // namespace
}  // namespace syslog_plugin

LONGHAUL_PLUGIN(syslog_plugin::Syslog);
