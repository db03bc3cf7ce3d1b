#include "state.h"

#include <algorithm>
#include <ctime>

#include "longhaul/sdk/json.hpp"

namespace chat_plugin {
namespace {

using longhaul::jsonElements;
using longhaul::jsonMember;
using longhaul::jsonText;
using longhaul::quoteJson;

std::string textOf(std::string_view object, std::string_view key) {
  return jsonMember(object, key).value_or("");
}

std::int64_t numberOf(std::string_view object, std::string_view key) {
  const std::string text = textOf(object, key);
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || number > (std::int64_t{1} << 50)) return 0;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::vector<std::string> textsOf(std::string_view object, std::string_view key) {
  std::vector<std::string> texts;
  for (const std::string& element : jsonElements(textOf(object, key)))
    texts.push_back(jsonText(element));
  return texts;
}

// An object, member by member.
class Writer {
 public:
  Writer& text(std::string_view key, std::string_view value) { return json(key, quoteJson(value)); }
  Writer& flag(std::string_view key, bool value) { return json(key, value ? "true" : "false"); }
  Writer& texts(std::string_view key, const std::vector<std::string>& values) {
    std::string array = "[";
    for (const std::string& value : values)
      array += (array.size() > 1 ? "," : "") + quoteJson(value);
    return json(key, array + "]");
  }
  Writer& json(std::string_view key, std::string_view value) {
    out_.append(out_.size() > 1 ? "," : "").append(quoteJson(key)).append(":").append(value);
    return *this;
  }
  std::string take() { return out_ + "}"; }

 private:
  std::string out_ = "{";
};

template <class Rows, class ToJson>
std::string arrayOf(const Rows& rows, ToJson toJson) {
  std::string array = "[";
  for (const auto& row : rows)
    array += (array.size() > 1 ? "," : "") + toJson(row);
  return array + "]";
}

std::string channelJson(const Channel& channel) {
  return Writer()
      .text("channel_id", channel.name())
      .text("channel_name", channel.name())
      .text("investigation_id", channel.incident)
      .text("mirror_type", channel.type)
      .text("mirror_direction", channel.direction)
      .text("mirror_to", "group")
      .flag("auto_close", channel.auto_close)
      .flag("mirrored", true)
      .text("channel_topic", "")
      .texts("members", channel.members)
      .texts("seen", channel.seen)
      .take();
}

std::string questionJson(const Question& question) {
  return Writer()
      .text("thread", question.thread)
      .text("entitlement", question.entitlement)
      .text("to", question.to)
      .text("reply", question.reply)
      .text("expiry", question.expiry)
      .text("sent", question.sent)
      .text("default_response", question.default_response)
      .texts("options", question.options)
      .take();
}

std::string lineJson(const Line& line) {
  return Writer()
      .json("number", std::to_string(line.number))
      .text("to", line.to)
      .text("channel", line.channel)
      .text("text", line.text)
      .flag("keep", line.keep)
      .take();
}

}  // namespace

const Channel* State::channel(std::string_view name) const {
  const auto at =
      std::find_if(channels.begin(), channels.end(), [&](const Channel& channel) { return channel.name() == name; });
  return at == channels.end() ? nullptr : &*at;
}

Channel* State::channel(std::string_view name) {
  return const_cast<Channel*>(static_cast<const State*>(this)->channel(name));
}

Question* State::question(std::string_view thread) {
  const auto at = std::find_if(questions.begin(), questions.end(),
                               [&](const Question& question) { return question.thread == thread; });
  return at == questions.end() ? nullptr : &*at;
}

void State::close(std::string_view thread) {
  const auto at = std::find_if(questions.begin(), questions.end(),
                               [&](const Question& question) { return question.thread == thread; });
  if (at == questions.end()) return;
  closed.push_back(std::move(*at));
  questions.erase(at);
  if (closed.size() > kClosedMax) closed.erase(closed.begin());
}

std::size_t State::send(std::string to, std::string channel, std::string text, bool keep) {
  if (text.size() > kLineTextBytesMax) {
    std::size_t size = kLineTextBytesMax;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
      --size;
    text.resize(size);
    text += "… (cut; the war room has the whole)";
  }
  lines.push_back({++line_count, std::move(to), std::move(channel), std::move(text), keep});
  std::size_t dropped = 0;
  while (lines.size() > kLinesMax) {
    const auto oldest = std::find_if(lines.begin(), lines.end(), [](const Line& line) { return !line.keep; });
    lines.erase(oldest == lines.end() ? lines.begin() : oldest);
    ++dropped;
  }
  return dropped;
}

namespace {

std::vector<Question> readQuestions(std::string_view array) {
  std::vector<Question> questions;
  for (const std::string& row : jsonElements(array)) {
    Question question{textOf(row, "thread"),
                      textOf(row, "entitlement"),
                      textOf(row, "to"),
                      textOf(row, "reply"),
                      textOf(row, "expiry"),
                      textOf(row, "sent"),
                      textOf(row, "default_response"),
                      textsOf(row, "options")};
    if (!question.entitlement.empty()) questions.push_back(std::move(question));
  }
  return questions;
}

}  // namespace

State readState(std::string_view context) {
  State state;
  for (const std::string& row : jsonElements(textOf(context, "mirrors"))) {
    Channel channel;
    channel.incident = textOf(row, "investigation_id");
    channel.type = textOf(row, "mirror_type");
    channel.direction = textOf(row, "mirror_direction");
    channel.auto_close = textOf(row, "auto_close") == "true";
    channel.members = textsOf(row, "members");
    channel.seen = textsOf(row, "seen");
    if (!channel.incident.empty()) state.channels.push_back(std::move(channel));
  }
  state.questions = readQuestions(textOf(context, "questions"));
  state.closed = readQuestions(textOf(context, "closed"));
  for (const std::string& row : jsonElements(textOf(context, "outbox")))
    state.lines.push_back({numberOf(row, "number"), textOf(row, "to"), textOf(row, "channel"), textOf(row, "text"),
                           textOf(row, "keep") == "true"});
  const std::string counts = textOf(context, "counts");
  state.line_count = numberOf(counts, "lines");
  state.question_count = numberOf(counts, "questions");
  return state;
}

std::string toPatch(const State& state) {
  return Writer()
      .text("mirrors", arrayOf(state.channels, channelJson))
      .text("questions", arrayOf(state.questions, questionJson))
      .json("closed", arrayOf(state.closed, questionJson))
      .json("outbox", arrayOf(state.lines, lineJson))
      .json("counts", Writer()
                          .json("lines", std::to_string(state.line_count))
                          .json("questions", std::to_string(state.question_count))
                          .take())
      .take();
}

std::int64_t expirySeconds(std::string_view text) {
  const std::string copy(text);
  for (const char* form : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"}) {
    std::tm parts{};
    const char* end = ::strptime(copy.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') return static_cast<std::int64_t>(::timegm(&parts));
  }
  return 0;
}

std::string timeText(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

}  // namespace chat_plugin
