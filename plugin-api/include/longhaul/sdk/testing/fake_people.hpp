// What the fake server knows beside its store: users, questions, mirrors, indicators, with the rules of
// longhaul/server.h and longhaul/indicators.h. Values and rules only: no lock, no failure to order; FakeServer has
// both.
#ifndef LONGHAUL_SDK_TESTING_FAKE_PEOPLE_HPP
#define LONGHAUL_SDK_TESTING_FAKE_PEOPLE_HPP

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhaul/indicators.h"
#include "longhaul/sdk/testing/fake_store.hpp"
#include "longhaul/sdk/values.hpp"

namespace longhaul::testing {

struct Question {
  std::string incident_id;
  std::string guid;
  std::string task_id;
  bool is_answered = false;
  std::string answered_by;
  std::string answer;
  std::string entry;  // with the answer

  // "guid@incident|task", as a send-notification carries it.
  std::string entitlement() const { return guid + "@" + incident_id + (task_id.empty() ? "" : "|" + task_id); }
};

struct Mirror {
  std::string incident_id;
  std::string type;       // "all", "chat", "none"
  std::string direction;  // "both", "FromDemisto", "ToDemisto"
  bool auto_close = false;
};

struct StoredIndicator {
  std::string id;
  std::string value;
  std::string type;
  std::string json;  // as it came
};

// What a test's directMessage gives for what a known user wrote.
using DirectMessageAnswer = std::function<std::string(const User& user, std::string_view message)>;

class FakePeople {
 public:
  std::vector<User> users;
  std::multimap<std::string, std::string> chat_ids;  // user name → further names that findUser takes
  std::vector<Question> questions;
  std::vector<Mirror> mirrors;
  std::vector<StoredIndicator> indicators;
  DirectMessageAnswer direct_message;

  const User* find(std::string_view username, std::string_view email) const {
    const auto at = std::find_if(users.begin(), users.end(), [&](const User& user) {
      if (!username.empty() &&
          (lowered(user.username) == lowered(username) || user.id == username || hasChatId(user, username)))
        return true;
      return !email.empty() && lowered(user.email) == lowered(email);
    });
    return at == users.end() ? nullptr : &*at;
  }

  Answer findUser(std::string_view username, std::string_view email) const {
    if (username.empty() && email.empty()) return invalid("one of username and email is wanted");
    const User* user = find(username, email);
    return {Status::kOk, user == nullptr ? "null" : toJson(*user), 0};
  }

  // Whether the call may go on to write the answer into the war room (OK).
  Answer mayAnswer(const Question& asked) const {
    const auto at = std::find_if(questions.begin(), questions.end(), [&](const Question& question) {
      return question.entitlement() == asked.entitlement();
    });
    if (at == questions.end())
      return {Status::kNotFound, "there is no entitlement " + asked.entitlement() + " to answer", 0};
    // Word for word the same again: its reply was lost.
    if (at->is_answered && !asked.answered_by.empty() && at->answered_by == asked.answered_by &&
        at->answer == asked.answer)
      return {Status::kReplayed, at->entry, 0};
    if (at->is_answered)
      return {Status::kAlreadyAnswered,
              "this question was answered before by " + (at->answered_by.empty() ? "nobody in time" : at->answered_by),
              0};
    return {};
  }
  void setAnswered(const Question& answered) {
    for (Question& question : questions)
      if (question.entitlement() == answered.entitlement()) question = answered;
  }

  // The people of an incident are all users here.
  Answer mirror(std::string_view incident_id, std::string_view mirror_type, bool auto_close) {
    Mirror mirror;
    mirror.incident_id = incident_id;
    mirror.type = lowered(mirror_type.substr(0, mirror_type.find(':')));
    const std::string direction = lowered(
        mirror_type.find(':') == std::string_view::npos ? "both" : mirror_type.substr(mirror_type.find(':') + 1));
    mirror.direction = direction == "both"          ? "both"
                       : direction == "fromdemisto" ? "FromDemisto"
                       : direction == "todemisto"   ? "ToDemisto"
                                                    : "";
    mirror.auto_close = auto_close;
    if ((mirror.type != "all" && mirror.type != "chat" && mirror.type != "none") || mirror.direction.empty())
      return invalid("mirrorType is \"" + std::string(mirror_type) +
                     "\", all, chat or none with :both, :FromDemisto or :ToDemisto is wanted");
    const auto same = [&](const Mirror& there) { return there.incident_id == mirror.incident_id; };
    mirrors.erase(std::remove_if(mirrors.begin(), mirrors.end(), same), mirrors.end());
    mirrors.push_back(std::move(mirror));
    std::string people = "[";
    for (const User& user : users) {
      if (people.size() > 1) people += ',';
      people += "{\"email\":" + quoteJson(user.email) + ",\"username\":" + quoteJson(user.username) + "}";
    }
    return {Status::kOk, people + "]", 0};
  }

  Answer createIndicators(std::string_view json) {
    std::string error;
    std::vector<std::string_view> elements;
    if (!splitStrict(json, elements, "indicators", error)) return invalid(error);
    if (elements.empty() || elements.size() > LONGHAUL_INDICATORS_PER_CALL_MAX)
      return invalid(std::to_string(elements.size()) + " indicators, 1 to 1000 are wanted");
    std::vector<StoredIndicator> taken;
    for (const auto element : elements) {
      StoredIndicator one{{},
                          jsonMember(element, "value").value_or(""),
                          jsonMember(element, "type").value_or(""),
                          std::string(element)};
      if (one.value.empty() || one.type.empty())
        return invalid("indicator " + std::to_string(taken.size() + 1) + ": value and type are wanted");
      taken.push_back(std::move(one));
    }
    std::string created = "[";
    for (StoredIndicator& one : taken) {
      const auto same = std::find_if(indicators.begin(), indicators.end(), [&](const StoredIndicator& there) {
        return there.type == one.type && there.value == one.value;
      });
      const bool is_new = same == indicators.end();
      one.id = is_new ? std::to_string(indicators.size() + 1) : same->id;
      if (created.size() > 1) created += ',';
      created += "{\"id\":\"" + one.id + "\"}";
      if (is_new) {
        indicators.push_back(std::move(one));
      } else {
        *same = std::move(one);
      }
    }
    return {Status::kOk, created + "]", 0};
  }

  // By value, type and the begin of the value, with size and searchAfter; the times of a query are not looked at.
  Answer searchIndicators(std::string_view query) const {
    std::string error;
    std::vector<detail::JsonMember> members;
    if (!splitStrict(query, members, "the query", error)) return invalid(error);
    const auto wanted = [&](const char* key) { return jsonMember(query, key).value_or(""); };
    std::int64_t size = 50, below = 0;
    if (!wanted("size").empty() && (!detail::readNumber(wanted("size"), size) || size < 1 || size > 1000))
      return invalid("size is " + wanted("size") + ", 1 to 1000 is wanted");
    if (!wanted("searchAfter").empty() && !detail::readNumber(wanted("searchAfter"), below))
      return invalid("searchAfter is not what an answer gave");
    std::string found = "[", last;
    std::int64_t count = 0, total = 0;
    for (auto at = indicators.rbegin(); at != indicators.rend(); ++at) {
      if (!wanted("value").empty() && at->value != wanted("value")) continue;
      if (!wanted("type").empty() && at->type != wanted("type")) continue;
      if (at->value.rfind(wanted("query"), 0) != 0) continue;
      ++total;
      if ((below != 0 && std::stoll(at->id) >= below) || count == size) continue;
      if (found.size() > 1) found += ',';
      found +=
          "{\"id\":\"" + at->id + "\",\"value\":" + quoteJson(at->value) + ",\"type\":" + quoteJson(at->type) + "}";
      last = at->id;
      ++count;
    }
    return {Status::kOk,
            "{\"iocs\":" + found + "],\"total\":" + std::to_string(total) +
                ",\"searchAfter\":" + (count == size ? quoteJson(last) : "null") + "}",
            0};
  }

 private:
  static Answer invalid(std::string text) { return {Status::kInvalid, std::move(text), 0}; }
  static std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out)
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
  }
  bool hasChatId(const User& user, std::string_view name) const {
    const auto [first, last] = chat_ids.equal_range(user.username);
    return std::any_of(first, last, [&](const auto& pair) { return pair.second == name; });
  }
  static std::string toJson(const User& user) {
    std::string roles;
    for (const std::string& role : user.roles)
      roles += (roles.empty() ? "" : ",") + quoteJson(role);
    return "{\"id\":" + quoteJson(user.id) + ",\"username\":" + quoteJson(user.username) +
           ",\"name\":" + quoteJson(user.name) + ",\"email\":" + quoteJson(user.email) +
           ",\"phone\":" + quoteJson(user.phone) + ",\"roles\":{\"demisto\":[" + roles + "]}}";
  }
};

}  // namespace longhaul::testing

#endif
