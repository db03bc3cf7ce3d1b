#include "room.h"

#include <algorithm>
#include <ctime>
#include <stdexcept>

namespace chat_plugin {
namespace {

// What this chat adds carries it, and what carries it does not come back: XSOAR's guard against a loop.
constexpr std::string_view kFooter = "\n**From Longhaul chat**";
constexpr std::string_view kHelp =
    "hello NAME             speak as NAME\n"
    "say CHANNEL TEXT       write into a channel, and so into its incident\n"
    "join CHANNEL           read a channel; leave CHANNEL ends it\n"
    "channels               which there are\n"
    "answer THREAD TEXT     answer a question\n"
    "questions              which wait for you\n"
    "quit                   end the connection\n"
    "Anything else goes to the host as a direct message";

bool contains(const std::vector<std::string>& texts, std::string_view text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

// Takes the first word off the text.
std::string_view takeWord(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ', end)));
  return word;
}

std::string joined(const std::vector<std::string>& texts, std::string_view between) {
  std::string out;
  for (const std::string& text : texts)
    out.append(out.empty() ? "" : between).append(text);
  return out;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

std::string channelOf(const longhaul::Command& command) {
  const std::string named = command.argument("channel", "");
  if (!named.empty() || command.incidentId().empty()) return named;
  return "incident-" + command.incidentId();
}

// guid@incident|task, as the host makes them. Whether it is one of the host's shows when somebody answers.
bool isEntitlement(const std::string& text) {
  const auto parts = longhaul::parseEntitlement(text);
  return parts && parts->incident_id.find_first_not_of("0123456789") == std::string::npos &&
         text.find_first_of(" \t\r\n") == std::string::npos;
}

// Whether the entry was handed on before; remembers it if not.
bool isRepeated(Channel& channel, const std::string& entry) {
  if (entry.empty()) return false;
  if (contains(channel.seen, entry)) return true;
  channel.seen.push_back(entry);
  if (channel.seen.size() > kSeenMax) channel.seen.erase(channel.seen.begin());
  return false;
}

}  // namespace

Room::Room(longhaul::Server server, bool anyone_can_open, std::function<void()> changed)
    : server_(server), memory_(server), anyone_can_open_(anyone_can_open), changed_(std::move(changed)) {}

void Room::change(const std::function<bool(State&)>& change) {
  memory_.change(change);
  changed_();
}

void Room::send(State& state, std::string to, const std::string& channel, std::string text, bool keep) {
  const std::size_t dropped = state.send(std::move(to), channel, std::move(text), keep);
  if (dropped > 0)
    server_.error(std::to_string(dropped) + " of the oldest lines that nobody fetched were dropped: at most " +
                  std::to_string(kLinesMax) + " wait");
}

// --- The host's commands

std::string Room::sendNotification(const longhaul::Command& command) {
  const std::string message = command.argument("message", "");
  const std::string original = command.argument("originalMessage", message);
  if (command.argument("messageType", "") == "mirrorEntry" && original.find(kFooter) != std::string::npos)
    return "Not sent: it came from this chat.";
  if (longhaul::jsonMember(message, "entitlement")) return ask(command, message);

  const std::string entry = command.argument("entry", "");
  const std::string to = command.argument("to", "");
  const std::string channel_name = to.empty() ? channelOf(command) : std::string();
  if (to.empty() && channel_name.empty()) throw std::invalid_argument("one of the arguments to and channel is wanted");
  const std::string user = to.empty() ? std::string() : userNamed(to);
  std::string said = "Sent.";
  change([&](State& state) {
    if (!user.empty()) return send(state, user, {}, message), true;
    Channel* channel = state.channel(channel_name);
    if (channel == nullptr) return said = "Nobody reads " + channel_name + ".", false;
    if (isRepeated(*channel, entry)) return said = "Sent before.", false;
    const std::vector<std::string> members = channel->members;
    for (const std::string& member : members)
      send(state, member, channel_name, message);
    if (members.empty()) said = "Nobody reads " + channel_name + ".";
    return true;
  });
  return said;
}

std::string Room::ask(const longhaul::Command& command, const std::string& message) {
  const auto field = [&](const char* key) { return longhaul::jsonMember(message, key).value_or(""); };
  Question question;
  question.entitlement = field("entitlement");
  if (!isEntitlement(question.entitlement))
    throw std::invalid_argument("the entitlement is \"" + question.entitlement + "\", guid@incident|task is wanted");
  const std::string to = command.argument("to", "");
  question.to = to.empty() ? channelOf(command) : userNamed(to);
  if (question.to.empty()) throw std::invalid_argument("one of the arguments to and channel is wanted");
  question.reply = field("reply");
  question.expiry = field("expiry");
  if (!question.expiry.empty() && expirySeconds(question.expiry) == 0)
    throw std::invalid_argument("the expiry is \"" + question.expiry +
                                "\", a time of UTC like \"2026-11-24 12:00:00\" is wanted");
  if (!question.expiry.empty() && expirySeconds(question.expiry) <= std::time(nullptr))
    throw std::invalid_argument("the time for an answer was out at " + question.expiry + " UTC: nobody could answer");
  question.default_response = field("default_response");
  for (const std::string& option : longhaul::jsonElements(field("options")))
    question.options.push_back(longhaul::jsonText(option));
  question.sent = timeText(std::time(nullptr));

  std::string thread;
  change([&](State& state) {
    // A question that is there already is sent again as a reminder under its own thread.
    const auto same = std::find_if(state.questions.begin(), state.questions.end(), [&](const Question& there) {
      return there.entitlement == question.entitlement && there.to == question.to;
    });
    if (same == state.questions.end()) {
      question.thread = "q" + std::to_string(++state.question_count);
      state.questions.push_back(question);
    } else {
      question.thread = same->thread;
    }
    thread = question.thread;
    std::string text = field("message") + "\nAnswer with: answer " + thread + " " +
                       (question.options.empty() ? "TEXT" : joined(question.options, "|"));
    if (!question.expiry.empty()) text += "\nUntil " + question.expiry + " UTC.";
    const bool waits = std::any_of(state.lines.begin(), state.lines.end(), [&](const Line& line) {
      return line.keep && line.text == text && (line.to == question.to || line.channel == question.to);
    });
    if (waits) return false;  // asked again before it was fetched
    const Channel* channel = state.channel(question.to);
    if (channel == nullptr) return send(state, question.to, {}, text, true), true;
    const std::vector<std::string> members = channel->members;
    for (const std::string& member : members)
      send(state, member, question.to, text, true);
    return true;
  });
  return "Asked as " + thread + ".";
}

std::string Room::mirrorInvestigation(const longhaul::Command& command) {
  const std::string incident = command.argument("incidentId", command.incidentId());
  if (incident.empty())
    throw std::invalid_argument("in which incident? Run it in one, or give the argument incidentId");
  const std::string type = command.argument("type", "all");
  const std::string direction = command.argument("direction", "both");
  const bool auto_close = command.argument("autoclose", "true") == "true";
  const std::vector<longhaul::User> people = server_.mirrorInvestigation(incident, type + ":" + direction, auto_close);
  const std::string name = "incident-" + incident;
  if (type == "none") {
    change([&](State& state) {
      const auto is_it = [&](const Channel& channel) { return channel.incident == incident; };
      state.channels.erase(std::remove_if(state.channels.begin(), state.channels.end(), is_it), state.channels.end());
      return true;
    });
    return name + " is mirrored no more.";
  }
  change([&](State& state) {
    Channel* channel = state.channel(name);
    if (channel == nullptr) {
      state.channels.emplace_back().incident = incident;
      channel = &state.channels.back();
    }
    channel->type = type;
    channel->direction = direction;
    channel->auto_close = auto_close;
    std::vector<std::string> invited;
    for (const longhaul::User& person : people)
      invited.push_back(person.username);
    invited.push_back(command.username());
    for (const std::string& each : invited)
      if (!each.empty() && !contains(channel->members, each)) channel->members.push_back(each);
    return true;
  });
  return "Incident " + incident + " is mirrored to the channel " + name + ".";
}

std::string Room::closeChannel(const longhaul::Command& command) {
  const std::string name = channelOf(command);
  if (name.empty()) throw std::invalid_argument("which channel? Run it in an incident, or give the argument channel");
  std::string said = "There is no channel " + name + ".";
  change([&](State& state) {
    const Channel* channel = state.channel(name);
    if (channel == nullptr) return false;
    for (const std::string& member : std::vector<std::string>(channel->members))
      send(state, member, name, "The channel is closed.");
    const auto is_it = [&](const Channel& each) { return each.name() == name; };
    state.channels.erase(std::remove_if(state.channels.begin(), state.channels.end(), is_it), state.channels.end());
    said = name + " is closed.";
    return true;
  });
  return said;
}

std::string Room::userNamed(const std::string& to) const {
  const auto user = server_.findUser(to, to);
  if (user) return user->username;
  throw longhaul::Error(longhaul::Status::kNotFound, "to",
                        "the host knows no user \"" + to + "\", and no chat name or address like that");
}

// --- People

Person Room::meet(std::string name) const {
  Person person;
  person.user = server_.findUser(name);
  person.name = std::move(name);
  return person;
}

Reply Room::handle(const Person& person, std::string_view line, std::string_view key) {
  std::string_view rest = line;
  const std::string_view word = takeWord(rest);
  if (word == "say") return say(person, rest, key);
  if (word == "answer") return answer(person, rest);
  if (word == "join" || word == "leave") return join(person, std::string(rest), word == "join");
  if (word == "channels" && rest.empty()) return listChannels(person);
  if (word == "questions" && rest.empty()) return listQuestions(person);
  if (word == "help" && rest.empty()) {
    const Reply host = direct(person, "help", {});
    return {std::string(kHelp) + (host.done ? ":\n" : ", which knows you not:\n") + host.text, true};
  }
  return direct(person, line, key);
}

Reply Room::direct(const Person& person, std::string_view line, std::string_view key) {
  longhaul::MessageOptions options;
  const std::string name = person.key();
  options.username = name;
  if (person.user) options.email = person.user->email;
  options.anyone_can_open_incidents = anyone_can_open_;
  const std::string whole_key = "direct/" + name + "/" + std::string(key);
  if (!key.empty()) options.idempotency_key = whole_key;
  auto outcome = server_.tryDirectMessage(line, options);
  return outcome ? Reply{std::move(outcome.value), true} : Reply{std::move(outcome.error), false};
}

Reply Room::say(const Person& person, std::string_view rest, std::string_view key) {
  const std::string name(takeWord(rest));
  if (name.empty() || rest.empty()) return {"say CHANNEL TEXT is wanted", false};
  const State state = memory_.read();
  const Channel* channel = state.channel(name);
  if (channel == nullptr) return {"there is no channel " + name + "; see: channels", false};
  if (!contains(channel->members, person.key())) return {"you do not read " + name + ": join it first", false};
  if (channel->direction == "FromDemisto")
    return {name + " is mirrored from the incident only; what is said here would not reach it", false};
  longhaul::EntryOptions options;
  options.username = person.key();
  if (person.user) options.email = person.user->email;
  options.footer = kFooter;
  const std::string whole_key = "say/" + person.key() + "/" + std::string(key);
  if (!key.empty()) options.idempotency_key = whole_key;
  const auto entry = server_.tryAddEntry(channel->incident, rest, options);
  if (!entry) return {entry.error, false};
  // The others in the channel read it too: once, also when the worker died behind the entry and the line came again.
  change([&](State& now) {
    Channel* there = now.channel(name);
    if (there == nullptr || isRepeated(*there, entry.value)) return false;
    for (const std::string& member : std::vector<std::string>(there->members))
      if (member != person.key()) send(now, member, name, person.key() + ": " + std::string(rest));
    return true;
  });
  return {entry.value, true};
}

Reply Room::answer(const Person& person, std::string_view rest) {
  const std::string thread(takeWord(rest));
  if (thread.empty() || rest.empty()) return {"answer THREAD TEXT is wanted", false};
  State state = memory_.read();
  const Question* question = state.question(thread);
  // One that is over: the host says by whom, or that this is its answer, whose reply was lost.
  for (const Question& each : state.closed)
    if (question == nullptr && each.thread == thread) question = &each;
  const Channel* channel = question == nullptr ? nullptr : state.channel(question->to);
  if (question == nullptr ||
      (question->to != person.key() && (channel == nullptr || !contains(channel->members, person.key()))))
    return {"no question " + thread + " waits for you; see: questions", false};
  if (!question->options.empty() && !contains(question->options, rest))
    return {"one of these is wanted: " + joined(question->options, ", "), false};
  const auto entitlement = longhaul::parseEntitlement(question->entitlement);
  if (!entitlement) return {"the question has no entitlement any more", false};
  const std::string who = person.user && !person.user->email.empty() ? person.user->email : person.key();
  const auto outcome = server_.tryHandleEntitlementForUser(*entitlement, who, rest);
  using longhaul::Status;
  const bool over = outcome.ok() || outcome.status == Status::kAlreadyAnswered || outcome.status == Status::kNotFound;
  if (!over) return {outcome.error, false};
  change([&](State& now) {
    if (now.question(thread) == nullptr) return false;
    now.close(thread);
    return true;
  });
  if (!outcome.ok()) return {outcome.error, false};
  const std::string reply =
      question->reply.empty() ? "Thank you {user}, your answer \"{response}\" is noted." : question->reply;
  return {replaced(replaced(reply, "{user}", person.key()), "{response}", rest), true};
}

Reply Room::join(const Person& person, const std::string& name, bool in) {
  if (!person.user)
    return {"nobody here knows you as " + person.name + ": ask an operator to add you as a user", false};
  bool there = false;
  change([&](State& state) {
    Channel* channel = state.channel(name);
    there = channel != nullptr;
    if (!there || contains(channel->members, person.key()) == in) return false;
    auto& members = channel->members;
    members.erase(std::remove(members.begin(), members.end(), person.key()), members.end());
    if (in) members.push_back(person.key());
    return true;
  });
  if (!there) return {"there is no channel " + name + "; see: channels", false};
  return {in ? "You read " + name + "." : "You read " + name + " no more.", true};
}

Reply Room::listChannels(const Person& person) const {
  std::string text;
  for (const Channel& channel : memory_.read().channels)
    text += (text.empty() ? "" : "\n") + channel.name() + "  " + channel.type + ":" + channel.direction +
            (contains(channel.members, person.key()) ? "  (you read it)" : "");
  return {text.empty() ? "There are no channels." : text, true};
}

Reply Room::listQuestions(const Person& person) const {
  std::string text;
  const State state = memory_.read();
  for (const Question& question : state.questions) {
    const Channel* channel = state.channel(question.to);
    if (question.to != person.key() && (channel == nullptr || !contains(channel->members, person.key()))) continue;
    text += (text.empty() ? "" : "\n") + question.thread + "  asked " + question.sent +
            (question.expiry.empty() ? "" : "  until " + question.expiry);
  }
  return {text.empty() ? "No question waits for you." : text, true};
}

// --- The loop

void Room::fetched(const std::vector<std::int64_t>& numbers) {
  if (numbers.empty()) return;
  memory_.change([&](State& state) {
    const auto gone = [&](const Line& line) {
      return std::find(numbers.begin(), numbers.end(), line.number) != numbers.end();
    };
    state.lines.erase(std::remove_if(state.lines.begin(), state.lines.end(), gone), state.lines.end());
    return true;
  });
}

std::int64_t Room::expire(std::int64_t now_seconds) {
  std::int64_t next = 0;
  std::vector<std::string> over;
  for (const Question& question : memory_.read().questions) {
    const std::int64_t at = expirySeconds(question.expiry);
    if (at == 0) continue;
    if (at > now_seconds) {
      next = next == 0 ? at : std::min(next, at);
      continue;
    }
    const auto entitlement = longhaul::parseEntitlement(question.entitlement);
    const std::string response = question.default_response.empty() ? "NoResponse" : question.default_response;
    const auto status = entitlement ? server_.tryHandleEntitlementForUser(*entitlement, "", response).status
                                    : longhaul::Status::kInvalid;
    // Anything but these may be other the next time. The host may have said that the time is over before this does.
    if (longhaul::isDone(status) || status == longhaul::Status::kAlreadyAnswered ||
        status == longhaul::Status::kNotFound || status == longhaul::Status::kInvalid) {
      over.push_back(question.thread);
    } else {
      next = now_seconds + 1;
    }
  }
  if (!over.empty()) {
    memory_.change([&](State& state) {
      for (const std::string& thread : over)
        state.close(thread);
      return true;
    });
  }
  return next;
}

}  // namespace chat_plugin
