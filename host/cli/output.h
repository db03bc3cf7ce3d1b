// What a verb says: values in the format that was asked for on stdout, and only those; notes and errors on stderr. It
// owns neither stream. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/cli/table.h"

namespace longhaul::host::cli {

enum class Format : std::uint8_t { Table, Wide, Json, Jsonl, Yaml, Name };
const std::vector<std::string>& formatNames();
std::optional<Format> parseFormat(std::string_view name);

struct OutputSettings {
  Format format = Format::Table;
  bool out_is_terminal = false;
  bool out_colour = false;  // a terminal, and no NO_COLOR
  bool err_colour = false;
  std::size_t columns = 0;  // of the terminal; 0: unknown, nothing is cut
};

class Output {
 public:
  Output(std::ostream& out, std::ostream& err, OutputSettings settings) : out_(out), err_(err), settings_(settings) {}

  Format format() const { return settings_.format; }
  bool forPeople() const { return settings_.format == Format::Table || settings_.format == Format::Wide; }
  bool wide() const { return settings_.format == Format::Wide; }
  bool outIsTerminal() const { return settings_.out_is_terminal; }

  // ---- stdout
  // Text for people, as it is: what came from outside went through printable().
  void text(std::string_view text);
  void line(std::string_view text);
  std::string toned(const std::string& text, Tone tone) const;
  // One value, in any format but those for people; with `name` its name alone.
  void value(const Json& value, std::string_view name);
  // JSON that keeps its text: of numbers with more digits than a double has.
  void jsonText(std::string_view text);

  // A list that may come in pages: begin, any number of pages, end. For people the first page has the line of titles.
  void beginList();
  void page(const Table& table, const Json& items, const std::vector<std::string>& names);
  void endList();
  // A list at once.
  void list(const Table& table, const Json& items, const std::vector<std::string>& names);

  void flush();
  bool failed() const;  // stdout took not all of it

  // ---- stderr
  void note(std::string_view text);
  // "error: …", and a "hint: …" for each that withHint() gave the message. Each is one line, whatever it holds.
  void error(const Error& error);

 private:
  void item(const Json& value);

  std::ostream& out_;
  std::ostream& err_;
  OutputSettings settings_;
  bool list_begun_ = false;
  bool told_hidden_ = false;
};

// What parts a message from its hints. A NUL, which no argument, path or variable can hold: texts from outside make no
// lines of their own.
inline constexpr char kHintBreak = '\0';

// A message with the remedy that belongs to it, as Output::error() shows them apart.
Error withHint(Error error, std::string_view hint);
// The message without its hints.
std::string_view sentenceOf(const Error& error);

}  // namespace longhaul::host::cli
