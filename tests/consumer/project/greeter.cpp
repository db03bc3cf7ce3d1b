// Makes one incident and waits for stop.
#include <longhaul/sdk.hpp>

class Greeter : public longhaul::Plugin {
 public:
  using Plugin::Plugin;
  void longRunningExecution() override {
    longhaul::Incident incident;
    incident.name = "hello " + server().parameter("whom", "world");
    server().createIncidents({incident});
    stopToken().wait();
  }
};
LONGHAUL_PLUGIN(Greeter);
