// What goes on around incidents: who works on them, questions to users, mirrors into chats; and indicators. The
// operator's side of it; the plugins' side is in services. Loop only; borrows all it is given.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "host/admin/answer.h"
#include "host/admin/audit_log.h"
#include "host/services/questions.h"
#include "host/store/store_executor.h"
#include "host/store/store_queries.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::admin {

struct PageAsked {
  std::size_t limit = 0;
  std::string cursor{};
};
struct QuestionsAsked {
  std::string incident{};  // empty: of all
  std::string to{};
  std::string state{};  // "open", "answered", "expired"; empty: all
  PageAsked page{};
};
struct IndicatorsAsked {
  std::string value{};  // with a * at its end: a begin
  std::string type{};
  PageAsked page{};
};

class ConversationService {
 public:
  // `questions` null: nothing can be asked. `mirrors` null: nothing is delivered.
  ConversationService(store::StoreQueries& queries, store::StoreExecutor& executor,
                      const supervisor::Supervisor& supervisor, services::Questions* questions,
                      const services::MirrorDelivery* mirrors)
      : queries_(queries), executor_(executor), supervisor_(supervisor), questions_(questions), mirrors_(mirrors) {}
  ConversationService(const ConversationService&) = delete;
  ConversationService& operator=(const ConversationService&) = delete;

  // {"owner": "anna"}; an empty one takes it from whoever had it.
  void assign(std::string_view id, std::string_view body, const Reply& reply);
  // {"reason": "…"}
  void close(std::string_view id, std::string_view body, const Reply& reply);
  void reopen(std::string_view id, const Reply& reply);

  void ask(const Caller& caller, std::string_view id, std::string_view body, const Reply& reply);
  void questions(const QuestionsAsked& asked, const Reply& reply);
  void mirrors(const std::string& instance, const std::string& incident, const Reply& reply);
  void indicators(const IndicatorsAsked& asked, const Reply& reply);

 private:
  void setStatus(std::string_view id, const std::string& status, std::string reason, const Reply& reply);
  void submit(store::Write write, const Reply& reply, std::function<void()> then);
  void findIncident(std::string_view id, const Reply& reply, std::function<void(const store::Incident&)> then);
  std::string instanceName(InstanceId id) const;
  // Why what is for its chat waits, where it waits; `fault` is what the last try gave.
  Json shown(const store::Entitlement& question) const;
  std::string waitsFor(InstanceId id, const std::string& fault) const;
  template <class Query, class Then>
  void query(const Reply& reply, Query query, Then then);
  template <class Function>
  auto guarded(Function function) const;

  store::StoreQueries& queries_;
  store::StoreExecutor& executor_;
  const supervisor::Supervisor& supervisor_;
  services::Questions* questions_;
  const services::MirrorDelivery* mirrors_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

}  // namespace longhaul::host::admin
