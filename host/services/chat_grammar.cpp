#include "host/services/chat_grammar.h"

#include <fmt/format.h>

#include <vector>

#include "host/base/text.h"
#include "host/store/write_checks.h"

namespace longhaul::host::services {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The words one after the other, and what is left behind them.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(trim(text)) {}

  std::string_view rest() const { return rest_; }
  std::string_view next() {
    const std::size_t end = std::min(rest_.find_first_of(kBlanks), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_ = trim(rest_.substr(end));
    return word;
  }
  // Takes the word if it is the next, without case.
  bool take(std::string_view word) {
    const Words before = *this;
    if (store::foldEmail(next()) == word) return true;
    *this = before;
    return false;
  }

 private:
  std::string_view rest_;
};

// What stands behind a list: nothing, or "page x".
std::variant<std::int64_t, Misunderstood> pageOf(Words words) {
  if (words.rest().empty()) return std::int64_t{1};
  if (!words.take("page")) return Misunderstood{};
  const auto page = parseInt(words.next());
  if (page && *page > 0 && words.rest().empty()) return *page;
  return Misunderstood{"Which page? Say a number behind \"page\", as in: list incidents page 2"};
}

template <class List>
ChatCommand listed(List list, Words words) {
  const auto page = pageOf(words);
  if (const auto* wrong = std::get_if<Misunderstood>(&page)) {
    if (wrong->text.empty()) return HelpAsked{};
    return *wrong;
  }
  list.page = std::get<std::int64_t>(page);
  return list;
}

ChatCommand parseList(Words words) {
  using Which = ListIncidents::Which;
  if (words.take("incidents")) return listed(ListIncidents{Which::Active, 1}, words);
  if (words.take("my")) {
    if (words.take("incidents")) return listed(ListIncidents{Which::Mine, 1}, words);
    if (words.take("tasks")) return listed(ListTasks{1}, words);
    return HelpAsked{};
  }
  if (words.take("closed") && words.take("incidents")) return listed(ListIncidents{Which::Closed, 1}, words);
  return HelpAsked{};
}

Misunderstood noId(std::string_view verb, std::string_view found) {
  return {found.empty() ? fmt::format("Which incident? Say its number, as in: {} 42", verb)
                        : fmt::format("\"{}\" is no number of an incident. Say it as in: {} 42",
                                      cutAtCharacter(found, 40), verb)};
}

}  // namespace

ChatCommand parseChat(std::string_view text) {
  Words words(text);
  if (words.take("list")) return parseList(words);
  if (words.take("new")) {
    if (!words.take("incident")) return HelpAsked{};
    return NewIncidentAsked{std::string{words.rest()}};
  }
  for (const std::string_view verb : {"mirror", "show", "close", "assign"}) {
    if (!words.take(verb)) continue;
    words.take("incident");
    const std::string_view word = words.next();
    const auto id = parseInt(word.starts_with('#') ? word.substr(1) : word);
    if (!id || *id <= 0) return noId(verb, word);
    if (verb == "close") return CloseAsked{*id, std::string{words.rest()}};
    if (verb == "assign") {
      words.take("to");
      const std::string user{words.next()};
      if (user.empty()) return Misunderstood{fmt::format("To whom? Say a user's name, as in: assign {} ann", *id)};
      return AssignAsked{*id, user};
    }
    if (!words.rest().empty()) return HelpAsked{};
    if (verb == "show") return ShowAsked{*id};
    return MirrorAsked{*id};
  }
  return HelpAsked{};
}

std::string chatHelp(bool may_change) {
  std::string text =
      "I can understand the following commands:\nlist incidents [page x]\nlist my incidents [page x]\nlist my tasks\n"
      "list closed incidents\nnew incident [details]\nmirror incident-id\nshow incident-id";
  if (may_change) text += "\nclose incident-id [reason]\nassign incident-id user";
  return text;
}

}  // namespace longhaul::host::services
