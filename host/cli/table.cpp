#include "host/cli/table.h"

#include <algorithm>

#include "host/base/check.h"
#include "host/cli/printable.h"

namespace longhaul::host::cli {
namespace {

constexpr std::size_t kGap = 2;        // blanks between columns
constexpr std::size_t kCutLeast = 12;  // a text cut to less says nothing

// Takes what is too much from the columns that may be cut, the widest first.
bool fit(std::vector<std::size_t>& widths, const std::vector<const Column*>& columns, std::size_t columns_max) {
  std::size_t total = kGap * (widths.empty() ? 0 : widths.size() - 1);
  for (const std::size_t width : widths)
    total += width;
  bool cut = false;
  while (total > columns_max) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (columns[i]->may_cut && widths[i] > kCutLeast && (widest == widths.size() || widths[i] > widths[widest])) {
        widest = i;
      }
    }
    if (widest == widths.size()) return cut;
    --widths[widest];
    --total;
    cut = true;
  }
  return cut;
}

}  // namespace

std::string inTone(const std::string& text, Tone tone) {
  const char* code = nullptr;
  switch (tone) {
    case Tone::Plain:
      return text;
    case Tone::Good:
      code = "32";
      break;
    case Tone::Warning:
      code = "33";
      break;
    case Tone::Bad:
      code = "31";
      break;
    case Tone::Dim:
      code = "2";
      break;
  }
  return "\x1b[" + std::string(code) + "m" + text + "\x1b[0m";
}

void Table::add(std::vector<Cell> cells) {
  LONGHAUL_CHECK(cells.size() == columns_.size(), "a row has a cell for each column");
  for (Cell& cell : cells)
    cell.text = cell.text.empty() ? "-" : printable(cell.text);
  rows_.push_back(std::move(cells));
}

TableText Table::render(const TableView& view) const {
  TableText result;
  std::vector<std::size_t> shown;
  std::vector<const Column*> columns;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].wide_only && !view.wide) {
      result.hidden.push_back(columns_[i].title);
    } else {
      shown.push_back(i);
      columns.push_back(&columns_[i]);
    }
  }
  std::vector<std::size_t> widths;
  for (const std::size_t i : shown) {
    std::size_t width = widthOf(columns_[i].title);
    for (const auto& row : rows_)
      width = std::max(width, widthOf(row[i].text));
    widths.push_back(width);
  }
  if (view.columns_max > 0) result.cut = fit(widths, columns, view.columns_max);

  const auto line = [&](const auto& cellOf) {
    std::string text;
    for (std::size_t at = 0; at < shown.size(); ++at) {
      const Cell cell = cellOf(shown[at]);
      const std::string words = cutToWidth(cell.text, widths[at]);
      const std::string padding(widths[at] - widthOf(words), ' ');
      const std::string toned = view.colour ? inTone(words, cell.tone) : words;
      if (at > 0) text.append(kGap, ' ');
      const bool last = at + 1 == shown.size();
      text += columns[at]->right ? padding + toned : toned + (last ? "" : padding);
    }
    result.text += text + '\n';
  };
  line([&](std::size_t i) { return Cell{columns_[i].title, Tone::Dim}; });
  for (const auto& row : rows_)
    line([&](std::size_t i) { return row[i]; });
  return result;
}

}  // namespace longhaul::host::cli
