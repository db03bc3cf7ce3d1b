// Questions to users: kept as entitlements, sent through a chat instance's command send-notification until it took
// them, reminded of once, and answered with their default once when the time is out. All of it goes on after a restart.
// Loop only; owns its timers.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/services/mirror_delivery.h"

namespace longhaul::host::services {

struct QuestionAsked {
  IncidentId incident;
  std::string task_id{};
  std::string to{};  // a user: name, address, or id in that chat
  InstanceId instance{};
  std::string message{};
  std::vector<std::string> options{};
  std::string reply{};  // empty: a sentence of the host's
  std::string default_response{};
  std::string asked_by{};
  std::int64_t expires_at_us = 0;  // 0: never
  std::int64_t remind_at_us = 0;   // 0: no reminder
};

class Questions {
 public:
  explicit Questions(DeliveryAround around) : around_(std::move(around)) {}
  ~Questions();
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;

  // Takes up every question that is open. Where the store cannot be read, it is tried until it can.
  void start();
  // `done` runs exactly once, when the question is kept; sending follows. NOT_FOUND: incident, user or instance.
  // INVALID: the time is out already, or the reminder would come after it.
  using Done = std::function<void(Result<store::Entitlement>)>;
  void ask(QuestionAsked asked, Done done);
  // Why the chat did not take it; empty: it was not tried, or it was taken.
  std::string faultOf(const std::string& guid) const;

 private:
  struct Sendable {
    store::Entitlement question;
    std::string instance;  // its name; empty: it was removed
    std::string address;   // of the user in that chat
  };
  struct Open {
    bool busy = false;
    int failures = 0;
    TimerId timer = TimerId::None;
    std::string fault{};  // of the last try; empty: it went well
  };

  void startBehind(std::int64_t id);
  void startLater(std::int64_t id, const Error& error);
  void keep(QuestionAsked asked, std::string username, Done done);
  void look(const std::string& guid);
  void next(const Sendable& found);
  void send(const Sendable& found, bool reminder);
  void expire(const store::Entitlement& question);
  void wait(const std::string& guid, Duration delay);
  void retry(const std::string& guid);

  DeliveryAround around_;
  std::map<std::string, Open> open_;  // by guid
  TimerId start_timer_ = TimerId::None;
  int start_failures_ = 0;
};

// "guid@42|3"
std::string entitlementText(const store::Entitlement& question);

}  // namespace longhaul::host::services
