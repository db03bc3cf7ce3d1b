#include "host/cli/output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "host/cli/printable.h"
#include "host/cli/yaml_text.h"

namespace longhaul::host::cli {
namespace {

std::string prettyJson(const Json& value) {
  return printableJson(value.dump(2, ' ', false, Json::error_handler_t::replace));
}

std::string indented(const std::string& text) {
  std::string out = "  ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

}  // namespace

const std::vector<std::string>& formatNames() {
  static const std::vector<std::string> kNames{"table", "wide", "json", "jsonl", "yaml", "name"};
  return kNames;
}

std::optional<Format> parseFormat(std::string_view name) {
  for (std::size_t i = 0; i < formatNames().size(); ++i) {
    if (formatNames()[i] == name) return static_cast<Format>(i);
  }
  return std::nullopt;
}

Error withHint(Error error, std::string_view hint) {
  if (hint.empty()) return error;
  error.message += kHintBreak;
  error.message += hint;
  return error;
}

std::string_view sentenceOf(const Error& error) {
  const std::string_view message = error.message;
  return message.substr(0, message.find(kHintBreak));
}

void Output::text(std::string_view text) {
  out_ << text;
}

void Output::line(std::string_view text) {
  out_ << text << '\n';
}

std::string Output::toned(const std::string& text, Tone tone) const {
  return settings_.out_colour ? inTone(text, tone) : text;
}

void Output::value(const Json& value, std::string_view name) {
  switch (settings_.format) {
    case Format::Table:
    case Format::Wide:
      break;
    case Format::Json:
      line(prettyJson(value));
      break;
    case Format::Jsonl:
      line(printableJson(dumpJson(value)));
      break;
    case Format::Yaml:
      text(printableJson(yamlText(value)));
      break;
    case Format::Name:
      line(printable(name));
      break;
  }
}

void Output::jsonText(std::string_view text) {
  line(printableJson(text));
}

void Output::beginList() {
  list_begun_ = false;
}

void Output::item(const Json& value) {
  switch (settings_.format) {
    case Format::Json:
      text(list_begun_ ? ",\n" : "[\n");
      text(indented(prettyJson(value)));
      break;
    case Format::Jsonl:
      line(printableJson(dumpJson(value)));
      break;
    default:
      text(printableJson(yamlText(Json::array({value}))));
  }
  list_begun_ = true;
}

void Output::page(const Table& table, const Json& items, const std::vector<std::string>& names) {
  if (settings_.format == Format::Name) {
    for (const std::string& name : names)
      line(printable(name));
    return;
  }
  if (!forPeople()) {
    for (const Json& value : items)
      item(value);
    return;
  }
  if (table.empty()) return;
  const TableText rendered =
      table.render({.wide = wide(), .colour = settings_.out_colour, .columns_max = wide() ? 0 : settings_.columns});
  std::string_view shown = rendered.text;
  if (list_begun_) shown.remove_prefix(shown.find('\n') + 1);
  list_begun_ = true;
  text(shown);
  if (!told_hidden_ && settings_.out_is_terminal && (rendered.cut || !rendered.hidden.empty())) {
    told_hidden_ = true;
    out_.flush();
    note(fmt::format("-o wide {}{}{}", rendered.cut ? "does not cut texts" : "",
                     rendered.cut && !rendered.hidden.empty() ? ", and " : "",
                     rendered.hidden.empty() ? "" : fmt::format("adds {}", fmt::join(rendered.hidden, ", "))));
  }
}

void Output::endList() {
  if (settings_.format == Format::Json) line(list_begun_ ? "\n]" : "[]");
  if (settings_.format == Format::Yaml && !list_begun_) line("[]");
}

void Output::list(const Table& table, const Json& items, const std::vector<std::string>& names) {
  beginList();
  page(table, items, names);
  endList();
}

void Output::flush() {
  out_.flush();
}

bool Output::failed() const {
  return !out_;
}

void Output::note(std::string_view text) {
  const std::string shown = printable(text);
  err_ << (settings_.err_colour ? inTone(shown, Tone::Dim) : shown) << '\n';
}

void Output::error(const Error& error) {
  out_.flush();
  std::string_view left = error.message;
  for (bool first = true; first || !left.empty(); first = false) {
    const std::size_t end = left.find(kHintBreak);
    const std::string shown = printable(left.substr(0, end));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    const std::string word = first ? "error:" : "hint:";
    err_ << (settings_.err_colour ? inTone(word, first ? Tone::Bad : Tone::Dim) : word) << ' ' << shown << '\n';
  }
}

}  // namespace longhaul::host::cli
