// Rows and columns as text, aligned; what cells hold comes out printable. A value that knows nothing of streams or of
// terminals: width and colours are arguments. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace longhaul::host::cli {

// What a word says to the eye, where colours are allowed; the word itself says the same.
enum class Tone : std::uint8_t { Plain, Good, Warning, Bad, Dim };

// The text between the terminal's codes for this tone.
std::string inTone(const std::string& text, Tone tone);

struct Column {
  std::string title;
  bool wide_only = false;  // shown with -o wide
  bool right = false;      // numbers
  bool may_cut = false;    // free text: cut when the terminal is too narrow
};

struct Cell {
  std::string text;
  Tone tone = Tone::Plain;
  Cell(std::string shown, Tone its_tone = Tone::Plain) : text(std::move(shown)), tone(its_tone) {}  // NOLINT: a cell
  Cell(const char* shown) : text(shown) {}                                                          // NOLINT: is text
};

struct TableView {
  bool wide = false;
  bool colour = false;
  std::size_t columns_max = 0;  // of the terminal; 0: no limit
};

struct TableText {
  std::string text;                 // with a line of titles; a line a row, no blanks at its end
  std::vector<std::string> hidden;  // titles of columns left out
  bool cut = false;                 // cells were cut
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as columns.
  void add(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }
  TableText render(const TableView& view) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace longhaul::host::cli
